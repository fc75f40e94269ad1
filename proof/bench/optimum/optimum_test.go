package optimum

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestPlan(t *testing.T) {
	// The best interval D for a constant hazard h is given by exp(hD) - 1 - hD = hc.
	t.Run("for an exponential distribution is its closed form", func(t *testing.T) {
		const scale = 60
		d := jobs.Distribution{Parts: []jobs.Part{{Weight: 1, Shape: jobs.Weibull{Scale: scale, Power: 1}}}}
		for _, callCost := range []float64{0.01, 0.3, 1, 3, 100} {
			low, high := 0.0, 100.0 // hD
			for range 100 {
				if middle := (low + high) / 2; math.Expm1(middle)-middle < callCost/scale {
					low = middle
				} else {
					high = middle
				}
			}
			interval := low * scale
			want := (callCost+interval)/-math.Expm1(-low) - scale
			polls, cost := Plan(d, callCost)
			require.InEpsilon(t, want, cost, 2e-3, "c = %v", callCost)
			require.InEpsilon(t, interval, polls[1]-polls[0], 0.15, "c = %v", callCost)
		}
	})

	// On a grid of twelve ages, all 2^10 schedules can be tried.
	t.Run("is the best of all schedules", func(t *testing.T) {
		r := seeded()
		for range 50 {
			g := grid{age: []float64{0}, survival: []float64{1}, alive: []float64{0}}
			for i := range 11 {
				age, alive := g.age[i]+r.ExpFloat64(), g.survival[i]*r.Float64()
				g.alive = append(g.alive, g.alive[i]+(age-g.age[i])*(g.survival[i]+alive)/2)
				g.age, g.survival = append(g.age, age), append(g.survival, alive)
			}
			callCost := r.ExpFloat64()
			least := math.Inf(1)
			for set := range 1 << 10 {
				cost, from := 0.0, 0
				for to := 1; to <= 11; to++ {
					if to < 11 && set>>(to-1)&1 == 0 {
						continue
					}
					// The delays of those that end in between are the area above the curve.
					delays := (g.age[to]-g.age[from])*g.survival[from] - (g.alive[to] - g.alive[from])
					cost += callCost*g.survival[from] + delays
					from = to
				}
				least = min(least, cost)
			}
			_, cost := g.plan(callCost)
			require.InEpsilon(t, least, cost, 1e-12)
		}
	})

	t.Run("costs what it says", func(t *testing.T) {
		for _, d := range jobs.Distributions() {
			list := d.Spread(10_000, seeded())
			for _, callCost := range []float64{0.3, 3} {
				polls, cost := Plan(d, callCost)
				p := Measure(polls, list)
				require.InEpsilon(t, cost, callCost*(p.Calls-1)+p.Delay, 0.01, "%s, c = %v", d.Name, callCost)
			}
		}
	})

	t.Run("costs no more than any fixed interval", func(t *testing.T) {
		for _, d := range jobs.Distributions() {
			list := d.Spread(10_000, seeded())
			_, least := Plan(d, 1)
			for interval := 0.5; interval < 300; interval *= 1.2 {
				p := Measure([]float64{interval}, list)
				require.Greater(t, p.Calls-1+p.Delay, 0.99*least, "%s, every %v s", d.Name, interval)
			}
		}
	})
}
