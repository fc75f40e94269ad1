package wait

import (
	"context"
	"errors"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
)

// End is how a wait ended, as plain data.
type End struct {
	How       follow.End
	State     *follow.State // the follower's own
	At        time.Time
	Detection time.Duration // from the job's end to the response that showed it, both by the service's clock; 0 if unknown
	Err       error         // the public error; nil for success
}

// errStopped is what hooks see where the caller no longer listens.
var errStopped = errors.New("waiter: the iteration was stopped")

func (f *Follower) stopped() *End {
	return &End{How: follow.Abandoned, State: &f.State, At: time.Now(), Err: errStopped}
}

func (f *Follower) end(how follow.End, cause error) *End {
	now := time.Now()
	f.State.End, f.State.Cause, f.State.Ended = how, cause, max(0, now.Sub(f.State.Started))
	return f.ended(now)
}

func (f *Follower) ended(at time.Time) *End {
	e := &End{How: f.State.End, State: &f.State, At: at}
	e.Err = f.Error(e)
	return e
}

// contextEnded judges by the context alone: what a poll failed with when it ended may be the
// context's error, its cause, or neither.
func (f *Follower) contextEnded(ctx context.Context) *End {
	how, ended := follow.Canceled, context.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		how, ended = follow.TimedOut, context.DeadlineExceeded
	}
	cause := context.Cause(ctx)
	if cause == ended { //nolint:errorlint // the very same error says nothing more
		cause = nil
	}
	return f.end(how, cause)
}

// Left returns how a wait ends whose ctx has ended while its job, which is in state s, is followed
// on for others. poll is when the poll in flight began; zero if there is none.
func (c *Config) Left(ctx context.Context, s *follow.State, poll time.Time) *End {
	f := Follower{Config: c, State: s.Report()}
	if !poll.IsZero() {
		f.State.Cut(late{time.Since(poll), ctx.Err()}, errors.Is(ctx.Err(), context.DeadlineExceeded))
	}
	return f.contextEnded(ctx)
}

// Dropped returns how a wait ends whose job, which is in state s, is no longer followed, because of
// cause.
func (c *Config) Dropped(cause error, s *follow.State) *End {
	f := Follower{Config: c, State: s.Report()}
	return f.end(follow.Abandoned, cause)
}
