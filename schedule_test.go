package waiter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// counting is 1 s, 2 s, 3 s, ... from its last reset.
type counting struct{ n int }

func (c *counting) Reset() { c.n = 0 }
func (c *counting) NextBackOff() time.Duration {
	c.n++
	return time.Duration(c.n) * time.Second
}

func byCounting() backoff.BackOff { return &counting{} }

func constant(d time.Duration) func() backoff.BackOff {
	return func() backoff.BackOff { return backoff.NewConstantBackOff(d) }
}

func seconds(list ...float64) []time.Duration {
	var ds []time.Duration
	for _, s := range list {
		ds = append(ds, time.Duration(s*float64(time.Second)))
	}
	return ds
}

func retryAfter(s status.Status, d time.Duration) poller.Reply {
	return poller.Reply{Job: job(s), RetryAfter: d}
}

func TestWhenItPolls(t *testing.T) {
	throttled := &poller.Error{StatusCode: 429, RetryAfter: 7 * time.Second}
	tests := map[string]struct {
		answers []any
		want    []time.Duration
	}{
		"the first at once, the others by the schedule": {
			[]any{job("running"), job("running"), job("running"), job("success")},
			seconds(0, 1, 3, 6),
		},
		"a new status resets the schedule, of a sub-job too": {
			[]any{job("waiting"), job("waiting"), job("running"), job("running"), job("running", sub("a", "running")), job("success")},
			seconds(0, 1, 3, 4, 6, 7),
		},
		"going back and forth does not": {
			[]any{job("waiting"), job("running"), job("waiting"), job("running"), job("waiting"), job("success")},
			seconds(0, 1, 2, 4, 7, 11),
		},
		"failures have a schedule of their own, which a good answer resets": {
			[]any{job("running"), httpError(503), httpError(503), job("running"), httpError(503), job("success")},
			seconds(0, 1, 2, 4, 6, 7),
		},
		"Retry-After is a lower bound, on good answers too": {
			[]any{retryAfter("running", 5*time.Second), retryAfter("running", time.Second), throttled, job("success")},
			seconds(0, 5, 7, 14),
		},
		"throttled: no faster than before": {
			[]any{job("running"), job("running"), job("running"), job("running"), httpError(429), httpError(503), httpError(429), httpError(429), job("success")},
			seconds(0, 1, 3, 6, 10, 14, 16, 20, 24),
		},
		"Retry-After is capped": {
			[]any{retryAfter("running", time.Hour), &poller.Error{StatusCode: 503, RetryAfter: time.Hour}, job("success")},
			seconds(0, 120, 240),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				s := answers(test.answers...)
				got := v(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(byCounting), waiter.WithFailureBackOff(byCounting)))
				require.NoError(t, got.err)
				require.Equal(t, test.want, s.polls)
			})
		})
	}
}

func TestTheDefaultScheduleStillPollsAtItsCapAfterTwoDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := timeline(48*time.Hour, 0)
		require.NoError(t, wait(t.Context(), t, newWaiter(t, s)).err)
		last := s.polls[len(s.polls)-100:]
		for i := range last[1:] {
			gap := last[i+1] - last[i]
			require.True(t, 12*time.Second <= gap && gap <= 18*time.Second, gap)
		}
	})
}

func TestAFlappingReplicaDoesNotSpeedPollingUp(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := &service{answer: func(n int, age time.Duration) (poller.Reply, error) {
			if age > time.Hour {
				return poller.Reply{Job: job("success")}, nil
			}
			return poller.Reply{Job: job([]status.Status{"waiting", "running"}[n%2])}, nil
		}}
		require.NoError(t, v(t.Context(), t, newWaiter(t, s)).err)
		require.Less(t, len(s.polls), 300, "an hour at 15 s is 240 polls")
	})
}

func TestAnOutageOfAnHourIsSurvived(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := &service{answer: func(_ int, age time.Duration) (poller.Reply, error) {
			if age < time.Hour {
				return poller.Reply{}, httpError(503)
			}
			return poller.Reply{Job: job("success")}, nil
		}}
		require.NoError(t, v(t.Context(), t, newWaiter(t, s)).err)
		require.Less(t, len(s.polls), 260, "an hour at 15 to 45 s")
		require.Greater(t, len(s.polls), 80)
	})
}

func TestStopEndsTheWait(t *testing.T) {
	stop := func() backoff.BackOff { return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2) }
	each(t, func(t *testing.T, v verb) {
		s := answers(job("running"))
		got := v(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(stop)))
		require.ErrorIs(t, got.err, waiter.ErrUnfinished)
		require.ErrorContains(t, got.err, "backoff.Stop")
		require.Equal(t, seconds(0, 1, 2), s.polls)

		s = answers(httpError(500))
		got = v(t.Context(), t, newWaiter(t, s, waiter.WithFailureBackOff(stop)))
		require.ErrorIs(t, got.err, waiter.ErrUnfinished)
		require.Equal(t, seconds(0, 1, 2), s.polls)
	})
}

func TestAHangingPollIsCutAndIsAFailure(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		n := 0
		hang := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			if n++; n == 2 {
				<-ctx.Done()
				return poller.Reply{}, context.Canceled // an SDK may say what it likes
			}
			return poller.Reply{Job: job([]status.Status{"running", "", "success"}[n-1])}, nil
		})
		start := time.Now()
		var failure error
		trace := &waiter.Trace{PollEnd: func(_ context.Context, _ poller.Reply, err error) {
			if err != nil {
				failure = err
			}
		}}
		got := v(t.Context(), t, newWaiter(t, hang, waiter.WithPollTimeout(20*time.Second), waiter.WithTrace(trace),
			waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(time.Second))))
		require.NoError(t, got.err)
		require.ErrorIs(t, failure, context.Canceled)
		require.Equal(t, 22*time.Second, time.Since(start))
	})
}

func TestTheLimiterIsAskedBeforeEachPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running"), job("running"), job("success"))
		w := newWaiter(t, s, waiter.WithLimiter(limiterFunc(func(context.Context) error {
			time.Sleep(30 * time.Second) // longer than a poll's timeout
			return nil
		})), waiter.WithBackOff(constant(time.Second)))
		require.NoError(t, wait(t.Context(), t, w).err)
		require.Equal(t, seconds(0, 31, 62), s.polls)
	})
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }
