package survival

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomDistribution returns a distribution with any number of humps, gaps and cliffs.
func randomDistribution(r *rand.Rand) Distribution {
	d := Distribution{edges: []float64{0}}
	for range 5 + r.IntN(60) {
		d.edges = append(d.edges, d.edges[len(d.edges)-1]+math.Exp(4*r.Float64()-2))
		d.hazard = append(d.hazard, math.Exp(9*r.Float64()-8))
	}
	d.hazard = append(d.hazard, math.Exp(4*r.Float64()-4))
	return d
}

// solveByTrying tries every next poll from every point, in O(n^2). It uses the survival function
// itself, and sums of its own.
func solveByTrying(g grid, c float64) (next []int, value []float64) {
	n := len(g.ages) - 1
	survival := make([]float64, n+1)
	left := make([]float64, n+1) // the integral of survival from here on
	survival[0] = 1
	for i := range n {
		survival[i+1] = survival[i] * math.Exp(-g.hazard[i]*(g.ages[i+1]-g.ages[i]))
	}
	left[n] = survival[n] / g.hazard[n]
	for i := n - 1; i >= 0; i-- {
		left[i] = left[i+1] + (survival[i]-survival[i+1])/g.hazard[i]
	}
	next, value = make([]int, n+1), make([]float64, n+1)
	h := g.hazard[n]
	d := math.Sqrt(2 * c / h)
	value[n] = (c+d)/(1-math.Exp(-h*d)) - 1/h
	for i := n - 1; i >= 0; i-- {
		value[i] = math.Inf(1)
		for j := i + 1; j <= n; j++ {
			v := c + g.ages[j] - g.ages[i] - left[i]/survival[i] + survival[j]/survival[i]*(left[j]/survival[j]+value[j])
			if v < value[i] {
				next[i], value[i] = j, v
			}
		}
	}
	return next, value
}

// barlowHunterProschan returns the best schedule by the recursion
//
//	x[k+1] - x[k] = (F(x[k]) - F(x[k-1])) / f(x[k]) - c
//
// of J. SIAM 11 (1963), for log-concave densities only. It is unstable: if the first poll is too
// early, an interval becomes negative in the end; if it is too late, the intervals grow.
func barlowHunterProschan(model model, density func(float64) float64, c, end float64) []float64 {
	from := func(x float64) (list []float64, late bool) {
		before, step := 0., x
		for x < end {
			list = append(list, x)
			then := (model.survival(before)-model.survival(x))/density(x) - c
			if then <= 0 {
				return list, false
			}
			if len(list) > 1 && then > step {
				return list, true
			}
			before, step = x, then
			x += then
		}
		return list, true
	}
	lo, hi := 0., model.quantile(1e-6)
	for range 200 {
		mid := (lo + hi) / 2
		if _, late := from(mid); late {
			hi = mid
		} else {
			lo = mid
		}
	}
	list, _ := from(hi)
	return list
}

