package fleet

import (
	"container/heap"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter/poller/pace"
)

// epoch is when the simulation begins.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// EachItsOwn polls each job by a backoff of its own, as loops that know nothing of each other do.
// The service refuses calls beyond the budget, of which it saves up to a second's, with a 429;
// then the backoff for failures decides, but never sooner than the job's own.
func EachItsOwn(list []Job, callsPerSecond float64) Result {
	t := newTally(list)
	service := rate.NewLimiter(rate.Limit(callsPerSecond), max(1, int(callsPerSecond)))
	schedules := make([]struct{ running, failing backoff.BackOff }, len(list))
	pauses := make([]time.Duration, len(list))
	due := newTurns(list, func(job int) time.Duration {
		schedules[job].running, schedules[job].failing = pace.Exponential(), backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2),
			backoff.WithMaxInterval(30*time.Second), backoff.WithRandomizationFactor(0.5),
			backoff.WithMaxElapsedTime(0))
		pauses[job] = schedules[job].running.NextBackOff()
		return pauses[job]
	})
	for t.left > 0 {
		d := due.next()
		s := schedules[d.job]
		if !service.AllowN(epoch.Add(d.at), 1) {
			t.result.Calls++
			t.result.Throttled++
			d.at += max(pauses[d.job], s.failing.NextBackOff())
			due.put(d)
			continue
		}
		if !t.call(d.job, d.at) {
			s.failing.Reset()
			pauses[d.job] = s.running.NextBackOff()
			d.at += pauses[d.job]
			due.put(d)
		}
	}
	return t.measured()
}

// OneLimiter polls each job by a backoff of its own, whose calls queue at one limiter.
func OneLimiter(list []Job, callsPerSecond float64) Result {
	schedules := make([]backoff.BackOff, len(list))
	return inTurn(list, callsPerSecond, func(job int) time.Duration {
		if schedules[job] == nil {
			schedules[job] = pace.Exponential()
		}
		return schedules[job].NextBackOff()
	})
}

// RoundRobin polls all jobs in turn, as fast as it may.
func RoundRobin(list []Job, callsPerSecond float64) Result {
	return inTurn(list, callsPerSecond, func(int) time.Duration { return 0 })
}

// inTurn polls the jobs in the order in which they became due, with a pause before each call.
func inTurn(list []Job, callsPerSecond float64, pause func(job int) time.Duration) Result {
	t := newTally(list)
	due := newTurns(list, pause)
	var free time.Duration
	for t.left > 0 {
		d := due.next() // the one that has waited longest
		now := max(d.at, free)
		free = now + interval(callsPerSecond)
		if !t.call(d.job, now) {
			d.at = now + pause(d.job)
			due.put(d)
		}
	}
	return t.measured()
}

// A turn is when a job's next call is due.
type turn struct {
	at  time.Duration
	job int
}

// turns are the next turns. Those that are due at the same time go by when they were put there.
type turns struct {
	list []numbered
	n    int
}

type numbered struct {
	turn
	n int
}

func newTurns(list []Job, pause func(job int) time.Duration) *turns {
	t := new(turns)
	for i, j := range list {
		t.put(turn{max(0, j.Begin) + pause(i), i})
	}
	return t
}

func (t *turns) put(d turn) {
	t.n++
	heap.Push(t, numbered{d, t.n})
}

// next removes and returns the turn that is due first.
func (t *turns) next() turn {
	first := t.list[0].turn
	heap.Pop(t)
	return first
}

func (t *turns) Len() int { return len(t.list) }

func (t *turns) Less(i, j int) bool {
	a, b := t.list[i], t.list[j]
	return a.at < b.at || a.at == b.at && a.n < b.n
}

func (t *turns) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }

// Push is for package heap.
func (t *turns) Push(x any) {
	if d, ok := x.(numbered); ok {
		t.list = append(t.list, d)
	}
}

// Pop is for package heap.
func (t *turns) Pop() any {
	last := t.list[len(t.list)-1]
	t.list = t.list[:len(t.list)-1]
	return last
}
