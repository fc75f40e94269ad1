package waiter

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// Option changes how a [Waiter], or one call of it, behaves. Options are checked by
// the call they are given to, whose error names the option. New's come first; in a
// call callbacks and traces add up, and any other option overrides New's.
type Option func(*config) error

type config struct {
	poller    poller.Poller
	callbacks []func(status.Transition)
	traces    []*Trace
	schedules [2]func() backoff.BackOff // by follow.Schedule
	log       *zap.Logger
	clock     *sync.Once // of logClock
	limiter   interface {
		Wait(ctx context.Context) error
	}
	pollTimeout time.Duration
	jobType     string
	checkpoint  *status.Job
	follow.Rules
}

func defaults(p poller.Poller) config {
	return config{
		poller:      p,
		schedules:   [2]func() backoff.BackOff{pace.Exponential, failureBackOff},
		log:         zap.NewNop(),
		clock:       new(sync.Once),
		pollTimeout: 15 * time.Second,
		Rules:       follow.Rules{NotFoundGrace: 10 * time.Second},
	}
}

func failureBackOff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(30*time.Second),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxElapsedTime(0), // only the context ends a wait
	)
}

// with returns c with opts on top. c itself, which calls share, stays as it is.
func (c config) with(opts []Option) (config, error) {
	c.callbacks = append([]func(status.Transition){}, c.callbacks...)
	c.traces = append([]*Trace{}, c.traces...)
	for i, option := range opts {
		if option == nil {
			return c, fmt.Errorf("waiter: option %d is nil", i+1)
		}
		if err := option(&c); err != nil {
			return c, fmt.Errorf("waiter: %w", err)
		}
	}
	return c, nil
}

// OnTransition calls f for each change of the job and of its sub-jobs: exactly
// once, in order, one at a time within a wait, on the goroutine that waits, and
// never after the call has returned. The wait goes on when f returns; a panic of f
// passes through. Several add up, in the order given.
func OnTransition(f func(status.Transition)) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New("OnTransition: the callback is nil")
		}
		c.callbacks = append(c.callbacks, f)
		return nil
	}
}

// WithBackOff sets the schedule while the job goes on; [pace.Exponential] unless
// set. f makes one for each wait. A status that was not seen before resets it;
// backoff.Stop ends the wait with [ErrUnfinished].
//
// With the BackOff method of a [pace.History] the waits learn from each other how long
// jobs of each type take, and poll when they are about to end. Any BackOff that is a
// [pace.Observer] or a [pace.Starter] is told what those are; one that wraps it has to pass it on.
func WithBackOff(f func() backoff.BackOff) Option {
	return schedule("WithBackOff", follow.Progress, f)
}

// WithFailureBackOff sets the schedule after failed polls; unless set 1 s, then
// twice as long each time, at most 30 s, each +-50 %, without end. f makes one for
// each wait. The first failure after a good answer resets it; backoff.Stop ends the
// wait with [ErrUnfinished].
func WithFailureBackOff(f func() backoff.BackOff) Option {
	return schedule("WithFailureBackOff", follow.Failure, f)
}

func schedule(name string, which follow.Schedule, f func() backoff.BackOff) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New(name + ": the function is nil")
		}
		c.schedules[which] = f
		return nil
	}
}

// WithLogger logs to l: a line for each transition (Info), one for each run of the
// same failure and for each oddity of an answer (Warn), and each poll at Debug. No
// line holds a token or a body. Without it nothing is logged.
func WithLogger(l *zap.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil; leave the option out to log nothing")
		}
		c.log = l
		return nil
	}
}

// WithLimiter asks l before each poll; a *rate.Limiter of golang.org/x/time fits.
// Given to New, all waits share it; l must be safe for concurrent use. The time in
// its queue is outside the poll's timeout. If it refuses because of the deadline,
// there are no more polls, and the wait lasts until the deadline: it is asked again
// every 5 s, in vain, unless it refused for another reason.
// Without a deadline a refusal ends the wait with [ErrUnfinished] and the limiter's
// error. Like a Poller, l must return soon after its context has ended.
func WithLimiter(l interface {
	Wait(ctx context.Context) error
}) Option {
	return func(c *config) error {
		if isNil(l) {
			return errors.New("WithLimiter: the limiter is nil; leave the option out for no limit")
		}
		c.limiter = l
		return nil
	}
}

// WithPollTimeout bounds each poll; 15 s unless set, 0 means no bound. A poll that
// takes longer is a failure like any other, and polling goes on. Waiting for one of
// the [poller.Client]'s 64 connections is part of the poll.
func WithPollTimeout(d time.Duration) Option {
	return duration("WithPollTimeout", d, func(c *config) { c.pollTimeout = d })
}

// WithNotFoundGrace sets how long after the start a job that was never seen may be
// not found, since a new job's id can be ahead of the service's own knowledge of
// it; 10 s unless set, 0 means that the first such answer ends the wait with
// [ErrNotFound]. A host name that does not resolve has the same grace.
func WithNotFoundGrace(d time.Duration) Option {
	return duration("WithNotFoundGrace", d, func(c *config) { c.NotFoundGrace = d })
}

// WithStallLimit ends a wait with [ErrStalled] when neither the job nor any
// sub-job has reached a new status for d. It is judged at good answers only: an
// outage is no stall. 0, the default, means no limit.
func WithStallLimit(d time.Duration) Option {
	return duration("WithStallLimit", d, func(c *config) { c.StallLimit = d })
}

func duration(name string, d time.Duration, set func(*config)) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("%s: %v is negative; 0 means none", name, d)
		}
		set(c)
		return nil
	}
}

// WithStrictSubJobs makes a job that succeeds with a failed sub-job a failure: the
// wait ends with [FailedError].
func WithStrictSubJobs() Option {
	return func(c *config) error {
		c.StrictSubJobs = true
		return nil
	}
}

// WithJobType says what type of job is awaited, "bind_ldap" for one, before the
// service does: a job that is never seen is reported with it, and a schedule that
// learns ([pace.History]) plans the first poll too, as of a job that begins with the wait.
func WithJobType(jobType string) Option {
	return func(c *config) error {
		if jobType == "" {
			return errors.New("WithJobType: the type is empty")
		}
		c.jobType = jobType
		return nil
	}
}

// WithClassifier lets f overrule what a failed poll means; byDefault is what
// [poller.Classify] says. f may be called by several waits at once.
func WithClassifier(f func(err error, byDefault poller.Verdict) poller.Verdict) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New("WithClassifier: the function is nil")
		}
		c.Classify = f
		return nil
	}
}

// WithTrace calls t's hooks. Several traces add up, in the order given.
func WithTrace(t *Trace) Option {
	return func(c *config) error {
		if t == nil {
			return errors.New("WithTrace: the trace is nil")
		}
		c.traces = append(c.traces, t)
		return nil
	}
}

// From makes a call go on from a checkpoint: what it already shows is not told
// again, and a terminal one gives its outcome without a request. It belongs in the
// call, once, with that job's id; in [Waiter.Step] the checkpoint is Progress.Job.
func From(checkpoint status.Job) Option {
	checkpoint = checkpoint.Clone() // the caller's may change before the call
	return func(c *config) error {
		if c.checkpoint != nil {
			return errors.New("From: given twice")
		}
		c.checkpoint = &checkpoint
		return nil
	}
}

// isNil also sees a nil pointer or func inside an interface: what is left of a
// constructor whose error was not looked at.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan:
		return r.IsNil()
	}
	return false
}
