package waiter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Option changes how a [Waiter], or one call of it, behaves. The call that an option is given to
// checks it, and its error names the option. New's options come first; in a call, callbacks and
// traces add up, and any other option overrides New's.
type Option func(*config) error

type config struct {
	wait.Config
	loggers
	checkpoint *status.Job
}

// with returns c with opts on top. c itself, which calls share, stays as it is.
func (c *config) with(opts []Option) (*config, error) {
	if len(opts) == 0 {
		return c, nil
	}
	own := *c
	own.Callbacks, own.Hooks = slices.Clip(c.Callbacks), slices.Clip(c.Hooks) // an append copies
	for i, option := range opts {
		if option == nil {
			return nil, fmt.Errorf("waiter: option %d is nil", i+1)
		}
		if err := option(&own); err != nil {
			return nil, fmt.Errorf("waiter: %w", err)
		}
	}
	return &own, nil
}

func (c *config) follower() (*wait.Follower, error) {
	f, err := wait.New(&c.Config)
	if err != nil {
		return nil, fmt.Errorf("waiter: %w", err)
	}
	return f, nil
}

// follow returns the Follower of a job, from the checkpoint if there is one.
func (c *config) follow(jobID string) (*wait.Follower, error) {
	checkpoint := status.Job{ID: jobID}
	if c.checkpoint != nil {
		if id := c.checkpoint.ID; id != "" && !status.SameID(id, jobID) {
			return nil, fmt.Errorf("waiter: From: the checkpoint is of job %q, not of %q: "+ownCheckpoint, id, jobID)
		}
		checkpoint = *c.checkpoint
		checkpoint.ID = jobID
	}
	f, err := c.follower()
	if err != nil {
		return nil, err
	}
	return f, f.Begin(checkpoint)
}

// OnTransition calls f for each change of the job and of its sub-jobs: exactly once, in order, one
// at a time within a wait, on the goroutine that waits, and never after the call has returned. The
// wait goes on when f returns; a panic of f passes through. Several callbacks add up, in the order
// given. A callback that can fail belongs in [WithCheckpoints].
func OnTransition(f func(status.Transition)) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New("OnTransition: the callback is nil")
		}
		c.Callbacks = append(c.Callbacks, f)
		return nil
	}
}

// WithCheckpoints calls save after the callbacks of each transition, on the same goroutine, with
// the fold ([status.Apply]) of all that was delivered and with the transition, so that both can be
// stored in one transaction. Deliver first, then store: in a callback, or in save itself. ctx is
// the wait's.
//
// An error of save ends the wait with an [UnfinishedError] that holds it, also if the transition
// was the job's last: UnfinishedError.Last is then the last checkpoint that was saved, and nothing
// more is delivered. With [Waiter.Run], store the job's id in submit: save is called for the first
// transition only. A wait that goes on [From] that checkpoint delivers again what was not saved:
// each transition is delivered at least once, and exactly once where the receiver commits in save.
func WithCheckpoints(save func(ctx context.Context, checkpoint status.Job, t status.Transition) error) Option {
	return func(c *config) error {
		if save == nil {
			return errors.New("WithCheckpoints: the function is nil")
		}
		c.Save = save
		return nil
	}
}

// WithBackOff sets the schedule while the job goes on; [pace.Exponential] unless set. f makes a
// BackOff for each wait. A status that was not seen before resets it; backoff.Stop ends the wait
// with [ErrUnfinished]. A [backoff.ExponentialBackOff] whose fields would make it panic, poll
// without a pause or stop at random is refused: backoff.NewExponentialBackOff makes a good one.
//
// With the BackOff method of a [pace.History], the waits learn from each other how long jobs of
// each type take, and poll when a job is about to end. Any BackOff that is a [pace.Observer] or a
// [pace.Starter] is called as those say; a BackOff that wraps one has to pass that on.
func WithBackOff(f func() backoff.BackOff) Option {
	return schedule("WithBackOff", follow.Progress, f)
}

// WithFailureBackOff sets the schedule after failed polls; unless set 1 s, then twice as long each
// time, at most 30 s, each +-50 %, without end. f makes a BackOff for each wait that has a failed
// poll. The first failure after a good response resets it; backoff.Stop ends the wait with
// [ErrUnfinished].
func WithFailureBackOff(f func() backoff.BackOff) Option {
	return schedule("WithFailureBackOff", follow.Failure, f)
}

func schedule(name string, which follow.Schedule, f func() backoff.BackOff) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New(name + ": the function is nil")
		}
		c.Schedules[which] = f
		return nil
	}
}

// WithLimiter asks l before each poll; a *rate.Limiter of golang.org/x/time fits. Given to New, all
// waits share it; l must be safe for concurrent use. The time in its queue is outside the poll's
// timeout. If it refuses because of the deadline, there are no more polls, and the wait lasts until
// the deadline: it is asked again every 5 s, in case it refused for another reason. Without a
// deadline a refusal ends the wait with [ErrUnfinished] and the limiter's error. Like a Poller, l
// must return soon after its context has ended.
func WithLimiter(l interface {
	Wait(ctx context.Context) error
}) Option {
	return func(c *config) error {
		if wait.IsNil(l) {
			return errors.New("WithLimiter: the limiter is nil; leave the option out for no limit")
		}
		c.Limiter = l
		return nil
	}
}

// WithPollTimeout bounds each poll; 15 s unless set, 0 means no bound. A poll that takes longer is
// a failure like any other, and polling goes on. Waiting for one of the [poller.Client]'s 64
// connections is part of the poll.
func WithPollTimeout(d time.Duration) Option {
	return duration("WithPollTimeout", d, func(c *config) { c.PollTimeout = d })
}

// WithNotFoundGrace sets how long after the start a job that was never seen may be not found,
// because a new job's id can be ahead of what the service knows; 10 s unless set. 0 means that the
// first such response ends the wait with [ErrNotFound]. A host name that does not resolve has the
// same grace.
func WithNotFoundGrace(d time.Duration) Option {
	return duration("WithNotFoundGrace", d, func(c *config) { c.NotFoundGrace = d })
}

// WithStallLimit ends a wait with [ErrStalled] when neither the job nor any sub-job has reached a
// new status for d. It is judged at good responses only: while the service cannot be reached no
// wait stalls, and the first good response after that counts the outage. 0, the default, means no
// limit.
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

// WithStrictSubJobs makes a job that succeeds with a failed sub-job a failure: the wait ends with
// a [FailedError].
func WithStrictSubJobs() Option {
	return func(c *config) error {
		c.StrictSubJobs = true
		return nil
	}
}

// WithFailFast ends a wait with [ErrSubJobFailed] as soon as a sub-job has failed, although the job
// goes on, once all that the response shows has been delivered. A job that has ended itself ends
// the wait as it would without this option.
func WithFailFast() Option {
	return func(c *config) error {
		c.FailFast = true
		return nil
	}
}

// WithJobType says which type of job is awaited, such as "bind_ldap", before the service does: a
// job that is never seen is reported with it, and a schedule that learns ([pace.History]) plans the
// first poll too, for a job that begins with the wait.
func WithJobType(jobType string) Option {
	return func(c *config) error {
		if jobType == "" {
			return errors.New("WithJobType: the type is empty")
		}
		c.JobType = jobType
		return nil
	}
}

// WithClassifier lets f overrule what a failed poll means; byDefault is what [poller.Classify]
// says. Several waits may call f at once.
func WithClassifier(f func(err error, byDefault poller.Verdict) poller.Verdict) Option {
	return func(c *config) error {
		if f == nil {
			return errors.New("WithClassifier: the function is nil")
		}
		c.Classify = f
		return nil
	}
}

// From makes a call go on from a checkpoint: what it already shows is not delivered again, and a
// terminal one gives its outcome without a request. A zero Job begins from the start. It belongs
// in the call, once, with that job's id; in [Waiter.Step] the checkpoint is Progress.Job.
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
