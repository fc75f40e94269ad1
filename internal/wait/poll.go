package wait

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/status"
)

// Poll polls once and delivers what that brought. It returns how long to sleep before the next
// poll, or how the wait has ended.
func (f *Follower) Poll(ctx context.Context) (delay time.Duration, end *End) {
	return f.Settle(ctx, f.Ask(ctx))
}

// Asked is what a poll brought, before any of it is delivered.
type Asked struct {
	follow.Next
	err       error      // there is no outcome: the limiter's or ctx's
	delivered status.Job // before
}

// Outcome reports whether there is one. Without, nothing has changed, because ctx has ended.
func (a *Asked) Outcome(ctx context.Context) bool { return a.err == nil || ctx.Err() == nil }

// Ask polls once. What it returns belongs to Settle.
func (f *Follower) Ask(ctx context.Context) Asked {
	a := Asked{delivered: f.State.Job}
	a.Next, a.err = f.ask(ctx)
	return a
}

// Settle delivers what a poll brought. It returns what Poll returns.
func (f *Follower) Settle(ctx context.Context, a Asked) (delay time.Duration, end *End) {
	switch {
	case a.err == nil:
		return f.deliver(ctx, a.delivered, a.Next)
	case ctx.Err() != nil:
		return 0, f.contextEnded(ctx)
	}
	delay, first := f.State.Refuse(a.err, f.Deadline)
	if f.State.End != follow.Open {
		return 0, f.end(follow.Refused, a.err)
	}
	if first {
		f.logRefusal(a.err)
	}
	return delay, nil
}

// turn waits until it is this job's turn to be polled: for a place at the gate, though no longer
// than until the last look, and for the limiter. The error is the limiter's or ctx's.
func (f *Follower) turn(ctx context.Context) (leave func(), err error) {
	leave = func() {}
	if f.Gate != nil {
		look := time.NewTimer(f.State.Sleep(math.MaxInt64, time.Now(), f.Deadline))
		defer look.Stop()
		select {
		case f.Gate <- struct{}{}:
			leave = func() { <-f.Gate }
		case <-look.C:
		case <-ctx.Done():
		}
	}
	f.State.Look(time.Now(), f.Deadline)
	if ctx.Err() == nil && f.Limiter != nil {
		if err := f.limit(ctx); err != nil && ctx.Err() == nil {
			return leave, fmt.Errorf("the limiter refuses: %w", err)
		}
		f.State.Look(time.Now(), f.Deadline)
	}
	return leave, ctx.Err()
}

// limit asks the limiter, which may refuse because of the deadline.
func (f *Follower) limit(ctx context.Context) error {
	if _, ok := ctx.Deadline(); !ok && !f.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, f.Deadline)
		defer cancel()
	}
	return f.Limiter.Wait(ctx)
}

// ask polls when it is its turn. An error means that there is no outcome.
func (f *Follower) ask(ctx context.Context) (follow.Next, error) {
	leave, err := f.turn(ctx)
	defer leave()
	if err != nil {
		return follow.Next{}, err
	}
	pollCtx := f.pollStart(ctx)
	start := time.Now()
	if f.Sent != nil {
		f.Sent(start)
	}
	if limit := f.State.PollLimit(f.PollTimeout, start, f.Deadline); limit > 0 {
		var cancel context.CancelFunc
		pollCtx, cancel = context.WithTimeout(pollCtx, limit)
		defer cancel()
	}
	p := Polled{JobID: f.State.Job.ID}
	p.Reply, p.Err = f.Poller.Poll(pollCtx, p.JobID)
	now := time.Now()
	p.Took = now.Sub(start)
	err = f.judge(ctx, pollCtx, &p, now)
	f.pollEnd(pollCtx, &p)
	return p.Next, err
}

