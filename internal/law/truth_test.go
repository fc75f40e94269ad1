package law

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A truth is a law as a textbook has it: the survival function, and how to draw from it.
type truth struct {
	name     string
	survival func(age float64) float64
	draw     func(r *rand.Rand) float64
}

// upper is 1 less the distribution function of the standard normal law.
func upper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

func normal(mean, deviation float64) truth {
	return truth{fmt.Sprintf("normal %v+-%v", mean, deviation), func(t float64) float64 { return upper((t - mean) / deviation) },
		func(r *rand.Rand) float64 { return max(0, mean+deviation*r.NormFloat64()) }}
}

func lognormal(median, sigma float64) truth {
	return truth{fmt.Sprintf("lognormal %v/%v", median, sigma), func(t float64) float64 { return upper(math.Log(t/median) / sigma) },
		func(r *rand.Rand) float64 { return median * math.Exp(sigma*r.NormFloat64()) }}
}

func weibull(scale, shape float64) truth {
	return truth{fmt.Sprintf("weibull %v/%v", scale, shape), func(t float64) float64 { return math.Exp(-math.Pow(t/scale, shape)) },
		func(r *rand.Rand) float64 { return scale * math.Pow(r.ExpFloat64(), 1/shape) }}
}

func exponential(mean float64) truth { return weibull(mean, 1) }

func uniform(from, to float64) truth {
	return truth{fmt.Sprintf("uniform %v..%v", from, to), func(t float64) float64 { return 1 - min(max((t-from)/(to-from), 0), 1) },
		func(r *rand.Rand) float64 { return from + (to-from)*r.Float64() }}
}

func lomax(scale, shape float64) truth {
	return truth{fmt.Sprintf("lomax %v/%v", scale, shape), func(t float64) float64 { return math.Pow(1+t/scale, -shape) },
		func(r *rand.Rand) float64 { return scale * (math.Exp(r.ExpFloat64()/shape) - 1) }}
}

func erlang2(mean float64) truth {
	return truth{fmt.Sprintf("erlang %v", mean), func(t float64) float64 { return (1 + 2*t/mean) * math.Exp(-2*t/mean) },
		func(r *rand.Rand) float64 { return mean / 2 * (r.ExpFloat64() + r.ExpFloat64()) }}
}

// mixture is of one law with the part p, and of another.
func mixture(p float64, one, other truth) truth {
	return truth{fmt.Sprintf("%v %s, else %s", p, one.name, other.name), func(t float64) float64 { return p*one.survival(t) + (1-p)*other.survival(t) },
		func(r *rand.Rand) float64 {
			if r.Float64() < p {
				return one.draw(r)
			}
			return other.draw(r)
		}}
}

// gated are the laws that the gates are about.
var gated = []truth{
	normal(5, 0.3),
	lognormal(60, 0.5),
	lognormal(300, 1),
	mixture(0.7, lognormal(20, 0.1), lognormal(600, 0.1)),
	weibull(60, 0.6),
	exponential(60),
	mixture(0.25, exponential(3), lognormal(90, 0.4)),
}

// others are of another kind.
var others = []truth{
	uniform(30, 90),
	lomax(60, 2),
	erlang2(40),
	mixture(0.5, normal(3, 0.2), mixture(0.5, normal(40, 3), normal(400, 20))),
	lognormal(600, 0.15),
	weibull(120, 3),
	mixture(0.1, exponential(2000), uniform(8, 12)),
}

// cost is what following next costs a job of this law at the call cost c, exactly,
// beyond the mean duration: the sum of (c + interval) times the part still running.
func (t truth) cost(c float64, next func(age float64) float64) float64 {
	sum, age, alive := 0., 0., 1.
	for alive > 1e-8 {
		then := next(age)
		sum += (c + then - age) * alive
		age, alive = then, t.survival(then)
	}
	return sum - t.mean()
}

var means = map[string]float64{}

func (t truth) mean() float64 {
	if known, ok := means[t.name]; ok {
		return known
	}
	sum, age := 0., 0.
	for alive := 1.; alive > 1e-10; {
		step := 0.002 * (0.5 + age)
		then := t.survival(age + step)
		sum += step * (alive + 4*t.survival(age+step/2) + then) / 6
		age, alive = age+step, then
	}
	means[t.name] = sum
	return sum
}

// quantile is the age at which the part p still runs.
func (t truth) quantile(alive float64) float64 {
	lo, hi := 0., 1.
	for t.survival(hi) > alive {
		lo, hi = hi, 2*hi
	}
	for range 60 {
		if mid := (lo + hi) / 2; t.survival(mid) > alive {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// law is t on a grid much finer than what is learned.
func (t truth) law(cells int) Law {
	end := t.quantile(1e-10)
	ages := make([]float64, 0, cells+1)
	for i := range cells + 1 { // even at first, then even on the logarithmic axis
		ages = append(ages, math.Expm1(math.Log1p(end)*float64(i)/float64(cells)))
	}
	return FromSurvival(ages, func(age float64) float64 { return math.Log(max(t.survival(age), 1e-300)) })
}

func (t truth) optimum(c float64) float64 { return t.cost(c, t.law(4000).Plan(c).Next) }
