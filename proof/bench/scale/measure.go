package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// A service has jobs that run for ever. Its responses are as those of a decoder: no two share a
// string.
type service struct{ polls atomic.Int64 }

func (s *service) Poll(_ context.Context, id string) (poller.Reply, error) {
	s.polls.Add(1)
	j := status.Job{
		ID: strings.Clone(id), Type: strings.Clone("bind_ldap"), Status: status.Running,
		BeginTime: status.Timestamp(strings.Clone("2026-01-02 03:04:05")), SubJobs: make([]status.Job, 3),
	}
	for i := range j.SubJobs {
		j.SubJobs[i] = status.Job{
			ID: id[:35] + strconv.Itoa(i), Type: strings.Clone("check_ldap"), Status: status.Running,
			BeginTime: status.Timestamp(strings.Clone("2026-01-02 03:04:05")),
		}
	}
	return poller.Reply{Job: j}, nil
}

// schedule is that of each job, in the memory of the default one: it leaves time to measure after
// the first polls, and none later.
type schedule struct {
	*backoff.ExponentialBackOff
	fast *atomic.Bool
}

func newSchedule(fast *atomic.Bool) schedule {
	return schedule{backoff.NewExponentialBackOff(), fast}
}

func (s schedule) NextBackOff() time.Duration {
	if s.fast.Load() {
		return time.Millisecond
	}
	return settles
}

const (
	settles = 90 * time.Second // from the first poll of a job to the second, at least
	window  = 10 * time.Second // of polling at full speed
)

func jobID(n int) string { return fmt.Sprintf("26f6b565-1111-2222-3333-%012d", n) }

// measure follows these jobs in this process.
func measure(what string, jobs int) (r row, err error) {
	r = row{What: what, Jobs: jobs}
	s, fast := new(service), new(atomic.Bool)
	w, err := waiter.New(s, waiter.WithBackOff(func() backoff.BackOff { return newSchedule(fast) }))
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	before := memory()

	undelivered := func() int { return 0 }
	start := time.Now()
	switch what {
	case "tracker":
		undelivered, err = track(ctx, w, jobs)
	case "waiter":
		for n := range jobs {
			id := jobID(n)
			go func() { _, _ = w.Wait(ctx, id) }()
		}
	case "backoff":
		for n := range jobs {
			id := jobID(n)
			go func() { _ = retry(ctx, s, id, newSchedule(fast)) }()
		}
	default:
		return r, fmt.Errorf("unknown: %q", what)
	}
	if err != nil {
		return r, err
	}
	r.Start = time.Since(start)
	for s.polls.Load() < int64(jobs) {
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(start)
	if what == "tracker" { // Run began after Track
		took -= r.Start
	}
	r.First = float64(jobs) / took.Seconds()
	r.Resident = resident() / float64(jobs)
	for undelivered() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if s.polls.Load() > int64(jobs) {
		return r, fmt.Errorf("the first polls of %d jobs took longer than %v: the machine is too busy", jobs, settles)
	}
	after := memory()
	r.Heap = float64(after.HeapAlloc-before.HeapAlloc) / float64(jobs)
	r.Stack = float64(after.StackInuse-before.StackInuse) / float64(jobs)

	fast.Store(true)
	for n := s.polls.Load(); s.polls.Load() < n+int64(jobs)/2; { // most jobs have come due
		time.Sleep(10 * time.Millisecond)
	}
	n, begin := s.polls.Load(), time.Now()
	time.Sleep(window)
	r.Polls = float64(s.polls.Load()-n) / time.Since(begin).Seconds()
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	for _, pause := range gc.Pause {
		r.Pause = max(r.Pause, pause)
	}
	return r, nil
}

// track returns how many jobs have changes that are not delivered yet.
func track(ctx context.Context, w *waiter.Waiter, jobs int) (undelivered func() int, err error) {
	t, err := tracker.New(w)
	if err != nil {
		return nil, err
	}
	list := make([]status.Job, jobs)
	for n := range list {
		list[n].ID = jobID(n)
	}
	if err := t.Track(list...); err != nil {
		return nil, err
	}
	go func() { _ = t.Run(ctx) }()
	return func() int {
		s := t.Stats()
		return s.Undelivered + s.Delivering
	}, nil
}

// retry is what people write with backoff alone: it knows no transitions, and no failures.
func retry(ctx context.Context, p poller.Poller, id string, schedule backoff.BackOff) error {
	return backoff.Retry(func() error {
		r, err := p.Poll(ctx, id)
		if err == nil && !r.Job.Status.Terminal() {
			err = fmt.Errorf("job %s is %s", id, r.Job.Status)
		}
		return err
	}, backoff.WithContext(schedule, ctx))
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// resident returns the bytes that the process has in memory; 0 where that is unknown.
func resident() float64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	pages, err := strconv.ParseFloat(string(fields[1]), 64)
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize())
}
