package waiter

import (
	"context"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Trace is a set of hooks at the start and end of waits and polls, for spans and
// metrics. Any may be nil. A start hook returns the context to go on with, derived
// from the one it got; an end hook must leave what it gets as it is. Hooks run on the goroutine that waits; where waits run at the
// same time, as below [Waiter.WaitAll], so do their hooks. [Waiter.Step] is one poll
// and calls the poll's hooks only.
type Trace struct {
	WaitStart func(ctx context.Context, jobID string) context.Context
	WaitEnd   func(ctx context.Context, job status.Job, err error) // what the call returns; after a break or a panic an error that says so
	PollStart func(ctx context.Context, jobID string) context.Context
	PollEnd   func(ctx context.Context, reply poller.Reply, err error) // what the Poller returned
}

func (c *config) waitStart(ctx context.Context, jobID string) context.Context {
	for _, t := range c.traces {
		if t.WaitStart != nil {
			ctx = t.WaitStart(ctx, jobID)
		}
	}
	return ctx
}

func (c *config) waitEnd(ctx context.Context, job status.Job, err error) {
	for _, t := range c.traces {
		if t.WaitEnd != nil {
			t.WaitEnd(ctx, job, err)
		}
	}
}

func (c *config) pollStart(ctx context.Context, jobID string) context.Context {
	for _, t := range c.traces {
		if t.PollStart != nil {
			ctx = t.PollStart(ctx, jobID)
		}
	}
	return ctx
}

func (c *config) pollEnd(ctx context.Context, reply poller.Reply, err error) {
	for _, t := range c.traces {
		if t.PollEnd != nil {
			t.PollEnd(ctx, reply, err)
		}
	}
}