func TestPlan(t *testing.T) {
	// The ages that hardly any job reaches, where the prior polls every 15 s, took all points of the
	// grid, and the interval at two hours was that of two points.
	t.Run("of jobs of hours is fine where they end", func(t *testing.T) {
		var d Distribution
		for _, age := range edges[:Buckets] {
			hazard := 1. / 7200
			if age > 40_000 {
				hazard = prior.hazard(age, 1)
			}
			d.edges, d.hazard = append(d.edges, age), append(d.hazard, hazard)
		}
		p := d.Plan(1)
		for _, age := range []float64{600, 2400, 7200, 14_400} {
			require.InEpsilon(t, 120, p.Next(age)-age, 0.25, "at %v s", age)
		}
	})

	t.Run("is the best of all schedules on its grid", func(t *testing.T) {
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 0))
			d, c := randomDistribution(r), math.Exp(6*r.Float64()-3)
			g := d.grid(c)
			want, value := solveByTrying(g, c)
			next, least := g.solve(c)
			for i := range len(next) - 1 {
				require.EqualValues(t, want[i], next[i], "seed %d, point %d of %d", seed, i, len(next))
			}
			require.InEpsilon(t, value[0], least, 1e-9, "seed %d", seed)
		}
	})

	t.Run("for the exponential distribution is its closed form", func(t *testing.T) {
		for _, c := range []float64{0.1, 1, 10} {
			for _, mean := range []float64{3, 60, 3000} {
				h := 1 / mean
				d, upper := 0., mean+10*c
				for range 100 { // exp(hD) - 1 - hD = hc
					if mid := (d + upper) / 2; math.Expm1(h*mid)-h*mid < h*c {
						d = mid
					} else {
						upper = mid
					}
				}
				ages := make([]float64, 4000)
				for i := range ages {
					ages[i] = d * float64(i) / 100
				}
				p := FromSurvival(ages, func(age float64) float64 { return -h * age }).Plan(c)
				for _, age := range []float64{0, d / 3, d, 20 * d} {
					require.InEpsilon(t, d, p.Next(age)-age, 0.011, "c %v, mean %v, age %v", c, mean, age)
				}
				periodic := exponential(mean).cost(c, func(age float64) float64 { return age + d })
				require.InEpsilon(t, periodic, exponential(mean).cost(c, p.Next), 1e-4)
				require.InEpsilon(t, (c+d)/-math.Expm1(-h*d)-mean, periodic, 1e-4)
			}
		}
	})

	t.Run("agrees with Barlow, Hunter and Proschan", func(t *testing.T) {
		for _, test := range []struct {
			model   model
			density func(float64) float64
		}{
			{normal(60, 10), func(t float64) float64 { return math.Exp(-(t-60)*(t-60)/200) / math.Sqrt(200*math.Pi) }},
			{weibull(60, 2), func(t float64) float64 { return t / 1800 * math.Exp(-t*t/3600) }},
		} {
			for _, c := range []float64{0.3, 1, 3} {
				list := barlowHunterProschan(test.model, test.density, c, test.model.quantile(1e-10))
				require.Greater(t, len(list), 5)
				p := test.model.distribution(20000).Plan(c)
				age := 0.
				for i, want := range list {
					if test.model.survival(age) < 1e-4 {
						break // hardly any job gets there, and the recursion's errors have grown
					}
					age = p.Next(age)
					require.InDelta(t, want, age, 0.1, "%s, c %v: poll %d", test.model.name, c, i)
				}
				k := 0
				theirs := test.model.cost(c, func(age float64) float64 {
					if k++; k > len(list) {
						return age + c
					}
					return list[k-1]
				})
				require.InEpsilon(t, theirs, test.model.cost(c, p.Next), 1e-4, "%s, c %v", test.model.name, c)
			}
		}
	})

	t.Run("polls later than now and within the guard", func(t *testing.T) {
		for seed := range uint64(300) {
			r := rand.New(rand.NewPCG(seed, 1))
			d, c := randomDistribution(r), math.Exp(6*r.Float64()-3)
			d.Jobs = 200 * r.Float64()
			p := d.Plan(c)
			for range 200 {
				age := d.edges[len(d.edges)-1] * 1.2 * r.Float64()
				require.Greater(t, p.Next(age), age)
				at := p.Poll(age, 2*r.Float64()-1)
				require.Greater(t, at, age)
				require.LessOrEqual(t, at-age, Guard(age, d.Jobs, c)*(1+1e-12))
			}
		}
	})

	t.Run("continues from the age of a late poll", func(t *testing.T) {
		p := mixture(0.7, lognormal(20, 0.1), lognormal(600, 0.1)).distribution(4000).Plan(1)
		require.InDelta(t, 30, p.Next(27), 15, "the first hump is nearly over")
		require.InDelta(t, 500, p.Next(60), 40, "the second is far")
		require.InDelta(t, 500, p.Next(300), 40)
	})

	t.Run("keeps its grid small", func(t *testing.T) {
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 2))
			var h Histogram
			for range r.IntN(300) {
				h.Record(r.Float64(), math.Exp(12*r.Float64()))
			}
			for _, c := range []float64{0.01, 1, 3600} {
				p := Posterior(&h, nil, prior, c).Plan(c)
				require.LessOrEqual(t, len(p.ages), most+Buckets)
			}
		}
	})
}
