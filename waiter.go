package waiter

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"

	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Waiter awaits jobs. [New] makes one. It is safe for concurrent use, and holds no goroutine and
// nothing to close: each call polls on the goroutine that calls it. Most callers want
// [Waiter.Wait], or [Waiter.Run] where they also submit the job.
type Waiter struct {
	config *config // calls share it
}

// New returns a Waiter that polls with p, such as a [poller.Client]. The error names the option
// that is wrong.
func New(p poller.Poller, opts ...Option) (*Waiter, error) {
	if wait.IsNil(p) {
		return nil, errors.New("waiter: the Poller is nil: did its constructor return an error?")
	}
	d := &config{Config: wait.Defaults(p)}
	d.Error = publicError
	c, err := d.with(opts)
	if err != nil {
		return nil, err
	}
	if c.checkpoint != nil {
		return nil, errors.New("waiter: From: a checkpoint belongs to one job: give it to the call, not to New")
	}
	return &Waiter{c}, nil
}

// Wait polls the job until it has ended, or ctx has. The job comes back as last seen in any case,
// with at least its ID. The error is
//
//   - nil if the job succeeded;
//   - a [*FailedError] (errors.Is [ErrJobFailed]) if it failed;
//   - an [*UnfinishedError] (errors.Is [ErrUnfinished]) if its end was not seen. errors.Is then
//     also finds ctx's error and cause if ctx has ended, or [ErrNotFound], [ErrDisappeared],
//     [ErrUnauthorized], [ErrStalled] or [ErrSubJobFailed]; errors.As finds the [*poller.Error]
//     that polling again cannot change;
//   - any other error if an option is wrong.
//
// The first poll is sent at once, or is planned if there is something to plan with
// ([WithJobType]). The others follow the schedule ([WithBackOff]), and one is sent shortly before
// ctx's deadline. Failures that pass (see [poller.Classify]) do not end a wait: without a deadline
// it lasts as long as the job and the outage.
func (w *Waiter) Wait(ctx context.Context, jobID string, opts ...Option) (status.Job, error) {
	f, err := w.follow(jobID, opts)
	if err == nil {
		err = f.Wait(ctx)
	}
	return jobOf(f, jobID), err
}

// Watch is Wait as an iterator over the transitions. It polls while you iterate, on your
// goroutine, and calls OnTransition callbacks before it yields; break stops it, and the job goes
// on. At the end it yields one zero Transition with Wait's error, unless the job succeeded. Each
// range over it is a wait of its own.
func (w *Waiter) Watch(ctx context.Context, jobID string, opts ...Option) iter.Seq2[status.Transition, error] {
	return func(yield func(status.Transition, error) bool) {
		listens := true
		f, err := w.follow(jobID, opts)
		if err == nil {
			f.Yield = func(t status.Transition) bool {
				listens = yield(t, nil)
				return listens
			}
			err = f.Wait(ctx)
		}
		if err != nil && listens {
			yield(status.Transition{}, err)
		}
	}
}

// Run submits a job and waits for it. submit is called once, never again, and returns the job's
// id: see [poller.JobID]. If submit fails, its error is wrapped, without any of this package's:
// ask for [ErrUnfinished] before ctx's error, because submit's may hold that too. If the waiting
// fails, the error holds the job's id. The options are checked before anything is submitted.
func (w *Waiter) Run(ctx context.Context, submit func(context.Context) (string, error), opts ...Option) (status.Job, error) {
	if submit == nil {
		return status.Job{}, errors.New("waiter: Run: submit is nil")
	}
	c, err := w.config.with(opts)
	if err != nil {
		return status.Job{}, err
	}
	if c.checkpoint != nil {
		return status.Job{}, errors.New("waiter: From: Run submits a new job; use Wait to go on with a submitted one")
	}
	f, err := c.follower()
	if err != nil {
		return status.Job{}, err
	}
	if err := ctx.Err(); err != nil { // submit may not look
		if cause := context.Cause(ctx); !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", err, notOurs(cause))
		}
		return status.Job{}, fmt.Errorf("waiter: nothing was submitted: %w", err)
	}
	id, err := submit(ctx)
	if err != nil {
		return status.Job{ID: id}, &submitError{notOurs(err)}
	}
	if err := f.Begin(status.Job{ID: id}); err != nil {
		if e, ok := errors.AsType[*UnfinishedError](err); ok {
			e.Advice = "The job may go on: find its id, then wait for it"
		}
		return status.Job{ID: id}, fmt.Errorf("waiter: the job was submitted, but submit returned no usable id: %w", err)
	}
	err = f.Wait(ctx)
	return jobOf(f, id), err
}

