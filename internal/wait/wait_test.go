package wait

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func replies(s status.Status) poller.Func {
	return func(context.Context, string) (poller.Reply, error) {
		return poller.Reply{Job: status.Job{Status: s}}, nil
	}
}

func begin(t *testing.T, c *Config) *Follower {
	t.Helper()
	c.Error = func(e *End) error { return e.State.Cause }
	f, err := New(c)
	require.NoError(t, err)
	require.NoError(t, f.Begin(status.Job{ID: "a"}))
	return f
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := Defaults(replies("running"))
		f := begin(t, &c)
		f.Gate = make(chan struct{}, 1)
		f.Gate <- struct{}{} // another poll is in flight, and stays so
		f.Deadline = start.Add(time.Minute)
		_, end := f.Poll(t.Context())
		require.Nil(t, end)
		require.Equal(t, time.Minute-100*time.Millisecond, time.Since(start), "a last look does not queue")
		require.Len(t, f.Gate, 1, "the place of the other poll is still taken")
		<-f.Gate
		_, end = f.Poll(t.Context())
		require.Nil(t, end)
		require.Empty(t, f.Gate, "a place is given back")
	})
}

func TestSchedule(t *testing.T) {
	made := [2]int{}
	c := Defaults(replies("running"))
	for which := range c.Schedules {
		c.Schedules[which] = func() backoff.BackOff { made[which]++; return backoff.NewConstantBackOff(time.Second) }
	}
	f := begin(t, &c)
	_, end := f.Poll(t.Context())
	require.Nil(t, end)
	require.Equal(t, [2]int{follow.Progress: 1}, made, "no failure yet")
	c.Poller = poller.Func(func(context.Context, string) (poller.Reply, error) { return poller.Reply{}, errors.New("reset") })
	for range 2 {
		_, end = f.Poll(t.Context())
		require.Nil(t, end)
	}
	require.Equal(t, [2]int{follow.Progress: 1, follow.Failure: 1}, made)

	c.Schedules[follow.Failure] = func() backoff.BackOff { return nil }
	f = begin(t, &c)
	_, end = f.Poll(t.Context())
	require.Equal(t, follow.Unusable, end.How)
	require.ErrorContains(t, end.Err, "WithFailureBackOff: the function returned no BackOff")
}

// A wait that is stored after each poll backs off like one that is not, by a schedule that learns
// too: while it knows nothing, and with a job that takes far longer than those it knows.
func TestStartReplays(t *testing.T) {
	for name, taught := range map[string]int{"nothing learned": 0, "taught by short jobs": 30} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				history, err := pace.NewHistory()
				require.NoError(t, err)
				c := Defaults(nil)
				c.Schedules[follow.Progress] = history.BackOff
				for range taught {
					begun := time.Now()
					c.Poller = poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
						if time.Since(begun) >= 5*time.Second {
							return replies("success")(ctx, id)
						}
						return replies("running")(ctx, id)
					})
					require.NoError(t, begin(t, &c).Wait(t.Context()))
				}
				_, _, jobs := history.Typical("")
				require.Equal(t, taught, jobs)

				c.Poller = replies("running")
				state := begin(t, &c).State
				for state.Polls < 60 {
					f := begin(t, &c)
					f.State = state
					f.Start()
					delay, end := f.Poll(t.Context())
					require.Nil(t, end)
					f.Abandon()
					state = f.State
					time.Sleep(delay)
				}
				require.Greater(t, time.Since(state.Started), 5*time.Minute, "60 polls came too close together")
			})
		})
	}
}

func TestLate(t *testing.T) {
	cause := errors.New("connection reset")
	err := error(late{1500 * time.Millisecond, cause})
	require.EqualError(t, err, "no response within 1.5s: connection reset")
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, "timeout", poller.Kind(err))
}

func TestHooks(t *testing.T) {
	var order []string
	type key struct{}
	hooks := func(name string) Hooks {
		note := func(ctx context.Context, what string) context.Context {
			order = append(order, name+" "+what)
			return context.WithValue(ctx, key{}, name)
		}
		return Hooks{
			WaitStart: func(ctx context.Context, _ *Follower) context.Context { return note(ctx, "wait start") },
			PollStart: func(ctx context.Context, _ *Follower) context.Context { return note(ctx, "poll start") },
			PollEnd:   func(ctx context.Context, p *Polled) { require.Equal(t, "b", ctx.Value(key{})); note(ctx, "poll end") },
			WaitEnd:   func(ctx context.Context, _ *End) { require.Equal(t, "b", ctx.Value(key{})); note(ctx, "wait end") },
		}
	}
	c := Defaults(replies("success"))
	none := func(context.Context, *Follower) context.Context { return nil }
	c.Hooks = []Hooks{hooks("a"), {}, hooks("b"), {WaitStart: none, PollStart: none}}
	c.Callbacks = []func(status.Transition){func(status.Transition) { order = append(order, "callback") }}
	require.NoError(t, begin(t, &c).Wait(t.Context()))
	require.Equal(t, slices.Concat(
		[]string{"a wait start", "b wait start", "a poll start", "b poll start", "a poll end", "b poll end"},
		[]string{"callback", "a wait end", "b wait end"},
	), order)
}
