package temporalwait

import (
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
	timeout      time.Duration
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
// after an end that was not the job's, give its JobID and its Job alone.
func WithProgress(p *waiter.Progress) Option {
	return func(o *options) { o.progress = p }
}

// WithTimeout ends the wait after d, from the call of Await on, with a last look at the job 3 s
// before, and an error that is context.DeadlineExceeded. Unless it is given, a wait has no deadline
// but that of its workflow.
func WithTimeout(d time.Duration) Option {
	return func(o *options) { o.timeout = d }
}

// WithPollTimeout tells Await what waiter.WithPollTimeout has told the activity's Waiter; 15 s
// unless set. An attempt whose worker dies is tried again after that and 5 s.
func WithPollTimeout(d time.Duration) Option {
	return func(o *options) { o.pollTimeout = d }
}
