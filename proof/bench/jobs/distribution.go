// Package jobs is the jobs that everyone waits for: how long they take, by law, and
// how they end.
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

// A Law says how long jobs take: a mixture of parts, most often of one.
type Law struct {
	Name  string
	Parts []Part
}

// Part is a share of a law's jobs; the weights of a law's parts add up to 1.
type Part struct {
	Weight float64
	End    status.Status
	Shape
}

// Shape is a distribution of lengths, in seconds.
type Shape interface {
	Survival(seconds float64) float64 // how likely a job takes longer
	Quantile(p float64) float64
}

// Laws returns the laws that the schedules are compared by.
func Laws() []Law {
	const ok, failed = status.Success, status.Failed
	return []Law{
		{"normal, 5 s ± 0.3 s", []Part{{1, ok, Normal{5, 0.3}}}},
		{"lognormal, median 60 s, σ 0.5", []Part{{1, ok, Lognormal{60, 0.5}}}},
		{"lognormal, median 300 s, σ 1", []Part{{1, ok, Lognormal{300, 1}}}},
		{"70 % 20 s, 30 % 600 s, σ 0.1", []Part{{0.7, ok, Lognormal{20, 0.1}}, {0.3, ok, Lognormal{600, 0.1}}}},
		{"Weibull, shape 0.6, scale 60 s", []Part{{1, ok, Weibull{60, 0.6}}}},
		{"exponential, mean 60 s", []Part{{1, ok, Weibull{60, 1}}}},
		{"25 % fail within seconds, 75 % take 90 s", []Part{{0.25, failed, Weibull{3, 1}}, {0.75, ok, Lognormal{90, 0.4}}}},
	}
}

// Survival is the share of jobs that take longer.
func (l Law) Survival(seconds float64) float64 {
	var s float64
	for _, p := range l.Parts {
		s += p.Weight * p.Shape.Survival(seconds)
	}
	return s
}

// Draw returns n jobs, each drawn by itself.
func (l Law) Draw(n int, r *rand.Rand) []Job {
	jobs := make([]Job, n)
	for i := range jobs {
		jobs[i] = l.at(r.Float64())
	}
	return jobs
}

// Spread returns n jobs, one from each n-th of the law, in random order: their mean is
// the law's but for a fraction of the error that as many drawn jobs would leave.
func (l Law) Spread(n int, r *rand.Rand) []Job {
	jobs := make([]Job, n)
	for i, place := range r.Perm(n) {
		jobs[place] = l.at((float64(i) + r.Float64()) / float64(n))
	}
	return jobs
}

// at returns the job at p of (0, 1), its parts laid end to end.
func (l Law) at(p float64) Job {
	part := l.Parts[len(l.Parts)-1]
	for _, candidate := range l.Parts {
		if p < candidate.Weight {
			part = candidate
			break
		}
		p -= candidate.Weight
	}
	seconds := part.Quantile(min(p/part.Weight, 1-1e-12))
	return Job{time.Duration(max(seconds, 0.001) * float64(time.Second)), part.End}
}

// Normal has a mean and a standard deviation.
type Normal struct{ Mean, Deviation float64 }

func (n Normal) Survival(t float64) float64 {
	return math.Erfc((t-n.Mean)/n.Deviation/math.Sqrt2) / 2
}

func (n Normal) Quantile(p float64) float64 {
	return n.Mean - n.Deviation*math.Sqrt2*math.Erfcinv(2*p)
}

// Lognormal has a median, and the standard deviation of its logarithm.
type Lognormal struct{ Median, Deviation float64 }

func (l Lognormal) Survival(t float64) float64 {
	return Normal{math.Log(l.Median), l.Deviation}.Survival(math.Log(t))
}

func (l Lognormal) Quantile(p float64) float64 {
	return math.Exp(Normal{math.Log(l.Median), l.Deviation}.Quantile(p))
}

// Weibull is the exponential law where Power is 1; below that, the longer a job has
// run, the longer it will.
type Weibull struct{ Scale, Power float64 }

func (w Weibull) Survival(t float64) float64 { return math.Exp(-math.Pow(t/w.Scale, w.Power)) }

func (w Weibull) Quantile(p float64) float64 { return w.Scale * math.Pow(-math.Log1p(-p), 1/w.Power) }
