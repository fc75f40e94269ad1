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

// Trace is a set of hooks at the start and end of waits and polls, for spans and metrics. Any may
// be nil. A start hook returns the context to go on with, derived from the one that it got; nil
// leaves it as it is. Hooks
// run on the goroutine that waits; where waits run at the same time, as within [Waiter.WaitAll], so
// do their hooks. [Waiter.Step] is one poll and calls the poll's hooks only.
type Trace struct {
	WaitStart func(context.Context, WaitStart) context.Context
	WaitEnd   func(context.Context, WaitEnd)
	PollStart func(context.Context, PollStart) context.Context
	PollEnd   func(context.Context, PollEnd)
}

// WaitStart is what a wait begins with.
type WaitStart struct {
	JobID   string
	JobType string // "" if unknown: see WithJobType
	Resumed bool   // the wait goes on from a checkpoint
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
	if t.WaitStart != nil {
		h.WaitStart = func(ctx context.Context, s *follow.State) context.Context {
			return t.WaitStart(ctx, WaitStart{JobID: s.Job.ID, JobType: s.Job.Type, Resumed: s.Job.Status != ""})
		}
	}
	if t.WaitEnd != nil {
		h.WaitEnd = func(ctx context.Context, e *wait.End) {
			t.WaitEnd(ctx, WaitEnd{
				Job: e.State.Job.Clone(), Err: e.Err, Outcome: e.How.String(), Polls: e.State.Polls,
				Failures: maps.Clone(e.State.Failures), Elapsed: e.At.Sub(e.State.Started), DetectionDelay: e.Detection,
			})
		}
	}
	if t.PollStart != nil {
		h.PollStart = func(ctx context.Context, s *follow.State) context.Context {
			return t.PollStart(ctx, PollStart{JobID: s.Job.ID, N: s.Polls + 1})
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
