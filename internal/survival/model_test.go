package survival

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A model is a textbook's distribution: its survival function, and how to draw from it.
type model struct {
	name     string
	survival func(age float64) float64
	draw     func(r *rand.Rand) float64
}

// upper is the survival function of the standard normal distribution.
func upper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

func normal(mean, deviation float64) model {
	return model{fmt.Sprintf("normal %v+-%v", mean, deviation), func(t float64) float64 { return upper((t - mean) / deviation) },
		func(r *rand.Rand) float64 { return max(0, mean+deviation*r.NormFloat64()) }}
}

func lognormal(median, sigma float64) model {
	return model{fmt.Sprintf("lognormal %v/%v", median, sigma), func(t float64) float64 { return upper(math.Log(t/median) / sigma) },
		func(r *rand.Rand) float64 { return median * math.Exp(sigma*r.NormFloat64()) }}
}

func weibull(scale, shape float64) model {
	return model{fmt.Sprintf("weibull %v/%v", scale, shape), func(t float64) float64 { return math.Exp(-math.Pow(t/scale, shape)) },
		func(r *rand.Rand) float64 { return scale * math.Pow(r.ExpFloat64(), 1/shape) }}
}

func exponential(mean float64) model { return weibull(mean, 1) }

func uniform(from, to float64) model {
	return model{fmt.Sprintf("uniform %v..%v", from, to), func(t float64) float64 { return 1 - min(max((t-from)/(to-from), 0), 1) },
		func(r *rand.Rand) float64 { return from + (to-from)*r.Float64() }}
}

func lomax(scale, shape float64) model {
	return model{fmt.Sprintf("lomax %v/%v", scale, shape), func(t float64) float64 { return math.Pow(1+t/scale, -shape) },
		func(r *rand.Rand) float64 { return scale * (math.Exp(r.ExpFloat64()/shape) - 1) }}
}

func erlang2(mean float64) model {
	return model{fmt.Sprintf("erlang %v", mean), func(t float64) float64 { return (1 + 2*t/mean) * math.Exp(-2*t/mean) },
		func(r *rand.Rand) float64 { return mean / 2 * (r.ExpFloat64() + r.ExpFloat64()) }}
}

// mixture draws from one model with probability p, and otherwise from the other.
func mixture(p float64, one, other model) model {
	return model{fmt.Sprintf("%v %s, otherwise %s", p, one.name, other.name), func(t float64) float64 { return p*one.survival(t) + (1-p)*other.survival(t) },
		func(r *rand.Rand) float64 {
			if r.Float64() < p {
				return one.draw(r)
			}
			return other.draw(r)
		}}
}

// gated are the models that the gates are set for.
var gated = []model{
	normal(5, 0.3),
	lognormal(60, 0.5),
	lognormal(300, 1),
	mixture(0.7, lognormal(20, 0.1), lognormal(600, 0.1)),
	weibull(60, 0.6),
	exponential(60),
	mixture(0.25, exponential(3), lognormal(90, 0.4)),
}

// others are of another kind.
var others = []model{
	uniform(30, 90),
	lomax(60, 2),
	erlang2(40),
	mixture(0.5, normal(3, 0.2), mixture(0.5, normal(40, 3), normal(400, 20))),
	lognormal(600, 0.15),
	weibull(120, 3),
	mixture(0.1, exponential(2000), uniform(8, 12)),
}

// cost returns what polling by next costs a job at the call cost c, on average and exactly: the
// sum of (c + interval) times the fraction still running, minus the mean duration.
func (m model) cost(c float64, next func(age float64) float64) float64 {
	sum, age, alive := 0., 0., 1.
	for alive > 1e-8 {
		then := next(age)
		sum += (c + then - age) * alive
		age, alive = then, m.survival(then)
	}
	return sum - m.mean()
}

var means = map[string]float64{}

func (m model) mean() float64 {
	if known, ok := means[m.name]; ok {
		return known
	}
	sum, age := 0., 0.
	for alive := 1.; alive > 1e-10; {
		step := 0.002 * (0.5 + age)
		then := m.survival(age + step)
		sum += step * (alive + 4*m.survival(age+step/2) + then) / 6
		age, alive = age+step, then
	}
	means[m.name] = sum
	return sum
}

// quantile returns the age at which the fraction alive is still running.
func (m model) quantile(alive float64) float64 {
	lo, hi := 0., 1.
	for m.survival(hi) > alive {
		lo, hi = hi, 2*hi
	}
	for range 60 {
		if mid := (lo + hi) / 2; m.survival(mid) > alive {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// distribution returns the model on a grid much finer than what can be learned.
func (m model) distribution(cells int) Distribution {
	end := m.quantile(1e-10)
	ages := make([]float64, 0, cells+1)
	for i := range cells + 1 { // even at first, then even on the logarithmic axis
		ages = append(ages, math.Expm1(math.Log1p(end)*float64(i)/float64(cells)))
	}
	return FromSurvival(ages, func(age float64) float64 { return math.Log(max(m.survival(age), 1e-300)) })
}

func (m model) optimum(c float64) float64 { return m.cost(c, m.distribution(4000).Plan(c).Next) }
