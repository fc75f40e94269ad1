// Package jobs generates the jobs that every schedule waits for: how long they take, by their
// distribution, and how they end.
package jobs

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// A Job runs from the moment that it is submitted.
type Job struct {
	Length time.Duration
	End    status.Status
}

// A Distribution says how long jobs take. It is a mixture of parts, usually of one.
type Distribution struct {
	Name  string
	Parts []Part
}

// Part is a share of a distribution's jobs. The weights of all parts add up to 1.
type Part struct {
	Weight float64
	End    status.Status
	Shape
}

// Shape is a distribution of lengths, in seconds.
type Shape interface {
	Survival(seconds float64) float64 // the probability that a job takes longer
	Quantile(p float64) float64
}

// Distributions returns those by which the schedules are compared.
func Distributions() []Distribution {
	const ok, failed = status.Success, status.Failed
	return []Distribution{
		{"normal, 5 s ± 0.3 s", []Part{{1, ok, Normal{5, 0.3}}}},
		{"lognormal, median 60 s, σ 0.5", []Part{{1, ok, Lognormal{60, 0.5}}}},
		{"lognormal, median 300 s, σ 1", []Part{{1, ok, Lognormal{300, 1}}}},
		{"70 % 20 s, 30 % 600 s, σ 0.1", []Part{{0.7, ok, Lognormal{20, 0.1}}, {0.3, ok, Lognormal{600, 0.1}}}},
		{"Weibull, shape 0.6, scale 60 s", []Part{{1, ok, Weibull{60, 0.6}}}},
		{"exponential, mean 60 s", []Part{{1, ok, Weibull{60, 1}}}},
		{"25 % fail within seconds, 75 % take 90 s", []Part{{0.25, failed, Weibull{3, 1}}, {0.75, ok, Lognormal{90, 0.4}}}},
	}
}

// Survival returns the share of jobs that take longer.
func (d Distribution) Survival(seconds float64) float64 {
	var s float64
	for _, p := range d.Parts {
		s += p.Weight * p.Shape.Survival(seconds)
	}
	return s
}

// Draw returns n jobs, drawn independently.
func (d Distribution) Draw(n int, r *rand.Rand) []Job {
	jobs := make([]Job, n)
	for i := range jobs {
		jobs[i] = d.at(r.Float64())
	}
	return jobs
}

// Spread returns n jobs in random order, one from each n-th of the distribution: their mean has
// only a fraction of the error of as many drawn jobs.
func (d Distribution) Spread(n int, r *rand.Rand) []Job {
	jobs := make([]Job, n)
	for i, place := range r.Perm(n) {
		jobs[place] = d.at((float64(i) + r.Float64()) / float64(n))
	}
	return jobs
}

// at returns the job at p of (0, 1), with the parts laid end to end.
func (d Distribution) at(p float64) Job {
	part := d.Parts[len(d.Parts)-1]
	for _, candidate := range d.Parts {
		if p < candidate.Weight {
			part = candidate
			break
		}
		p -= candidate.Weight
	}
	seconds := part.Quantile(min(p/part.Weight, 1-1e-12))
	return Job{time.Duration(max(seconds, 0.001) * float64(time.Second)), part.End}
}

// Normal is the normal distribution.
type Normal struct{ Mean, Deviation float64 }

// Survival implements [Shape].
func (n Normal) Survival(t float64) float64 {
	return math.Erfc((t-n.Mean)/n.Deviation/math.Sqrt2) / 2
}

// Quantile implements [Shape].
func (n Normal) Quantile(p float64) float64 {
	return n.Mean - n.Deviation*math.Sqrt2*math.Erfcinv(2*p)
}

// Lognormal is the lognormal distribution. Deviation is the logarithm's standard deviation.
type Lognormal struct{ Median, Deviation float64 }

// Survival implements [Shape].
func (l Lognormal) Survival(t float64) float64 {
	return Normal{math.Log(l.Median), l.Deviation}.Survival(math.Log(t))
}

// Quantile implements [Shape].
func (l Lognormal) Quantile(p float64) float64 {
	return math.Exp(Normal{math.Log(l.Median), l.Deviation}.Quantile(p))
}

// Weibull is the Weibull distribution. It is the exponential one if Power is 1; if Power is less,
// then the longer a job has run, the longer it is likely to continue.
type Weibull struct{ Scale, Power float64 }

// Survival implements [Shape].
func (w Weibull) Survival(t float64) float64 { return math.Exp(-math.Pow(t/w.Scale, w.Power)) }

// Quantile implements [Shape].
func (w Weibull) Quantile(p float64) float64 { return w.Scale * math.Pow(-math.Log1p(-p), 1/w.Power) }

// Mean returns the mean length in seconds: the integral of Survival, by Simpson's rule on steps
// that grow with the age.
func (d Distribution) Mean() float64 {
	var sum, t float64
	for alive := 1.0; alive > 1e-10; {
		step := 0.002 * (0.5 + t)
		then := d.Survival(t + step)
		sum += step * (alive + 4*d.Survival(t+step/2) + then) / 6
		t, alive = t+step, then
	}
	return sum
}
