package optimum

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/internal/survival"
)

// The library's own plan, told the true law, is the same optimum, but for its coarser
// grid: two programmes that share nothing find it.
func TestTheLibraryFindsTheSameOptimum(t *testing.T) {
	for _, l := range jobs.Laws() {
		list := l.Spread(10_000, seeded())
		ages := coarseAges(l)
		told := survival.FromSurvival(ages, func(age float64) float64 { return math.Log(l.Survival(age)) })
		for _, callCost := range []float64{0.3, 1, 3} {
			cost := func(polls []float64) float64 {
				p := Measure(polls, list)
				return callCost*(p.Calls-1) + p.Delay
			}
			mine, _ := Plan(l, callCost)
			var theirs []float64
			for plan, age := told.Plan(callCost), 0.0; age < ages[len(ages)-1]; {
				age = plan.Next(age)
				theirs = append(theirs, age)
			}
			t.Logf("%-45s c = %3v: %.4f, the library %.4f", l.Name, callCost, cost(mine), cost(theirs))
			require.InEpsilon(t, cost(mine), cost(theirs), 0.015, "%s, c = %v", l.Name, callCost)
		}
	}
}
