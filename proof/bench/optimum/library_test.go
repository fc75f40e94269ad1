package optimum

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/survival"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

func TestLibrary(t *testing.T) {
	// Two programs that share nothing find the same optimum for the true distribution, within
	// the error of the library's coarser grid.
	t.Run("finds the same optimum", func(t *testing.T) {
		for _, d := range jobs.Distributions() {
			list := d.Spread(10_000, seeded())
			ages := coarseAges(d)
			known := survival.FromSurvival(ages, func(age float64) float64 { return math.Log(d.Survival(age)) })
			for _, callCost := range []float64{0.3, 1, 3} {
				cost := func(polls []float64) float64 {
					p := Measure(polls, list)
					return callCost*(p.Calls-1) + p.Delay
				}
				mine, _ := Plan(d, callCost)
				var theirs []float64
				for plan, age := known.Plan(callCost), 0.0; age < ages[len(ages)-1]; {
					age = plan.Next(age)
					theirs = append(theirs, age)
				}
				t.Logf("%-45s c = %3v: %.4f, the library %.4f", d.Name, callCost, cost(mine), cost(theirs))
				require.InEpsilon(t, cost(mine), cost(theirs), 0.015, "%s, c = %v", d.Name, callCost)
			}
		}
	})
}
