package schedule

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// spend takes every call that there is for this long, and returns how many there were.
func spend(b *budget, from time.Time, d time.Duration) (n int) {
	for now := from; ; {
		b.recover(now)
		wait := b.take(now)
		if wait == 0 {
			n++
		}
		if now = now.Add(wait); now.After(from.Add(d)) {
			return n
		}
	}
}

func TestBudget(t *testing.T) {
	start := time.Unix(1e9, 0)

	t.Run("is the configured rate after a burst", func(t *testing.T) {
		b := newBudget(8, 5)
		require.InDelta(t, 5+8*10, spend(&b, start, 10*time.Second), 1)
	})

	t.Run("has a call when it said so, and none before", func(t *testing.T) {
		for _, limit := range []rate.Limit{0.001, 0.3, 1, 7, 999, 1e5} {
			b := newBudget(limit, 1)
			now := start
			require.Zero(t, b.take(now))
			for range 100 {
				wait := b.take(now)
				require.Positive(t, wait)
				require.InEpsilon(t, 1/float64(limit), wait.Seconds(), 0.01)
				require.Positive(t, b.take(now.Add(wait*9/10)))
				now = now.Add(wait)
				require.Zero(t, b.take(now), "%v a second", limit)
			}
		}
	})

	t.Run("has no second call for centuries at the least rate", func(t *testing.T) {
		for _, limit := range []rate.Limit{1e-9, 1e-11, 1e-300, math.SmallestNonzeroFloat64} {
			b := newBudget(limit, 1)
			require.Zero(t, b.take(start))
			require.Greater(t, b.take(start), 10*365*24*time.Hour, "%v a second", limit)
		}
	})

	t.Run("falls to 0.7 at once and loses its burst", func(t *testing.T) {
		b := newBudget(100, 50)
		require.Zero(t, b.take(start))
		b.throttled(start, b.cuts)
		require.InDelta(t, 70, float64(b.limiter.Limit()), 1e-9)
		require.Positive(t, b.take(start))
	})

	t.Run("falls once for all polls that were in flight", func(t *testing.T) {
		b := newBudget(100, 1)
		cuts := b.cuts
		for range 30 {
			b.throttled(start, cuts)
		}
		require.InDelta(t, 70, float64(b.limiter.Limit()), 1e-9)
		b.throttled(start, b.cuts) // began after that
		require.InDelta(t, 49, float64(b.limiter.Limit()), 1e-9)
	})

	t.Run("recovers by three percent a second, and never above the configured rate", func(t *testing.T) {
		b := newBudget(100, 1)
		b.throttled(start, b.cuts)
		for ms := range 20_000 {
			b.recover(start.Add(time.Duration(ms) * time.Millisecond))
			want := min(100, 70*math.Pow(1.03, float64(ms)/1000))
			require.InEpsilon(t, want, float64(b.limiter.Limit()), 1e-6)
		}
		require.Equal(t, rate.Limit(100), b.limiter.Limit())
	})

	t.Run("is cut no further than one poll a second, or the configured rate if that is lower", func(t *testing.T) {
		for _, limit := range []rate.Limit{100, 1, 0.2} {
			b := newBudget(limit, 1)
			for range 100 {
				b.throttled(start, b.cuts)
			}
			require.Equal(t, min(1, limit), b.limiter.Limit())
		}
	})

	t.Run("that was not configured begins at the rate that was throttled, and ends without limit", func(t *testing.T) {
		b := newBudget(rate.Inf, 1)
		require.False(t, b.limited())
		now := start
		for range 10_000 {
			now = now.Add(10 * time.Millisecond)
			require.Zero(t, b.take(now))
			require.Zero(t, b.take(now))
		}
		b.throttled(now, b.cuts)
		require.InEpsilon(t, 0.7*200, float64(b.limiter.Limit()), 0.02)
		require.True(t, b.limited())
		b.recover(now.Add(24 * time.Hour))
		require.False(t, b.limited())
	})
}
