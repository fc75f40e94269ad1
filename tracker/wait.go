package tracker

import (
	"context"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Wait tracks the job, unless it is tracked already, and waits until it has ended or ctx has. (What
// must survive a crash from the beginning on is for [Tracker.Track]: Wait waits for no journal.) It
// returns what Waiter.Wait would, with the same errors, and [ErrForgotten] within an
// UnfinishedError after [Tracker.Forget]. Its numbers, such as the polls, count from when the job
// was tracked. The end of ctx does not end the tracking. If something else than the job's end has
// ended it, such as a rejected credential, Wait returns that error until [Tracker.Track] is called
// for the job again.
//
// One last look is taken shortly before ctx's deadline, before the polls of all other jobs but
// within the rate. Calls for the same job share its polls, and each gets its last look. Nothing
// happens while no [Tracker.Run] is running: Wait then waits for one.
func (t *Tracker) Wait(ctx context.Context, jobID string) (status.Job, error) {
	w := &waiting{ctx: ctx, ended: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	if err := t.track([]status.Job{{ID: jobID}}, w); err != nil {
		return status.Job{ID: jobID}, err
	}
	select {
	case <-w.ended:
	case <-ctx.Done():
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	t.unawait(w)
	j := w.job
	seen := j.seen()
	switch j.state {
	case finished:
		return seen.Job.Clone(), j.Outcome().Err
	case forgotten:
		return seen.Job.Clone(), t.config.Dropped(ErrForgotten, seen).Err
	default:
		return seen.Job.Clone(), t.config.Left(ctx, seen, j.sent()).Err
	}
}

// A waiting is one call of Wait.
type waiting struct {
	ctx      context.Context //nolint:containedctx // of the call
	job      *job
	deadline time.Time // zero: none
	looked   bool      // the last look before it has begun
	ended    chan struct{}
}

// await has w, unless it is nil, wait for j. t.mu is held.
func (t *Tracker) await(j *job, w *waiting) {
	if w == nil {
		return
	}
	w.job = j
	if j.state == finished {
		close(w.ended)
		return
	}
	t.waits[j] = append(t.waits[j], w)
	if j.flight == nil {
		j.State.Expect(t.took)
	}
	t.look(j)
}

func (t *Tracker) unawait(w *waiting) {
	j := w.job
	left := slices.DeleteFunc(t.waits[j], func(other *waiting) bool { return other == w })
	if t.waits[j] = left; len(left) == 0 {
		delete(t.waits, j)
	}
	if j.state != finished && j.state != forgotten {
		t.look(j)
	}
}

// wake ends the waits for a job. t.mu is held.
func (t *Tracker) wake(j *job) {
	for _, w := range t.waits[j] {
		close(w.ended)
	}
	delete(t.waits, j)
}

// looked notes that the last poll began when it was time for the last look before its Deadline.
// t.mu is held.
func (t *Tracker) looked(j *job) {
	for _, w := range t.waits[j] {
		w.looked = w.looked || w.deadline.Equal(j.Deadline)
	}
}

// takeLooks notes that a poll that begins now is the last look of the waits whose time it is. t.mu
// is held.
func (t *Tracker) takeLooks(j *job, now time.Time) {
	for _, w := range t.waits[j] {
		w.looked = w.looked || !now.Before(j.seen().LastLook(w.deadline))
	}
	j.Deadline = t.look(j)
}

// look schedules the next last look of a job, and returns the deadline that it is for; if none is
// left, the first deadline; zero if there is none. t.mu is held.
func (t *Tracker) look(j *job) (deadline time.Time) {
	looked := true // the wait for whose deadline it is
	for _, w := range t.waits[j] {
		first := deadline.IsZero() || looked && !w.looked || looked == w.looked && w.deadline.Before(deadline)
		if !w.deadline.IsZero() && first {
			deadline, looked = w.deadline, w.looked
		}
	}
	var at time.Time
	if !looked {
		at = j.seen().LastLook(deadline)
		t.wakeAt(at)
	}
	t.schedule.Look(j.number, at)
	return deadline
}
