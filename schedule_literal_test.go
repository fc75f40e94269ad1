package waiter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
)

// backoff.ExponentialBackOff has no useful zero value: without a Clock it panics, and without a
// Multiplier, or a Stop beside MaxElapsedTime, it polls without a pause.
func TestAnExponentialBackOffWithoutItsFieldsIsRefused(t *testing.T) {
	literal := func(edit func(*backoff.ExponentialBackOff)) func() backoff.BackOff {
		return func() backoff.BackOff {
			b := &backoff.ExponentialBackOff{
				InitialInterval: time.Second, Multiplier: 1.5, MaxInterval: 10 * time.Second,
				MaxElapsedTime: 20 * time.Second, Stop: backoff.Stop, Clock: backoff.SystemClock,
			}
			edit(b)
			return b
		}
	}
	broken := map[string]func() backoff.BackOff{
		"its Clock is nil":                           literal(func(b *backoff.ExponentialBackOff) { b.Clock = nil }),
		"its Multiplier is 0":                        literal(func(b *backoff.ExponentialBackOff) { b.Multiplier = 0 }),
		"its Multiplier is 0.5":                      literal(func(b *backoff.ExponentialBackOff) { b.Multiplier = 0.5 }),
		"its Stop is 0s, not backoff.Stop":           literal(func(b *backoff.ExponentialBackOff) { b.Stop = 0 }),
		"its InitialInterval is 0s":                  literal(func(b *backoff.ExponentialBackOff) { b.InitialInterval = 0 }),
		"its MaxInterval is 0s":                      literal(func(b *backoff.ExponentialBackOff) { b.MaxInterval = 0 }),
		"its RandomizationFactor is 1.5":             literal(func(b *backoff.ExponentialBackOff) { b.RandomizationFactor = 1.5 }),
		"its RandomizationFactor is -0.5":            literal(func(b *backoff.ExponentialBackOff) { b.RandomizationFactor = -0.5 }),
		"WithBackOff: backoff.ExponentialBackOff: i": func() backoff.BackOff { return &backoff.ExponentialBackOff{} },
	}
	for want, f := range broken {
		t.Run(want, func(t *testing.T) {
			s := responses(job("running"))
			_, err := newWaiter(t, s, waiter.WithBackOff(f)).Wait(t.Context(), id)
			require.ErrorContains(t, err, "waiter: WithBackOff: backoff.ExponentialBackOff: ")
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, ": use backoff.NewExponentialBackOff")
			require.NotErrorIs(t, err, waiter.ErrUnfinished)
			require.Empty(t, s.polls)
		})
	}
	t.Run("for failures too", func(t *testing.T) {
		s := responses(httpError(503))
		_, err := newWaiter(t, s, waiter.WithFailureBackOff(broken["its Clock is nil"])).Wait(t.Context(), id)
		require.ErrorContains(t, err, "WithFailureBackOff: backoff.ExponentialBackOff: its Clock is nil")
		require.Equal(t, "usage", waiter.Outcome(err))
		require.Len(t, s.polls, 1, "it is made when it is first needed")
	})
	t.Run("one that has them polls, and stops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := responses(job("running"))
			_, err := newWaiter(t, s, waiter.WithBackOff(literal(func(*backoff.ExponentialBackOff) {}))).Wait(t.Context(), id)
			require.ErrorContains(t, err, "backoff.Stop")
			require.Equal(t, seconds(0, 1, 2.5, 4.75, 8.125, 13.1875), s.polls)
		})
	})
}
