package pace_test

import (
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
)

func TestExponential(t *testing.T) {
	t.Run("stays within its bounds and never stops", func(t *testing.T) {
		schedule := pace.Exponential()
		middle := time.Second
		for n := range 20_000 {
			next := schedule.NextBackOff()
			require.NotEqual(t, backoff.Stop, next, "poll %d", n)
			require.InDelta(t, middle, next, 0.2*float64(middle)+1, "poll %d", n)
			middle = min(middle*5/4, 15*time.Second)
		}
	})

	t.Run("is a new schedule for each wait", func(t *testing.T) {
		one, other := pace.Exponential(), pace.Exponential()
		for range 50 {
			one.NextBackOff()
		}
		require.Less(t, other.NextBackOff(), 2*time.Second)
	})
}
