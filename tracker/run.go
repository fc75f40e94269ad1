package tracker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run polls the tracked jobs, delivers what the polls bring, and lets jobs go whose retention is
// over, until ctx ends: then it returns nil, once all its goroutines have ended. A response whose
// delivery has begun is delivered as a whole; the next Run delivers the others. So Run can be
// called again, but not twice at a time: that is an error. An error of the journal ends it too;
// what was not committed is kept, and the next Run commits it.
//
// What Run calls gets ctx's values, and is canceled at ctx's end. It does not see ctx's deadline,
// because that is not the deadline of any job.
//
// Callbacks, and what WithCheckpoints was given, run on goroutines of Run, one at a time for one
// job, for 64 jobs at once. One that takes long holds up its own job only, unless 64 do. If one
// panics, or a hook, a Poller, a limiter or the Journal does, Run panics with a [*PanicError], on
// the goroutine that called it.
func (t *Tracker) Run(ctx context.Context) error {
	t.mu.Lock()
	if t.running {
		t.mu.Unlock()
		return errors.New("tracker: Run is running already: a Tracker has one at a time")
	}
	t.running = true
	t.mu.Unlock()

	r := &run{Tracker: t, until: ctx}
	r.ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx)) // dispatch ends it
	defer func() {
		t.mu.Lock()
		t.running, t.armed, t.delivering = false, time.Time{}, 0
		t.mu.Unlock()
	}()
	var committing sync.WaitGroup
	left := make(chan struct{})
	committing.Go(func() { r.protect(func() { t.journal.run(left, r.fail) }, func() {}) })
	r.dispatch() //nolint:contextcheck // it is in r
	r.goroutines.Wait()
	r.leave() //nolint:contextcheck // it is in r
	close(left)
	committing.Wait()

	if p, ok := r.err.(*PanicError); ok { //nolint:errorlint // guard's own
		panic(p)
	}
	if r.err != nil {
		return fmt.Errorf("tracker: Run: %w", r.err)
	}
	return nil
}

// A run is one call of Run.
type run struct {
	*Tracker
	until      context.Context //nolint:containedctx // of the call
	ctx        context.Context //nolint:containedctx // of all that it calls: without a deadline
	cancel     context.CancelCauseFunc
	goroutines sync.WaitGroup
	failed     sync.Once
	err        error // what ended it, if ctx did not
}

// fail ends the run.
func (r *run) fail(err error) {
	r.failed.Do(func() {
		r.err = err
		r.cancel(err)
	})
}

// dispatch starts polls when they are due, until the run's end. One timer is enough for all jobs.
func (r *run) dispatch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer func() { r.cancel(context.Cause(r.until)) }()
	for r.until.Err() == nil && r.ctx.Err() == nil {
		r.mu.Lock()
		now := time.Now()
		r.armed = r.expire(now)
		for range min(len(r.undelivered), deliverers-r.delivering) {
			r.startDelivering()
		}
		for {
			j, wake := r.next(now)
			if r.arm(wake); j == nil {
				break
			}
			r.goroutines.Go(func() { r.poll(j) })
		}
		wake := r.armed
		r.mu.Unlock()
		if timer.Stop(); !wake.IsZero() {
			timer.Reset(wake.Sub(now))
		}
		select {
		case <-r.until.Done():
		case <-r.ctx.Done():
		case <-timer.C:
		case <-r.kick:
		}
	}
}

// next begins the flight of the job to poll now. If there is none, it returns when there is, or
// zero if that is unknown. t.mu is held.
func (t *Tracker) next(now time.Time) (j *job, wake time.Time) {
	n, wake, ok := t.schedule.Next(now)
	if !ok {
		return nil, wake
	}
	j = t.jobs[n]
	t.polls++
	j.tried = now.Sub(j.State.Started)
	j.State.Expect(t.took)
	f := &flight{Caller: *idle, view: view(&j.State), began: now, sent: now}
	if t.config.Limiter != nil {
		f.sent = time.Time{}
		f.Sent = func(at time.Time) {
			t.mu.Lock()
			defer t.mu.Unlock()
			f.sent = at
		}
	}
	j.flight, j.Caller = f, &f.Caller
	t.takeLooks(j, now)
	return j, time.Time{}
}

// arm notes that Run must wake at this time, unless it is zero. It reports whether Run does not
// yet. t.mu is held.
func (t *Tracker) arm(at time.Time) bool {
	if at.IsZero() || !t.armed.IsZero() && !at.Before(t.armed) {
		return false
	}
	t.armed = at
	return true
}

// wakeAt has Run wake at this time at the latest. t.mu is held.
func (t *Tracker) wakeAt(at time.Time) {
	if t.arm(at) {
		select {
		case t.kick <- struct{}{}:
		default:
		}
	}
}

// add has a job polled when it is due. t.mu is held.
func (t *Tracker) add(j *job, due time.Time) {
	j.due = due.Sub(j.State.Started)
	t.schedule.Add(j.number, due)
	t.look(j)
	t.wakeAt(due)
}

// expire lets jobs go whose retention is over, and returns when the next one's is. t.mu is held.
func (t *Tracker) expire(now time.Time) (next time.Time) {
	for first := t.finished.Front(); first != nil; first = t.finished.Front() {
		j := first.Value.(*job) //nolint:forcetypeassert // there is nothing else in it
		until := j.ended().Add(t.options.keepFor)
		if t.finished.Len() <= t.options.keep && until.After(now) {
			return until
		}
		t.remove(j)
	}
	return time.Time{}
}
