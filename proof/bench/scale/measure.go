package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// A pace is how long a row is measured.
type pace struct {
	settles time.Duration // from the first poll of a job to the second, at least
	window  time.Duration // of polling as fast as it goes
}

// measure follows these jobs in this process. What an earlier call left behind would be counted too.
func measure(what string, jobs int, p pace) (r row, err error) {
	r = row{What: what, Jobs: jobs}
	s := new(service)
	interval.Store(int64(p.settles))
	w, err := waiter.New(s, waiter.WithBackOff(newSchedule))
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	before := memory()

	delivered := func() bool { return true }
	start := time.Now()
	began := start // of the polls
	switch what {
	case byTracker:
		delivered, err = track(ctx, w, jobs)
		began = time.Now()
	case byWaiter:
		for n := range jobs {
			id := jobID(n)
			go func() { _, _ = w.Wait(ctx, id) }()
		}
	case byBackOff:
		for n := range jobs {
			id := jobID(n)
			go func() { _ = retry(ctx, s, id, newSchedule()) }()
		}
	default:
		err = fmt.Errorf("unknown: %q", what)
	}
	if err != nil {
		return r, err
	}
	r.Start = time.Since(start)
	s.await(int64(jobs))
	for !delivered() {
		time.Sleep(10 * time.Millisecond)
	}
	r.First = float64(jobs) / time.Since(began).Seconds()

	interval.Store(int64(time.Millisecond))
	s.await(s.polls.Load() + int64(jobs)/2) // most jobs have come due
	n, cpu, begin := s.polls.Load(), used().cpu, time.Now()
	time.Sleep(p.window)
	n = s.polls.Load() - n
	r.Polls, r.CPU = float64(n)/time.Since(begin).Seconds(), (used().cpu-cpu)/time.Duration(n)
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	r.Pauses, r.Paused = int(gc.NumGC), gc.PauseTotal
	for _, pause := range gc.Pause { // the last 256
		r.Longest = max(r.Longest, pause)
	}

	interval.Store(int64(time.Hour))
	for n := int64(-1); n != s.polls.Load(); time.Sleep(time.Second) { // until all jobs sleep
		n = s.polls.Load()
	}
	after := memory()
	r.Heap = (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(jobs)
	r.Stack = (float64(after.StackInuse) - float64(before.StackInuse)) / float64(jobs)
	r.Resident = used().resident / float64(jobs)
	return r, nil
}

// track tracks these jobs. What it has of its own is garbage when it returns. It returns what says
// whether all changes that were seen are delivered.
func track(ctx context.Context, w *waiter.Waiter, jobs int) (delivered func() bool, err error) {
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
	return func() bool {
		s := t.Stats()
		return s.Undelivered+s.Delivering == 0
	}, nil
}

// retry is what people write with backoff alone: it knows no transitions, and no failures.
func retry(ctx context.Context, p poller.Poller, id string, schedule backoff.BackOff) error {
	return backoff.Retry(func() error {
		r, err := p.Poll(ctx, id)
		if err == nil && !r.Job.Status.Terminal() {
			err = errGoesOn
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

// A usage is what this process has used.
type usage struct {
	cpu      time.Duration
	resident float64 // bytes, at most
}

func used() usage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return usage{time.Duration(u.Utime.Nano() + u.Stime.Nano()), float64(u.Maxrss) * 1024} // KiB on Linux
}
