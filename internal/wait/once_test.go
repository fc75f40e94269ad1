package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// until polls until its context ends, and fails with what makes of that.
func until(makes func(context.Context) error) poller.Func {
	return func(ctx context.Context, _ string) (poller.Reply, error) {
		<-ctx.Done()
		return poller.Reply{}, makes(ctx)
	}
}

func TestOnce(t *testing.T) {
	rejected := func(context.Context) error { return &poller.Error{StatusCode: 401} }
	for name, makes := range map[string]func(context.Context) error{"its error": context.Context.Err, "a rejection": rejected} {
		t.Run("a poll that the deadline cuts has failed, by "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := Defaults(until(makes))
				c.Schedules[follow.Progress] = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Hour) }
				c.Schedules[follow.Failure] = func() backoff.BackOff { return backoff.NewConstantBackOff(7 * time.Second) }
				f := begin(t, &c)
				f.Once = true
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				delay, end := f.Poll(ctx)
				require.Nil(t, end)
				require.Equal(t, 7*time.Second, delay)
				require.Equal(t, map[string]int{"timeout": 1}, f.State.Failures)
			})
		})
	}
	t.Run("a poll that is canceled has not", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := Defaults(until(context.Context.Err))
			f := begin(t, &c)
			f.Once = true
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, end := f.Poll(ctx)
			require.Equal(t, follow.Canceled, end.How)
			require.Empty(t, f.State.Failures)
		})
	})
	t.Run("a BackOff that stops with the context is no end", func(t *testing.T) {
		for _, once := range []bool{true, false} {
			ctx, cancel := context.WithCancel(t.Context())
			c := Defaults(poller.Func(func(context.Context, string) (poller.Reply, error) {
				cancel()
				return poller.Reply{Job: job("running")}, nil
			}))
			c.Schedules[follow.Progress] = func() backoff.BackOff {
				return backoff.WithContext(backoff.NewConstantBackOff(time.Second), ctx)
			}
			f := begin(t, &c)
			f.Once = once
			delay, end := f.Poll(ctx)
			if once {
				require.Nil(t, end)
				require.Zero(t, delay)
			} else {
				require.Equal(t, follow.Canceled, end.How)
			}
		}
	})
}

func TestDetection(t *testing.T) {
	at := time.Date(2023, 7, 26, 9, 34, 40, 0, time.UTC)
	for name, test := range map[string]struct {
		status status.Status
		served time.Time
		want   time.Duration
	}{
		"of an end that is past":     {"success", at.Add(3 * time.Second), 3 * time.Second},
		"of a failure":               {"failed", at.Add(3 * time.Second), 3 * time.Second},
		"of an end that is to come":  {"success", at.Add(-3 * time.Second), 0},
		"without the service's time": {"success", time.Time{}, 0},
		"of a job that goes on":      {"running", at.Add(3 * time.Second), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var ended *End
			j := job(test.status)
			j.EndTime = "2023-07-26 09:34:40"
			c := Defaults(script(poller.Reply{Job: j, ServerTime: test.served}))
			c.Schedules[follow.Progress] = func() backoff.BackOff { return &backoff.StopBackOff{} }
			c.Hooks = []Hooks{{WaitEnd: func(_ context.Context, e *End) { ended = e }}}
			_ = begin(t, &c).Wait(t.Context())
			require.Equal(t, test.want, ended.Detection)
		})
	}
}

func TestAbandoned(t *testing.T) {
	var seen []*End
	j := job("success")
	j.EndTime = "2023-07-26 09:34:40"
	c := Defaults(script(poller.Reply{Job: j, ServerTime: time.Date(2023, 7, 26, 9, 34, 47, 0, time.UTC)}))
	c.Hooks = []Hooks{{WaitEnd: func(_ context.Context, e *End) { seen = append(seen, e) }}}
	f := begin(t, &c)
	f.Yield = func(status.Transition) bool { return false }
	require.ErrorIs(t, f.Wait(t.Context()), errStopped)
	f = begin(t, &c)
	f.Yield = func(status.Transition) bool { panic("at the caller") }
	require.PanicsWithValue(t, "at the caller", func() { _ = f.Wait(t.Context()) })
	for i, want := range []error{errStopped, errPanicked} {
		require.Equal(t, follow.Abandoned, seen[i].How)
		require.ErrorIs(t, seen[i].Err, want)
		require.Equal(t, 7*time.Second, seen[i].Detection, "the poll did show the end")
	}
}

func TestGateLeavesWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Defaults(replies("running"))
		f := begin(t, &c)
		f.Gate = make(chan struct{}) // no poll ever ends
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		start := time.Now()
		_, end := f.Poll(ctx)
		require.Equal(t, follow.Canceled, end.How)
		require.ErrorIs(t, end.Err, cause)
		require.Equal(t, time.Minute, time.Since(start))
		require.Zero(t, f.State.Polls)
	})
}
