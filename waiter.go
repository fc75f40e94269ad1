package waiter

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Waiter awaits jobs. It is made by [New], safe for concurrent use, and holds no
// goroutine and nothing to close: each call polls on the goroutine that calls.
// Most callers want [Waiter.Wait], or [Waiter.Run] where they also submit the job.
type Waiter struct {
	config config
}

// New returns a Waiter that polls by p, a [poller.Client] for one. The error names
// the option that is wrong.
func New(p poller.Poller, opts ...Option) (*Waiter, error) {
	if isNil(p) {
		return nil, errors.New("waiter: the Poller is nil: was the error of its constructor looked at?")
	}
	c, err := defaults(p).with(opts)
	if err != nil {
		return nil, err
	}
	if c.checkpoint != nil {
		return nil, errors.New("waiter: From: a checkpoint belongs to one job: give it to the call, not to New")
	}
	return &Waiter{config: c}, nil
}

// Wait polls the job until it has ended, or ctx has. The job comes back as last
// seen in any case, with at least its ID. The error is
//
//   - nil if the job succeeded;
//   - a [*FailedError] (errors.Is [ErrJobFailed]) if it failed;
//   - an [*UnfinishedError] (errors.Is [ErrUnfinished]) if its end was not seen, and
//     then errors.Is also finds ctx's error and its cause if ctx has ended, or
//     [ErrNotFound], [ErrDisappeared], [ErrUnauthorized] or [ErrStalled], or
//     errors.As the [*poller.Error] that polling again can't mend;
//   - any other error if an option is wrong.
//
// The first poll is at once, or planned if there is something to plan by
// ([WithJobType]), the others by the schedule ([WithBackOff]), and one
// shortly before ctx's deadline. Failures that pass (see [poller.Classify]) don't
// end a wait: without a deadline it lasts as long as the job and the outage.
func (w *Waiter) Wait(ctx context.Context, jobID string, opts ...Option) (status.Job, error) {
	r, err := w.start(jobID, opts)
	if err != nil {
		return status.Job{ID: jobID}, err
	}
	return r.wait(ctx)
}

// Watch is Wait as an iterator over the transitions. It polls while you iterate, on
// your goroutine, and tells OnTransition callbacks first; break stops it, and the
// job goes on. At the end it yields one zero Transition with Wait's error, unless
// the job succeeded. Each range over it is a wait of its own.
func (w *Waiter) Watch(ctx context.Context, jobID string, opts ...Option) iter.Seq2[status.Transition, error] {
	return func(yield func(status.Transition, error) bool) {
		r, err := w.start(jobID, opts)
		if err == nil {
			r.tell = func(t status.Transition) bool { return r.callBack(t) && yield(t, nil) }
			_, err = r.wait(ctx)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(status.Transition{}, err)
		}
	}
}

// Run submits a job and waits for it. submit is called once, never again, and
// returns the job's id: see [poller.JobID]. If submit fails its error is wrapped, and
// none of this package's is beside it: ask for [ErrUnfinished] before ctx's error,
// which submit's may hold too. If the waiting fails, the error holds the job's id to go on with. The options are
// checked before anything is submitted.
func (w *Waiter) Run(ctx context.Context, submit func(context.Context) (string, error), opts ...Option) (status.Job, error) {
	if submit == nil {
		return status.Job{}, errors.New("waiter: Run: submit is nil")
	}
	c, err := w.config.with(opts)
	if err != nil {
		return status.Job{}, err
	}
	if c.checkpoint != nil {
		return status.Job{}, errors.New("waiter: From: Run submits a new job; go on with a submitted one by Wait")
	}
	r, err := c.newRun()
	if err != nil {
		return status.Job{}, err
	}
	if err := ctx.Err(); err != nil { // submit may not look
		if cause := context.Cause(ctx); !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return status.Job{}, fmt.Errorf("waiter: nothing was submitted: %w", err)
	}
	id, err := submit(ctx)
	if err != nil {
		return status.Job{ID: id}, fmt.Errorf("waiter: submitting the job: %w. If the call got through, a job may have started: look before submitting again", err)
	}
	if err := r.begin(status.Job{ID: id}); err != nil {
		return status.Job{ID: id}, fmt.Errorf("waiter: the job was submitted, but its id was not returned: %w", err)
	}
	return r.wait(ctx)
}

// start makes the run of one call.
func (w *Waiter) start(jobID string, opts []Option) (*run, error) {
	c, err := w.config.with(opts)
	if err != nil {
		return nil, err
	}
	checkpoint := status.Job{ID: jobID}
	if c.checkpoint != nil {
		if id := c.checkpoint.ID; id != "" && !status.SameID(id, jobID) {
			return nil, fmt.Errorf("waiter: From: the checkpoint is of job %q, not of %q", id, jobID)
		}
		checkpoint = *c.checkpoint
		checkpoint.ID = jobID
	}
	r, err := c.newRun()
	if err != nil {
		return nil, err
	}
	return r, r.begin(checkpoint)
}
