package survival

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuard(t *testing.T) {
	t.Run("is between 30 and 300 call costs", func(t *testing.T) {
		for _, test := range []struct{ age, jobs, c, want float64 }{
			{0, 0, 1, 30},
			{15, 0, 1, 30},
			{60, 0, 1, 120},
			{150, 0, 1, 300},
			{1e6, 0, 1, 300},
			{60, 0, 0.1, 30},
			{1, 0, 10, 300},
			{0, 15, 1, 30},
			{0, 100, 1, 200},
			{60, 100, 1, 200},
			{120, 100, 1, 240},
			{0, 100, 0.1, 20},
			{0, 1000, 1, 300},
			{0, math.Inf(1), 1, 300},
		} {
			require.Equal(t, test.want, Guard(test.age, test.jobs, test.c), "%+v", test)
		}
	})

	// The chance that the next job ends where none of n did is 1/(n+1), by Laplace's rule.
	t.Run("costs at most a call where no job ended, on average", func(t *testing.T) {
		for n := 1.; n < 1e6; n *= 1.5 {
			require.LessOrEqual(t, Guard(0, n, 1)/2/(n+1), max(1, 15/(n+1)))
		}
	})

	t.Run("goes by the jobs of the type", func(t *testing.T) {
		var own, all Histogram
		for range 100 {
			all.Record(290, 291)
			own.Record(290, 291)
		}
		require.Equal(t, 200., Posterior(&own, nil, prior, 1).Plan(1).Guard(0))
		require.Equal(t, 30., Posterior(new(Histogram), &all, prior, 1).Plan(1).Guard(0))

		for range 1000 {
			own.Record(700, 710)
		}
		require.InEpsilon(t, 350+300/(1+jitter), Posterior(&own, nil, prior, 1).Plan(1).guarded(350), 1e-9)
	})
}
