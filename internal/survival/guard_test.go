package survival

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuard(t *testing.T) {
	t.Run("is between 30 and 300 call costs, and grows with the age and with the jobs", func(t *testing.T) {
		for _, test := range []struct{ age, jobs, want float64 }{ // in call costs
			{15, 15, 30},
			{60, 15, 120},
			{1e6, 0, 300},
			{15, 100, 200},
			{120, 100, 240},
			{0, math.Inf(1), 300},
		} {
			for _, c := range []float64{0.01, 1, 60} {
				require.InEpsilon(t, test.want*c, Guard(test.age*c, test.jobs, c), 1e-12, "%+v at %v", test, c)
			}
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
