package truth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Witness hears what one wait tells of its job, and judges how it ends. It is for
// one goroutine, that of the wait.
type Witness struct {
	job    Job
	told   map[string]status.Status // by sub-job; "" is the job itself
	wrongs []error
}

// NewWitness returns a witness for one wait for job.
func NewWitness(job Job) *Witness {
	return &Witness{job: job, told: make(map[string]status.Status)}
}

// Causes that the contexts of Context end with.
var (
	errImpatient = errors.New("nobody waits that long")
	errCancelled = errors.New("somebody lost interest")
)

// Context returns the one to wait with: below parent, and for as long as the job's
// Patience, if it has one. Call cancel after the wait.
func (w *Witness) Context(parent context.Context) (ctx context.Context, cancel func()) {
	switch {
	case w.job.Patience == 0:
		return parent, func() {}
	case w.job.Cancel:
		ctx, cancelCause := context.WithCancelCause(parent)
		timer := time.AfterFunc(w.job.Patience, func() { cancelCause(errCancelled) })
		return ctx, func() { timer.Stop(); cancelCause(nil) }
	}
	return context.WithTimeoutCause(parent, w.job.Patience, errImpatient)
}

// Tell hears a transition: see [waiter.OnTransition]. Each has to begin where the
// one before of the same job or sub-job ended, to lead onwards, to what the job's
// script holds; the job's begin comes before all of its sub-jobs', unless it is first
// seen when it has ended, and its end after.
func (w *Witness) Tell(t status.Transition) {
	was, known := w.told[t.SubJob]
	switch {
	case t.JobID != w.job.Script.ID:
		w.wrong("told of %q", t.JobID)
	case w.told[""].Terminal():
		w.wrong("told %v, after the job's end", t)
	case !t.IsSubJob() && !known && len(w.told) > 0 && !t.To.Terminal():
		w.wrong("told %v, after its sub-jobs", t)
	case t.From != was:
		w.wrong("told %v, though what was told before is %q", t, was)
	case known && rank(t.To) <= rank(was):
		w.wrong("told %v, which leads nowhere", t)
	case t.Job.Status != t.To:
		w.wrong("told %v, of a job that is %q", t, t.Job.Status)
	case !w.scripted(t):
		w.wrong("told %v, which never was so", t)
	}
	w.told[t.SubJob] = t.To
}

func (w *Witness) scripted(t status.Transition) bool {
	if !t.IsSubJob() && t.To == status.Waiting {
		return true // before the first step
	}
	for _, step := range w.job.Script.Steps {
		if !t.IsSubJob() && step.Job.Status == t.To {
			return true
		}
		if slices.ContainsFunc(step.Job.SubJobs, func(sub status.Job) bool {
			return t.IsSubJob() && sub.ID == t.SubJob && sub.Status == t.To
		}) {
			return true
		}
	}
	return false
}

// Judge returns what is wrong with the wait, given what it returned and the context
// that it had; nil if all is well. It has to have ended as the job did, or with ctx;
// to have told all that it returns; and to return all that was there at the end.
func (w *Witness) Judge(ctx context.Context, job status.Job, err error) error {
	w.outcome(ctx, job, err)
	returned := map[string]status.Status{"": job.Status}
	for _, sub := range job.SubJobs {
		returned[sub.ID] = sub.Status
	}
	if job.Status == "" { // never seen, so nothing was told
		delete(returned, "")
	}
	w.compare("told", w.told, returned)
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

func (w *Witness) outcome(ctx context.Context, job status.Job, err error) {
	end := w.job.End
	failure, failed := errors.AsType[*waiter.FailedError](err)
	switch {
	case job.ID != w.job.Script.ID:
		w.wrong("returned job %q", job.ID)
	case err == nil && (end.Status != status.Success || job.Status != status.Success):
		w.wrong("returned no error and job %q, though it ends %q", job.Status, end.Status)
	case failed && (end.Status != status.Failed || job.Status != status.Failed || failure.Job.ErrorCode != end.ErrorCode):
		w.wrong("failed with %q: %w, though it ends %q", failure.Job.ErrorCode, err, end.Status)
	case err == nil, failed:
	case !errors.Is(err, waiter.ErrUnfinished):
		w.wrong("returned neither outcome: %w", err)
	case ctx.Err() == nil:
		w.wrong("gave up before its context did: %w", err)
	case !errors.Is(err, ctx.Err()), !errors.Is(err, context.Cause(ctx)):
		w.wrong("does not say that its context ended, %w because of %w: %w", ctx.Err(), context.Cause(ctx), err)
	}
}

func (w *Witness) compare(what string, a, returned map[string]status.Status) {
	for name, s := range a {
		if returned[name] != s {
			w.wrong("%s %q %q, returned %q", what, name, s, returned[name])
		}
	}
	if len(returned) > len(a) {
		w.wrong("%s %d statuses, returned %d", what, len(a), len(returned))
	}
}

func (w *Witness) wrong(format string, args ...any) {
	w.wrongs = append(w.wrongs, fmt.Errorf(format, args...))
}

// rank orders the statuses in which the drawn jobs pass through them.
func rank(s status.Status) int {
	return slices.Index([]status.Status{status.Waiting, status.Running, status.Success, status.Failed}, s)
}
