package truth

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Witness observes the transitions of one wait, and judges how the wait ends. It belongs to the
// wait's goroutine.
type Witness struct {
	job       Job
	began     time.Time                // of the wait, and no later than of the job
	delivered map[string]status.Status // by sub-job; "" is the job itself
	wrongs    []error
}

// NewWitness returns a witness for one wait for job.
func NewWitness(job Job) *Witness {
	return &Witness{job: job, delivered: make(map[string]status.Status)}
}

// The causes with which the contexts of Context end.
var (
	errImpatient = errors.New("the patience is over")
	errCanceled  = errors.New("the user lost interest")
)

// Context returns the context to wait with: a child of parent that lasts for the job's Patience, if
// it has one. Call it before the job begins, and call cancel after the wait.
func (w *Witness) Context(parent context.Context) (ctx context.Context, cancel func()) {
	w.began = time.Now()
	switch {
	case w.job.Patience == 0:
		return parent, func() {}
	case w.job.Cancel:
		ctx, cancelCause := context.WithCancelCause(parent)
		timer := time.AfterFunc(w.job.Patience, func() { cancelCause(errCanceled) })
		return ctx, func() { timer.Stop(); cancelCause(nil) }
	}
	return context.WithTimeoutCause(parent, w.job.Patience, errImpatient)
}

// Observe takes a transition: see [waiter.OnTransition]. Each transition has to begin where the one
// before it of the same job or sub-job ended, lead forward, and lead to a state in the job's
// script. The job's beginning comes before its sub-jobs', unless it is first seen when it has
// ended, and its end comes after theirs.
func (w *Witness) Observe(t status.Transition) {
	was, known := w.delivered[t.SubJob]
	switch {
	case t.JobID != w.job.Script.ID:
		w.wrongf("delivered for %q", t.JobID)
	case w.delivered[""].Terminal():
		w.wrongf("delivered %v, after the job's end", t)
	case !t.IsSubJob() && !known && len(w.delivered) > 0 && !t.To.Terminal():
		w.wrongf("delivered %v, after its sub-jobs", t)
	case t.From != was:
		w.wrongf("delivered %v, though before it delivered %q", t, was)
	case known && rank(t.To) <= rank(was):
		w.wrongf("delivered %v, which leads nowhere", t)
	case t.Job.Status != t.To:
		w.wrongf("delivered %v, of a job that is %q", t, t.Job.Status)
	case !w.was(t.SubJob, t.Job):
		w.wrongf("delivered %v, which never was so", t)
	}
	w.delivered[t.SubJob] = t.To
}

// was reports whether a response can have shown the job, or the sub-job of this name, exactly like
// this, with its code, reason, times and type.
func (w *Witness) was(name string, seen status.Job) bool {
	script := w.job.Script
	if name == "" && same(seen, status.Job{ID: script.ID, Type: script.Type, Status: status.Waiting}) {
		return true // before the first step
	}
	return slices.ContainsFunc(script.Steps, func(step pollertest.Step) bool { return holds(step.Job, name, seen) })
}

// holds reports whether job, or its sub-job of this name, equals seen.
func holds(job status.Job, name string, seen status.Job) bool {
	if name == "" {
		return same(job, seen)
	}
	return slices.ContainsFunc(job.SubJobs, func(sub status.Job) bool { return sub.ID == name && same(sub, seen) })
}

// same compares everything except the sub-jobs.
func same(a, b status.Job) bool {
	a.SubJobs, b.SubJobs = nil, nil
	return reflect.DeepEqual(a, b)
}

// Lag returns how long before at the job ended, or the context if the job never ends. It is
// negative if neither has ended. It counts from Context, so that it is too large by the time until
// the job began.
func (w *Witness) Lag(at time.Time) time.Duration { return at.Sub(w.began) - w.job.Life() }

// Judge returns what is wrong with the wait, given the context that it had, when it returned, and
// what it returned; nil if nothing is wrong. The wait has to end as the job did or with ctx, and
// not earlier; deliver everything that it returns; and return everything that was there at the end.
// How late it may be depends on its schedule and on the machine: compare Lag.
func (w *Witness) Judge(ctx context.Context, at time.Time, job status.Job, err error) error {
	w.outcome(ctx, job, err)
	cause := context.Cause(ctx)
	if early := -w.Lag(at); early > 0 && (job.Status.Terminal() || errors.Is(cause, errImpatient) || errors.Is(cause, errCanceled)) {
		w.wrongf("returned %q %v too early", job.Status, early)
	}
	returned := map[string]status.Status{"": job.Status}
	for _, sub := range job.SubJobs {
		returned[sub.ID] = sub.Status
		w.whole(job, sub.ID, sub)
	}
	if job.Status == "" { // never seen, so nothing was delivered
		delete(returned, "")
	} else {
		w.whole(job, "", job)
	}
	w.compare("delivered", w.delivered, returned)
	if job.Status.Terminal() {
		last := map[string]status.Status{"": w.job.End.Status}
		for _, sub := range w.job.End.SubJobs {
			last[sub.ID] = sub.Status
		}
		w.compare("last were", last, returned)
	}
	if len(w.wrongs) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", w.job.Script.ID, errors.Join(w.wrongs...))
}

// whole judges one part of what was returned, the job itself or a sub-job.
func (w *Witness) whole(returned status.Job, name string, one status.Job) {
	switch {
	case !w.was(name, one):
		w.wrongf("returned %+v, which never was so", one)
	case returned.Status.Terminal() && !holds(w.job.End, name, one):
		w.wrongf("returned %+v, which is not how it ended", one)
	}
}

func (w *Witness) outcome(ctx context.Context, job status.Job, err error) {
	end := w.job.End
	failure, failed := errors.AsType[*waiter.FailedError](err)
	switch {
	case job.ID != w.job.Script.ID:
		w.wrongf("returned job %q", job.ID)
	case err == nil && (end.Status != status.Success || job.Status != status.Success):
		w.wrongf("returned no error and job %q, though it ends %q", job.Status, end.Status)
	case failed && (end.Status != status.Failed || job.Status != status.Failed || !same(failure.Job, end)):
		w.wrongf("failed with %+v: %w, though it ends as %+v", failure.Job, err, end)
	case err == nil, failed:
	case !errors.Is(err, waiter.ErrUnfinished):
		w.wrongf("returned neither outcome: %w", err)
	case ctx.Err() == nil:
		w.wrongf("gave up before its context did: %w", err)
	case !errors.Is(err, ctx.Err()), !errors.Is(err, context.Cause(ctx)):
		w.wrongf("does not say that its context ended, %w because of %w: %w", ctx.Err(), context.Cause(ctx), err)
	}
}

func (w *Witness) compare(what string, a, returned map[string]status.Status) {
	for name, s := range a {
		if returned[name] != s {
			w.wrongf("%s %q %q, returned %q", what, name, s, returned[name])
		}
	}
	if len(returned) > len(a) {
		w.wrongf("%s %d statuses, returned %d", what, len(a), len(returned))
	}
}

func (w *Witness) wrongf(format string, args ...any) {
	w.wrongs = append(w.wrongs, fmt.Errorf(format, args...))
}

// rank orders the statuses in which the drawn jobs go through them.
func rank(s status.Status) int {
	return slices.Index([]status.Status{status.Waiting, status.Running, status.Success, status.Failed}, s)
}