// submitError is a submit that failed, and says what that leaves behind.
type submitError struct{ err error }

func (e *submitError) Error() string {
	if refused, ok := errors.AsType[*poller.Error](e.err); ok && refused.StatusCode/100 == 4 && refused.StatusCode != http.StatusRequestTimeout {
		return "waiter: no job was started: " + e.err.Error() // a 4xx proves it
	}
	return "waiter: submitting the job: " + e.err.Error() +
		". If the request got through, a job may have started: check before submitting again"
}

func (e *submitError) Unwrap() error { return e.err }

// Result is how one wait of [Waiter.WaitAll] ended: what [Waiter.Wait] returns.
type Result struct {
	Job status.Job
	Err error
}

const pollsAtOnce = 16 // of one WaitAll

// WaitAll waits for each of the jobs, whatever happens to the others, and returns how each wait
// ended, in the order of jobIDs. The error joins their errors, in the same order; errors.As finds
// the first of a type, and each names its job.
//
// At most 16 polls are in flight, except the last looks before ctx's deadline, which wait for no
// other. Callbacks, and what [WithCheckpoints] was given, run one at a time, on the goroutine that
// calls WaitAll. The Poller, the limiter and hooks run on other goroutines, where the caller cannot
// recover a panic. An id given twice, with or without dashes, is followed once. [From] belongs to
// one job: to go on from checkpoints, call Wait in goroutines of your own.
func (w *Waiter) WaitAll(ctx context.Context, jobIDs []string, opts ...Option) ([]Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	left := make(chan struct{})
	var waits sync.WaitGroup
	defer func() { // also when a callback panics
		cancel()
		close(left)
		waits.Wait()
	}()

	calls := make(chan func()) // what waits deliver on this goroutine
	gate := make(chan struct{}, pollsAtOnce)
	results := make(map[string]*Result, len(jobIDs))
	for _, id := range jobIDs {
		if results[key(id)] != nil {
			continue
		}
		r := &Result{Job: status.Job{ID: id}}
		results[key(id)] = r
		f, err := w.followOneOf(id, opts)
		if err != nil {
			r.Err = err
			continue
		}
		f.Gate = gate
		f.Call = func(call func()) bool {
			called := make(chan struct{})
			select {
			case calls <- func() { call(); close(called) }:
			case <-left:
				return false
			}
			select {
			case <-called:
				return true
			case <-left:
				return false
			}
		}
		waits.Go(func() {
			r.Err = errGone // a Poller or hook that ends its goroutine is no success
			r.Err = f.Wait(ctx)
			r.Job = jobOf(f, id)
		})
	}
	go func() {
		waits.Wait()
		close(calls)
	}()
	for call := range calls {
		call()
	}

	all := make([]Result, len(jobIDs))
	var errs []error
	joined := make(map[string]bool, len(results))
	for i, id := range jobIDs {
		all[i] = *results[key(id)]
		all[i].Job = all[i].Job.Clone()
		if !joined[key(id)] {
			errs = append(errs, all[i].Err)
		}
		joined[key(id)] = true
	}
	return all, errors.Join(errs...)
}

var errGone = errors.New("waiter: the goroutine of this wait was ended by a Poller, limiter or hook (runtime.Goexit)")

// key is the same for ids that name the same job: see status.SameID.
func key(jobID string) string { return strings.ToLower(strings.ReplaceAll(jobID, "-", "")) }

func (w *Waiter) followOneOf(jobID string, opts []Option) (*wait.Follower, error) {
	c, err := w.config.with(opts)
	if err == nil && c.checkpoint != nil {
		err = errors.New("waiter: From: a checkpoint belongs to one job, not to all of WaitAll: use Wait")
	}
	if err != nil {
		return nil, err
	}
	return c.follow(jobID)
}

// follow returns the Follower of one call.
func (w *Waiter) follow(jobID string, opts []Option) (*wait.Follower, error) {
	c, err := w.config.with(opts)
	if err != nil {
		return nil, err
	}
	return c.follow(jobID)
}

// jobOf is what a call returns of the job.
func jobOf(f *wait.Follower, jobID string) status.Job {
	if f == nil {
		return status.Job{ID: jobID}
	}
	return f.State.Job.Clone()
}
