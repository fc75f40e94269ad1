package law

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomLaw has any number of humps, gaps and cliffs.
func randomLaw(r *rand.Rand) Law {
	l := Law{edges: []float64{0}}
	for range 5 + r.IntN(60) {
		l.edges = append(l.edges, l.edges[len(l.edges)-1]+math.Exp(4*r.Float64()-2))
		l.rates = append(l.rates, math.Exp(9*r.Float64()-8))
	}
	l.rates = append(l.rates, math.Exp(4*r.Float64()-4))
	return l
}

// solveByTrying tries every next look from every point: O(n^2). It works with the
// survival function itself, and from its own sums.
func solveByTrying(g grid, c float64) (next []int, value []float64) {
	n := len(g.ages) - 1
	survival, left := make([]float64, n+1), make([]float64, n+1) // left: the integral of survival from here on
	survival[0] = 1
	for i := range n {
		survival[i+1] = survival[i] * math.Exp(-g.rates[i]*(g.ages[i+1]-g.ages[i]))
	}
	left[n] = survival[n] / g.rates[n]
	for i := n - 1; i >= 0; i-- {
		left[i] = left[i+1] + (survival[i]-survival[i+1])/g.rates[i]
	}
	next, value = make([]int, n+1), make([]float64, n+1)
	h := g.rates[n]
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

func TestThePlanIsThatOfTryingEverything(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		l, c := randomLaw(r), math.Exp(6*r.Float64()-3)
		g := l.grid(c)
		want, value := solveByTrying(g, c)
		next, least := g.solve(c)
		for i := range len(next) - 1 {
			require.EqualValues(t, want[i], next[i], "seed %d, point %d of %d", seed, i, len(next))
		}
		require.InEpsilon(t, value[0], least, 1e-9, "seed %d", seed)
	}
}

func TestThePlanForTheExponentialLawIsItsClosedForm(t *testing.T) {
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
}

// barlowHunterProschan is the best schedule by the recursion
//
//	x[k+1] - x[k] = (F(x[k]) - F(x[k-1])) / f(x[k]) - c
//
// of J. SIAM 11 (1963), for log-concave densities only. It is unstable: a first look that is too
// early makes an interval negative in the end, one that is too late makes them grow.
func barlowHunterProschan(truth truth, density func(float64) float64, c, end float64) []float64 {
	from := func(x float64) (list []float64, late bool) {
		before, step := 0., x
		for x < end {
			list = append(list, x)
			then := (truth.survival(before)-truth.survival(x))/density(x) - c
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
	lo, hi := 0., truth.quantile(1e-6)
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

func TestThePlanIsThatOfBarlowHunterAndProschan(t *testing.T) {
	for _, test := range []struct {
		truth   truth
		density func(float64) float64
	}{
		{normal(60, 10), func(t float64) float64 { return math.Exp(-(t-60)*(t-60)/200) / math.Sqrt(200*math.Pi) }},
		{weibull(60, 2), func(t float64) float64 { return t / 1800 * math.Exp(-t*t/3600) }},
	} {
		for _, c := range []float64{0.3, 1, 3} {
			list := barlowHunterProschan(test.truth, test.density, c, test.truth.quantile(1e-10))
			require.Greater(t, len(list), 5)
			p := test.truth.law(20000).Plan(c)
			age := 0.
			for i, want := range list {
				if test.truth.survival(age) < 1e-4 {
					break // nobody gets there, and the recursion's errors have grown
				}
				age = p.Next(age)
				require.InDelta(t, want, age, 0.1, "%s, c %v: look %d", test.truth.name, c, i)
			}
			k := 0
			theirs := test.truth.cost(c, func(age float64) float64 {
				if k++; k > len(list) {
					return age + c
				}
				return list[k-1]
			})
			require.InEpsilon(t, theirs, test.truth.cost(c, p.Next), 1e-4, "%s, c %v", test.truth.name, c)
		}
	}
}

func TestTheNextLookIsAlwaysLater(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		l, c := randomLaw(r), math.Exp(6*r.Float64()-3)
		p := l.Plan(c)
		for range 200 {
			age := l.edges[len(l.edges)-1] * 1.2 * r.Float64()
			require.Greater(t, p.Next(age), age)
			at := p.Poll(age, 2*r.Float64()-1)
			require.Greater(t, at, age)
			require.LessOrEqual(t, at-age, Guard(age, c)*(1+1e-12))
		}
	}
}

func TestALateLookFollowsThePlanFromWhereItIs(t *testing.T) {
	p := mixture(0.7, lognormal(20, 0.1), lognormal(600, 0.1)).law(4000).Plan(1)
	require.InDelta(t, 30, p.Next(27), 15, "the first hump is nearly over")
	require.InDelta(t, 500, p.Next(60), 40, "the second is far")
	require.InDelta(t, 500, p.Next(300), 40)
}

func TestTheGridStaysSmall(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		var h Histogram
		for range r.IntN(300) {
			h.Record(r.Float64(), math.Exp(12*r.Float64()))
		}
		for _, c := range []float64{0.01, 1, 3600} {
			p := Learned(&h, nil, cold, c).Plan(c)
			require.LessOrEqual(t, len(p.ages), most+Buckets)
		}
	}
}

func TestTheGuard(t *testing.T) {
	for _, test := range []struct{ age, c, want float64 }{
		{0, 1, 30}, {15, 1, 30}, {60, 1, 120}, {150, 1, 300}, {1e6, 1, 300}, {60, 0.1, 30}, {1, 10, 300},
	} {
		require.Equal(t, test.want, Guard(test.age, test.c))
	}
}
