package tracker

import (
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// deliverers is how many jobs' changes are delivered at once; the others queue.
const deliverers = 64

// poll polls this job, and then others as long as some are due.
func (r *run) poll(j *job) {
	for j != nil {
		var next *job
		r.guard(j, func() { next = r.pollOne(j) })
		j = next
	}
}

// pollOne polls a job, and returns the one to poll next. What the poll brought is delivered on
// other goroutines, if there is anything.
func (r *run) pollOne(j *job) (next *job) {
	ctx := r.waitContext(j)
	asked := j.Ask(ctx)
	o := outcome{throttled: asked.Failure != nil && asked.Verdict == poller.Throttled}
	switch {
	case r.ctx.Err() != nil && !asked.Outcome(ctx): // the next Run polls again
	case len(asked.Transitions) > 0:
		r.mu.Lock()
		defer r.mu.Unlock()
		r.polled(j, o)
		f := j.flight
		f.began, f.sent = time.Time{}, time.Time{}
		f.asked, f.delivered, f.view = asked, f.view.Job, view(&j.State)
		r.undelivered = append(r.undelivered, j)
		if r.delivering < deliverers {
			r.startDelivering()
		}
		return r.nextPoll()
	default:
		if o.delay, o.end = j.Settle(ctx, asked); o.end != nil {
			r.ending(j, o.end)
			o.record = r.encode(j, &j.State, 0)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.land(j, o)
	return r.nextPoll()
}

// startDelivering starts a goroutine that delivers what is undelivered. t.mu is held.
func (r *run) startDelivering() {
	r.delivering++
	r.goroutines.Go(func() {
		for j := r.nextDelivery(); j != nil; j = r.nextDelivery() {
			r.guard(j, func() { r.deliver(j) })
		}
	})
}

func (r *run) nextDelivery() (j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.undelivered) > 0 && r.ctx.Err() == nil {
		j, r.undelivered = r.undelivered[0], r.undelivered[1:]
		if j.state != forgotten {
			return j
		}
		r.land(j, outcome{})
	}
	r.delivering--
	return nil
}

// deliver delivers what the last poll of a job brought.
func (r *run) deliver(j *job) {
	ctx := r.waitContext(j)
	left := len(j.flight.asked.Transitions)
	j.Saved = func(checkpoint status.Job, t status.Transition) bool {
		left--
		return r.delivered(j, checkpoint, t, left > 0)
	}
	var o outcome
	o.delay, o.end = j.Settle(ctx, j.flight.asked)
	if o.end != nil && o.end.How == follow.Unsaved && r.ctx.Err() != nil { // the next Run saves it
		o.end = nil
		j.reopen(j.State.Job)
	}
	if o.end != nil {
		r.ending(j, o.end)
	}
	o.record = r.encode(j, &j.State, o.delay)
	r.mu.Lock()
	r.land(j, o)
	r.mu.Unlock()
	r.journal.makeRoom(r.fail)
}

// delivered notes that a transition is delivered and saved. It reports whether the job is still
// tracked.
func (r *run) delivered(j *job, checkpoint status.Job, t status.Transition, more bool) bool {
	var record []byte
	if more {
		s := j.State
		s.Job, s.End = checkpoint, follow.Open
		record = r.encode(j, &s, 0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.send(Event{JobID: t.JobID, Transition: t})
	if j.state == forgotten {
		return false
	}
	j.flight.delivered = checkpoint
	r.journal.add(j, record)
	return true
}

// An outcome is what a flight ends with.
type outcome struct {
	delay     time.Duration // until the next poll is due
	end       *wait.End     // nil: the job is polled again
	throttled bool
	record    []byte // nil: nothing to store
}

// ending calls what is called at a job's end.
func (r *run) ending(j *job, end *wait.End) {
	if end.How == follow.Abandoned { // it was forgotten
		return
	}
	j.Abandon()
	j.LogEnd(end)
	r.waitEnd(j, end)
}

// polled ends the poll of a flight. t.mu is held.
func (r *run) polled(j *job, o outcome) {
	r.schedule.Done(j.number, time.Now(), schedule.Outcome{Throttled: o.throttled})
	if j.State.Looked() {
		r.looked(j)
	}
	if o.throttled {
		r.throttled++
	}
	r.took = max(j.State.Took(), r.took-r.took/16)
}

// land ends a flight. t.mu is held.
func (r *run) land(j *job, o outcome) {
	now := time.Now()
	if !j.flight.began.IsZero() {
		r.polled(j, o)
	}
	j.flight, j.Caller = nil, idle
	switch {
	case j.state == forgotten:
		r.release(j)
		call := r.abandon(j)
		r.goroutines.Go(func() { r.protect(call, func() {}) })
		return
	case o.end != nil:
		r.finish(j, now)
	default:
		r.add(j, now.Add(o.delay))
	}
	r.journal.add(j, o.record)
}

// nextPoll is next, until the run's end. t.mu is held.
func (r *run) nextPoll() *job {
	if r.ctx.Err() != nil {
		return nil
	}
	j, wake := r.next(time.Now())
	r.wakeAt(wake)
	return j
}

// finish notes that the following of a job has ended. t.mu is held.
func (t *Tracker) finish(j *job, now time.Time) {
	j.state = finished
	j.Release()
	if j.leaves() {
		j.place = t.finished.PushBack(j)
	} else {
		j.place = t.unseen.PushBack(j)
	}
	if t.finished.Len() > t.options.keep {
		t.wakeAt(now)
	}
	t.wakeAt(j.ended().Add(t.options.keepFor))
	if len(t.readers) > 0 {
		t.send(Event{JobID: j.State.Job.ID, Done: true, Err: j.Outcome().Err})
	}
	t.wake(j)
}
