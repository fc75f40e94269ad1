package waiter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
)

func TestALimiterThatFailsForAWhileIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("redis is down")
		start := time.Now()
		limiter := waiter.WithLimiter(limiterFunc(func(context.Context) error {
			if age := time.Since(start); age > 10*time.Second && age < time.Minute || age > limit {
				return down
			}
			return nil
		}))
		require.NoError(t, wait(withDeadline(t), t, newWaiter(t, timeline(2*time.Minute, 0), limiter)).err)

		start = time.Now().Add(-time.Hour) // now it stays down
		s := answers(job("running"))
		err := wait(withDeadline(t), t, newWaiter(t, s, limiter)).err
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "last failure: the limiter refuses: redis is down")
		require.NotErrorIs(t, err, down)
		require.Empty(t, s.polls)
		require.ErrorIs(t, wait(t.Context(), t, newWaiter(t, s, limiter)).err, down, "without a deadline")
	})
}

func TestALimiterThatRefusesIsAskedAgainEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var asked []float64
		limiter := limiterFunc(func(context.Context) error {
			if asked = append(asked, time.Since(start).Seconds()); len(asked) < 4 {
				return errors.New("redis is down")
			}
			return nil
		})
		require.NoError(t, wait(withDeadline(t), t, newWaiter(t, answers(job("success")), waiter.WithLimiter(limiter))).err)
		require.Equal(t, []float64{0, 5, 10, 15}, asked)
	})
}

func TestRefusalsDoNotUseUpTheFailureSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got := wait(withDeadline(t), t, newWaiter(t, answers(job("running")),
			waiter.WithLimiter(rate.NewLimiter(rate.Every(time.Hour), 1)), waiter.WithFailureBackOff(func() backoff.BackOff {
				return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 3)
			})))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.Equal(t, limit, time.Since(start))
	})
}

// The limiter lets the poll pass that was to come before the last look once it is
// time for that look: one poll, not two.
func TestAPollThatALimiterHeldBackMayBeTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running"))
		asked := 0
		got := wait(withDeadline(t), t, newWaiter(t, s, waiter.WithBackOff(constant(limit-time.Second)),
			waiter.WithLimiter(limiterFunc(func(context.Context) error {
				if asked++; asked == 2 {
					time.Sleep(950 * time.Millisecond)
				}
				return nil
			}))))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.Equal(t, seconds(0, limit.Seconds()-0.05), s.polls)
	})
}
