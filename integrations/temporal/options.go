package temporalwait

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Option is an option of [Await].
type Option func(*options)

type options struct {
	onTransition func(ctx workflow.Context, t status.Transition)
	progress     *waiter.Progress
	timeout      *time.Duration // nil: no deadline
	pollTimeout  time.Duration
}

// OnTransition has f called for each change of the job and of its sub-jobs, in order, once, also
// when the workflow is replayed. f is workflow code: it may set what a query returns, or execute
// other activities. Until it returns, the job is not polled. Each poll that shows a change adds six
// events to the history.
func OnTransition(f func(ctx workflow.Context, t status.Transition)) Option {
	return func(o *options) { o.onTransition = f }
}

// WithProgress has the wait go on from *p, and keeps *p up to date: at the end, and with
// [OnTransition] after each call of it for one poll. Give it the Progress of the run that went
// before, as an argument of a workflow that continues as new; what it shows is not delivered again.
// A zero Progress begins at the beginning. One that is Done returns its end at once: to wait again
// after an end that was not the job's, give its JobID and its Job alone. p must not be nil.
func WithProgress(p *waiter.Progress) Option {
	return func(o *options) { o.progress = p }
}

// WithTimeout ends the wait after d, from the call of Await on, with a last look at the job 3 s
// before, and an error that is context.DeadlineExceeded. If d is not positive, no time is left, and
// nothing is polled; more than a hundred years count as a hundred. Unless it is given, a wait has no
// deadline but that of its workflow.
func WithTimeout(d time.Duration) Option {
	return func(o *options) { o.timeout = new(min(d, longest)) }
}

// WithPollTimeout tells Await what waiter.WithPollTimeout has told the activity's Waiter; 15 s
// unless set, and positive. An attempt whose worker dies is tried again after that and 5 s.
func WithPollTimeout(d time.Duration) Option {
	return func(o *options) { o.pollTimeout = d }
}

// longest is what a longer timeout counts as: Temporal's arithmetic ends with 292 years.
const longest = 100 * 365 * 24 * time.Hour

// apply returns the options, or what is wrong with them.
func apply(opts []Option) (options, error) {
	o := options{pollTimeout: 15 * time.Second, progress: &waiter.Progress{}}
	for i, opt := range opts {
		if opt == nil {
			return o, fmt.Errorf("temporalwait: option %d is nil", i+1)
		}
		opt(&o)
	}
	switch {
	case o.progress == nil:
		return o, errors.New("temporalwait: WithProgress(nil): give it the address of a Progress, which may be zero")
	case o.pollTimeout <= 0:
		return o, fmt.Errorf("temporalwait: WithPollTimeout(%v) is not positive: give it the Waiter's, 15s unless set", o.pollTimeout)
	}
	o.pollTimeout = min(o.pollTimeout, longest)
	return o, nil
}
