package jobs

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Gamma is the gamma distribution: the sum of Power steps that each take Scale on average.
type Gamma struct{ Scale, Power float64 }

// Survival implements [Shape].
func (g Gamma) Survival(t float64) float64 {
	return mathext.GammaIncRegComp(g.Power, max(0, t)/g.Scale)
}

// Quantile implements [Shape].
func (g Gamma) Quantile(p float64) float64 {
	return g.Scale * mathext.GammaIncRegCompInv(g.Power, 1-p)
}

// Loglogistic is the log-logistic distribution, whose longest jobs are far longer than its median.
type Loglogistic struct{ Median, Power float64 }

// Survival implements [Shape].
func (l Loglogistic) Survival(t float64) float64 {
	return 1 / (1 + math.Pow(max(0, t)/l.Median, l.Power))
}

// Quantile implements [Shape].
func (l Loglogistic) Quantile(p float64) float64 { return l.Median * math.Pow(p/(1-p), 1/l.Power) }

// Gompertz is the Gompertz distribution: the hazard grows by the factor e in each Scale, from
// Initial/Scale on.
type Gompertz struct{ Scale, Initial float64 }

// Survival implements [Shape].
func (g Gompertz) Survival(t float64) float64 {
	return math.Exp(-g.Initial * math.Expm1(max(0, t)/g.Scale))
}

// Quantile implements [Shape].
func (g Gompertz) Quantile(p float64) float64 {
	return g.Scale * math.Log1p(-math.Log1p(-p)/g.Initial)
}

// Uniform is the uniform distribution.
type Uniform struct{ From, To float64 }

// Survival implements [Shape].
func (u Uniform) Survival(t float64) float64 {
	return 1 - min(max((t-u.From)/(u.To-u.From), 0), 1)
}

// Quantile implements [Shape].
func (u Uniform) Quantile(p float64) float64 { return u.From + p*(u.To-u.From) }
