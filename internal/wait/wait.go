package wait

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Follower is one job being followed, by one goroutine at a time. It is kept small, because a
// process may follow a million jobs.
type Follower struct {
	*Config
	*Caller
	State   follow.State
	Carried string // what the hooks have the wait carry along: see Hooks.Carry

	schedules [2]backoff.BackOff // by follow.Schedule; nil until needed
	detection time.Duration      // see End
}

// Caller is what the caller of a Follower wants of it.
type Caller struct {
	Yield func(status.Transition) bool // after the callbacks; false: the caller no longer listens
	Call  func(func()) (called bool)   // runs a delivery where callbacks run; nil: here
	Gate  chan struct{}                // holds a token for each poll in flight; nil: no bound
	Once  bool                         // a context's deadline bounds the poll, not the wait
	Sent  func(at time.Time)           // before a poll, once the limiter lets it through; nil: not needed

	// Saved is called after each transition, once it is delivered and saved, with the fold of all
	// that was delivered; nil: not needed. It returns what Yield does.
	Saved    func(checkpoint status.Job, t status.Transition) bool
	Deadline time.Time // of the wait, for the last look; zero if there is none
}

// New returns a Follower that follows no job yet. The error says which option is wrong.
func New(c *Config) (*Follower, error) {
	f := new(struct {
		Follower
		own Caller
	})
	return &f.Follower, f.Init(c, &f.own)
}

// Init makes f what New returns.
func (f *Follower) Init(c *Config, caller *Caller) error {
	*f = Follower{Config: c, Caller: caller}
	_, err := f.schedule(follow.Progress)
	return err
}

// Begin sets the job to follow: its ID, and what a checkpoint of it shows. The error is final,
// and no request was sent.
func (f *Follower) Begin(checkpoint status.Job) error {
	if checkpoint.Type == "" {
		checkpoint.Type = f.JobType
	}
	f.State = follow.Begin(checkpoint, time.Now())
	if err := poller.CheckID(checkpoint.ID); err != nil {
		return f.end(follow.Unusable, err).Err
	}
	return nil
}

// Wait follows the job until it has ended, or the wait has. It returns the public error.
func (f *Follower) Wait(ctx context.Context) error {
	var end *End
	defer f.leave(&ctx, &end)
	f.WaitStart(&ctx)
	end = f.loop(ctx)
	return end.Err
}

// leave ends a wait, whatever ended it. It is a function of its own, as timer is, so that what it
// needs is not on the stack of a wait that sleeps.
func (f *Follower) leave(ctx *context.Context, end **End) {
	defer func() { //nolint:contextcheck // it is the one that WaitStart has set
		if *end == nil {
			*end = f.Panicked()
		}
		logged := false
		defer func() {
			if !logged {
				*end = f.Panicked()
			}
			f.WaitEnd(*ctx, *end)
		}()
		f.LogEnd(*end)
		logged = true
	}()
	f.Abandon()
}

// Panicked is what hooks see as the end where something panicked, or ended its goroutine.
func (f *Follower) Panicked() *End {
	return &End{How: follow.Abandoned, State: &f.State, At: time.Now(), Err: errPanicked}
}

var errPanicked = errors.New("waiter: the wait panicked")

// loop sleeps on a small stack, which is what most of a wait's memory is.
func (f *Follower) loop(ctx context.Context) *End {
	if end := f.Outcome(); end != nil {
		return end // the checkpoint shows it
	}
	f.Deadline, _ = ctx.Deadline()
	if delay := f.Start(); delay > 0 {
		if !f.sleep(ctx, delay) {
			return f.contextEnded(ctx)
		}
		f.State.Planned(time.Now())
	}
	for {
		delay, end := f.Poll(ctx)
		if end != nil {
			return end
		}
		if !f.sleep(ctx, delay) {
			return f.contextEnded(ctx)
		}
	}
}

// Outcome returns the end that the job's own status says, nil if it goes on.
func (f *Follower) Outcome() *End {
	if f.State.End != follow.Open { // of a stored wait
		return f.ended(f.State.Started.Add(f.State.Ended))
	}
	if how := f.State.Outcome(f.Rules); how != follow.Open {
		return f.end(how, nil)
	}
	return nil
}

// sleep sleeps for d, or until the last look. It reports whether ctx goes on.
func (f *Follower) sleep(ctx context.Context, d time.Duration) bool {
	t := f.timer(d)
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	t.Stop()
	return ctx.Err() == nil // both may be ready
}

//go:noinline
func (f *Follower) timer(d time.Duration) *time.Timer {
	return time.NewTimer(f.State.Sleep(d, time.Now(), f.Deadline))
}
