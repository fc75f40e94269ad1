package wait

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
)

// Hooks are called at the start and end of waits, Steps and polls; any may be nil. A start hook
// returns the context to go on with. Carry returns what is stored with the wait, for whatever goes
// on with it.
type Hooks struct {
	WaitStart func(ctx context.Context, f *Follower) context.Context
	WaitEnd   func(context.Context, *End)
	StepStart func(ctx context.Context, f *Follower) context.Context
	StepEnd   func(ctx context.Context, e *End, done bool)
	PollStart func(ctx context.Context, f *Follower) context.Context
	PollEnd   func(context.Context, *Polled)
	Carry     func(context.Context) string
}

// Polled is what a poll brought: what the Poller returned, and what follow made of it.
type Polled struct {
	JobID string
	Reply poller.Reply
	Err   error
	Took  time.Duration
	follow.Next
}

// WaitStart calls the hooks, and sets ctx to the context to go on with, hook by hook: if one
// panics, WaitEnd finds what those before it have put there.
func (f *Follower) WaitStart(ctx *context.Context) {
	for _, h := range f.Hooks {
		if h.WaitStart != nil {
			began := time.Now()
			*ctx = cmp.Or(h.WaitStart(*ctx, f), *ctx)
			f.took("WaitStart", began)
		}
	}
}

// WaitEnd calls the hooks: all of them, whether or not one panics.
func (f *Follower) WaitEnd(ctx context.Context, e *End) { f.waitEnd(ctx, f.Hooks, f.detected(e)) }

// detected sets e's Detection, whatever has ended the wait: the caller may stop listening, or panic,
// on the very transition to the job's end.
func (f *Follower) detected(e *End) *End {
	if e.Detection = 0; e.State.Job.Status.Terminal() {
		e.Detection = f.detection
	}
	return e
}

func (f *Follower) waitEnd(ctx context.Context, hooks []Hooks, e *End) {
	for i, h := range hooks {
		if h.WaitEnd != nil {
			defer f.waitEnd(ctx, hooks[i+1:], e)
			defer f.took("WaitEnd", time.Now())
			h.WaitEnd(ctx, e)
			return
		}
	}
}

// StepStart is WaitStart for the Step that begins.
func (f *Follower) StepStart(ctx *context.Context) {
	for _, h := range f.Hooks {
		if h.StepStart != nil {
			began := time.Now()
			*ctx = cmp.Or(h.StepStart(*ctx, f), *ctx)
			f.took("StepStart", began)
		}
	}
}

// StepEnd is WaitEnd for the Step that ends so; with a nil e the wait goes on.
func (f *Follower) StepEnd(ctx context.Context, e *End, done bool) {
	if len(f.Hooks) == 0 {
		return
	}
	if e == nil {
		e = &End{How: follow.Open, State: &f.State, At: time.Now()}
	}
	f.stepEnd(ctx, f.Hooks, f.detected(e), done)
}

func (f *Follower) stepEnd(ctx context.Context, hooks []Hooks, e *End, done bool) {
	for i, h := range hooks {
		if h.StepEnd != nil {
			defer f.stepEnd(ctx, hooks[i+1:], e, done)
			defer f.took("StepEnd", time.Now())
			h.StepEnd(ctx, e, done)
			return
		}
	}
}

// Carry asks the hooks what to carry along, unless that is known.
func (f *Follower) Carry(ctx context.Context) {
	for _, h := range f.Hooks {
		if f.Carried == "" && h.Carry != nil {
			began := time.Now()
			f.Carried = follow.Storable(h.Carry(ctx))
			f.took("Carry", began)
		}
	}
}

func (f *Follower) pollStart(ctx context.Context) context.Context {
	for _, h := range f.Hooks {
		if h.PollStart != nil {
			began := time.Now()
			ctx = cmp.Or(h.PollStart(ctx, f), ctx)
			f.took("PollStart", began)
		}
	}
	return ctx
}

func (f *Follower) pollEnd(ctx context.Context, p *Polled) {
	for _, h := range f.Hooks {
		if h.PollEnd != nil {
			began := time.Now()
			h.PollEnd(ctx, p)
			f.took("PollEnd", began)
		}
	}
}

// slow is how long a hook or a logger may take before a line of the log says so: it may be why a
// wait was not done in time.
const slow = time.Second

// took logs what has held up the wait since began, if it was for long.
func (f *Follower) took(what string, began time.Time) {
	if d := time.Since(began); d >= slow {
		f.Log.Warn("held up by a hook or by the logger", f.job(), zap.String("by", what), zap.Duration("took", d))
	}
}