// judge has follow decide what p means. A poll that fails once ctx has ended is judged by ctx: it
// may have failed with anything. An error means that there is no outcome.
func (f *Follower) judge(ctx, pollCtx context.Context, p *Polled, now time.Time) error {
	observed := follow.Poll{Reply: p.Reply, Err: p.Err, At: now, Took: p.Took}
	ended := ctx.Err()
	timedOut := errors.Is(ended, context.DeadlineExceeded)
	switch {
	case p.Err != nil && ended != nil && timedOut && f.Once:
		observed.Err = late{p.Took, errors.New(wire.Text(p.Err))}
	case p.Err != nil && ended != nil:
		f.State.Cut(late{p.Took, p.Err}, timedOut)
		p.Next = follow.Failed(ended)
		return ended
	case p.Err != nil && errors.Is(pollCtx.Err(), context.DeadlineExceeded):
		observed.Err = late{p.Took, p.Err}
	}
	f.logClock(p.Reply.ServerTime, now)
	p.Next = f.State.Observe(observed, f.Rules)
	if f.State.Job.Status.Terminal() && !p.Reply.ServerTime.IsZero() {
		if end, ok := f.State.Job.EndTime.Time(); ok {
			f.detection = max(0, p.Reply.ServerTime.Sub(end))
		}
	}
	f.observe(p.Next, p.Reply.ServerTime)
	return nil
}

// deliver logs and delivers what a poll brought, and asks the schedule how long to sleep before
// the next one.
func (f *Follower) deliver(ctx context.Context, delivered status.Job, n follow.Next) (time.Duration, *End) {
	f.logPoll(n)
	for _, t := range n.Transitions {
		f.logTransition(t)
		var end *End
		call := func() { delivered, end = f.deliverOne(ctx, delivered, t) }
		if f.Call == nil {
			call()
		} else if !f.Call(call) {
			end = f.stopped()
		}
		if end != nil {
			return 0, end
		}
	}
	if n.End != follow.Open {
		return 0, f.end(n.End, nil)
	}
	schedule, err := f.schedule(n.Schedule)
	if err != nil {
		return 0, f.end(follow.Unusable, err)
	}
	if n.Reset {
		schedule.Reset()
	}
	asked := schedule.NextBackOff()
	if asked == backoff.Stop && ctx.Err() != nil { // backoff.WithContext stops at its end
		if !f.Once {
			return 0, f.contextEnded(ctx)
		}
		asked = 0 // the next Step has a context of its own
	}
	delay := f.State.Plan(n, asked, f.learns())
	if f.State.End != follow.Open {
		return 0, f.end(f.State.End, nil)
	}
	return delay, nil
}

// deliverOne delivers t to all that listen, each of which gets a copy of its own. It returns what
// has been delivered so far, which is what was saved if anything saves it.
func (f *Follower) deliverOne(ctx context.Context, delivered status.Job, t status.Transition) (status.Job, *End) {
	own := func() status.Transition {
		c := t
		c.Job = t.Job.Clone()
		return c
	}
	for _, callback := range f.Callbacks {
		callback(own())
	}
	listens := f.Yield == nil || f.Yield(own())
	if f.Save != nil || f.Saved != nil {
		checkpoint := status.Apply(delivered, t)
		if f.Save != nil {
			if err := f.Save(ctx, checkpoint.Clone(), own()); err != nil {
				f.State.Job = delivered
				return delivered, f.end(follow.Unsaved, unsaved{t, err})
			}
		}
		delivered = checkpoint
		listens = (f.Saved == nil || f.Saved(checkpoint, t)) && listens
	}
	if !listens {
		return delivered, f.stopped()
	}
	return delivered, nil
}

// unsaved is what a save failed with. The state of the wait is the last that was saved, so this
// says what was not.
type unsaved struct {
	t status.Transition
	error
}

func (e unsaved) Error() string {
	what := string(e.t.To)
	if e.t.IsSubJob() {
		what = "sub-job " + e.t.SubJob + " " + what
	}
	return wire.Text(e.error) + " (not saved: " + wire.OneLine(what) + ")"
}

func (e unsaved) Unwrap() error { return e.error }

// late is what a poll fails with that took until its context ended, whatever the Poller makes of
// that.
type late struct {
	took time.Duration
	error
}

func (e late) Error() string {
	return "no response within " + wire.Round(e.took) + ": " + wire.Text(e.error)
}
func (e late) Unwrap() []error { return []error{context.DeadlineExceeded, e.error} }
