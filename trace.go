package waiter

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Trace is a set of hooks at the start and end of waits, Steps and polls, for spans and metrics.
// Any may be nil. A start hook returns the context to go on with, derived from the one that it got;
// nil leaves it as it is. [Waiter.Step] calls the Step's hooks and the poll's, all other waits call
// the wait's and the poll's.
//
// Hooks run on the goroutine that waits; where waits run at the same time, as within
// [Waiter.WaitAll], so do their hooks. A hook that blocks holds up its wait: one that takes a
// second or more is logged (Warn), because a wait whose context ends meanwhile was not done in
// time. A panic of a hook passes through, and the end hooks of the wait are called nevertheless.
//
// Carry returns what a wait carries along for whatever goes on with it, perhaps in another process,
// such as the traceparent of its span. It is asked until it has returned something:
//
//   - by Step, with the context of the StepStart hook; the word is then in Progress.Trace;
//   - by a Tracker, with the context of the Tracker.Wait that begins to track the job, and then with
//     that of the WaitStart hook; the word is then in the journal's records of the job.
//
// Keep it short: it is stored with every state of the wait. Of several traces, the first one that
// returns something is heard.
type Trace struct {
	WaitStart func(context.Context, WaitStart) context.Context
	WaitEnd   func(context.Context, WaitEnd)
	StepStart func(context.Context, StepStart) context.Context
	StepEnd   func(context.Context, StepEnd)
	PollStart func(context.Context, PollStart) context.Context
	PollEnd   func(context.Context, PollEnd)
	Carry     func(context.Context) string
}

// WaitStart is what a wait begins with.
type WaitStart struct {
	JobID   string
	JobType string // "" if unknown: see WithJobType
	Resumed bool   // the wait goes on from a checkpoint
	Carried string // what Carry returned when the wait began, perhaps in another process; "" if nothing did
	Tracked bool   // by a Tracker, for all that ask for the job: the context is Run's
}

// StepStart is what a Step that polls begins with.
type StepStart struct {
	JobID   string
	JobType string    // "" if unknown: see WithJobType
	Resumed bool      // the wait began from a checkpoint
	Carried string    // Progress.Trace: "" in the first Step
	Started time.Time // when the first Step began
}

// StepEnd is what a Step brought: how the wait stands, counted since its first Step. While the wait
// goes on, Err is nil and Outcome "". Err and Outcome without Done are of a Step that was cut
// short, and changed nothing.
type StepEnd struct {
	WaitEnd
	Done bool // the wait has ended
}

// WaitEnd is how a wait ended.
type WaitEnd struct {
	Job      status.Job     // what the call returns
	Err      error          // what the call returns; after a break or a panic an error that says so
	Outcome  string         // see the function Outcome; "stopped" after a break or a panic
	Polls    int            // sent by this wait
	Failures map[string]int // failed polls by kind: see poller.Kind
	Elapsed  time.Duration  // since the wait began
	// DetectionDelay is how long after the job's end the response that showed it was sent, both by
	// the service's clock and to the second; 0 if that is unknown.
	DetectionDelay time.Duration
}

// PollStart is what a poll begins with.
type PollStart struct {
	JobID string
	N     int // of this wait's polls, from 1
}

// PollEnd is what a poll brought.
type PollEnd struct {
	JobID       string
	Reply       poller.Reply        // what the Poller returned
	Err         error               // what the Poller returned
	Verdict     poller.Verdict      // on a failed poll, by WithClassifier too; Passing after a good one
	Kind        string              // of a failed poll: see poller.Kind; "" after a good one
	Took        time.Duration       // the Poller's time
	Transitions []status.Transition // about to be delivered; leave them as they are
}

// WithTrace calls t's hooks. Several traces add up, in the order given.
func WithTrace(t *Trace) Option {
	return func(c *config) error {
		if t == nil {
			return errors.New("WithTrace: the trace is nil")
		}
		c.Hooks = append(c.Hooks, t.hooks())
		return nil
	}
}

func (t *Trace) hooks() (h wait.Hooks) {
	h.Carry = t.Carry
	if t.WaitStart != nil {
		h.WaitStart = func(ctx context.Context, f *wait.Follower) context.Context {
			s := &f.State
			return t.WaitStart(ctx, WaitStart{JobID: s.Job.ID, JobType: s.Job.Type, Resumed: s.Job.Status != "", Carried: f.Carried, Tracked: f.Once})
		}
	}
	if t.WaitEnd != nil {
		h.WaitEnd = func(ctx context.Context, e *wait.End) { t.WaitEnd(ctx, waitEnd(e)) }
	}
	if t.StepStart != nil {
		h.StepStart = func(ctx context.Context, f *wait.Follower) context.Context {
			s := &f.State
			return t.StepStart(ctx, StepStart{JobID: s.Job.ID, JobType: s.Job.Type, Resumed: s.Age() < 0, Carried: f.Carried, Started: s.Started})
		}
	}
	if t.StepEnd != nil {
		h.StepEnd = func(ctx context.Context, e *wait.End, done bool) { t.StepEnd(ctx, StepEnd{waitEnd(e), done}) }
	}
	if t.PollStart != nil {
		h.PollStart = func(ctx context.Context, f *wait.Follower) context.Context {
			return t.PollStart(ctx, PollStart{JobID: f.State.Job.ID, N: f.State.Polls + 1})
		}
	}
	if t.PollEnd != nil {
		h.PollEnd = func(ctx context.Context, p *wait.Polled) {
			t.PollEnd(ctx, PollEnd{
				JobID: p.JobID, Reply: p.Reply, Err: p.Err, Verdict: p.Verdict, Kind: p.Kind, Took: p.Took, Transitions: p.Transitions,
			})
		}
	}
	return h
}

func waitEnd(e *wait.End) WaitEnd {
	end := WaitEnd{
		Job: e.State.Job.Clone(), Err: e.Err, Polls: e.State.Polls,
		Failures: maps.Clone(e.State.Failures), Elapsed: e.At.Sub(e.State.Started), DetectionDelay: e.Detection,
	}
	if e.How != follow.Open {
		end.Outcome = e.How.String()
	}
	return end
}
