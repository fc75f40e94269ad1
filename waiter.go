package waiter

import (
	"context"
	"errors"
	"fmt"
	"iter"
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

func init() { //nolint:gochecknoinits // internal/wait cannot import this package
	wait.Of = func(w any) *wait.Config {
		return &w.(*Waiter).config.Config //nolint:forcetypeassert // only package tracker calls it
	}
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
func (w *Waiter) Wait(ctx context.Context, jobID string, opts ...Option) (job status.Job, err error) {
	f, err := w.follow(jobID, opts)
	if err == nil {
		err = f.Wait(ctx)
	}
	setJob(&job, f, jobID)
	return job, err
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
		return status.Job{ID: id}, &submitError{c.JobType, notOurs(err)}
	}
	if err := f.Begin(status.Job{ID: id}); err != nil {
		if e, ok := errors.AsType[*UnfinishedError](err); ok {
			e.Advice = "The job may go on: find its id, then wait for it"
		}
		return status.Job{ID: id}, fmt.Errorf("waiter: the job was submitted, but submit returned no usable id: %w", err)
	}
	err = f.Wait(ctx)
	return f.State.Job.Clone(), err
}

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
	results := make([]Result, len(jobIDs))
	for i, id := range jobIDs {
		results[i].Job.ID = id
	}
	c, err := w.config.with(opts)
	if err == nil && c.checkpoint != nil {
		err = errors.New("waiter: From: a checkpoint belongs to one job, not to all of WaitAll: use Wait")
	}
	if err != nil {
		for i := range results {
			results[i].Err = err
		}
		return results, err
	}

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
	first := make(map[string]int, len(jobIDs)) // where an id stands first
	for i, id := range jobIDs {
		if _, again := first[key(id)]; again {
			continue
		}
		first[key(id)] = i
		f, err := c.follow(id)
		if err != nil {
			results[i].Err = err
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
			returned := false
			defer func() {
				if results[i].Job = f.State.Job.Clone(); !returned {
					results[i].Err = gone(f.State.Job)
				}
			}()
			results[i].Err = f.Wait(ctx)
			returned = true
		})
	}
	go func() {
		waits.Wait()
		close(calls)
	}()
	for call := range calls {
		call()
	}

	var errs []error
	for i, id := range jobIDs {
		if n := first[key(id)]; n != i {
			results[i] = Result{results[n].Job.Clone(), results[n].Err}
			results[i].Job.ID = id
			continue
		}
		errs = append(errs, results[i].Err)
	}
	return results, errors.Join(errs...)
}

// key is the same for ids that name the same job: see status.SameID.
func key(jobID string) string {
	return strings.ToLower(strings.ToUpper(strings.ReplaceAll(jobID, "-", ""))) // both: as EqualFold
}

// follow returns the Follower of one call. It is not inlined, so that what it needs is not on the
// stack of a wait that sleeps.
//
//go:noinline
func (w *Waiter) follow(jobID string, opts []Option) (*wait.Follower, error) {
	c, err := w.config.with(opts)
	if err != nil {
		return nil, err
	}
	return c.follow(jobID)
}

// setJob sets what a call returns of the job.
//
//go:noinline
func setJob(job *status.Job, f *wait.Follower, jobID string) {
	if f == nil {
		job.ID = jobID
		return
	}
	*job = f.State.Job.Clone()
}
