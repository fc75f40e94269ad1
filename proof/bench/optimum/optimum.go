// Package optimum computes the least cost of any schedule that knows the distribution of the job
// lengths, but not the individual job. The schedules that have to learn it are measured against
// that.
//
// It is a shortest path over a grid of ages, by the simplest program that finds it, and shares no
// code with the library's own.
package optimum

import (
	"math"
	"slices"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

const (
	coarse = 2000 // ages of the first grid
	fine   = 16   // at least so many ages of the second grid for each interval of the first plan
	first  = 0.01 // seconds: the lowest age of the first grid
	beyond = 1e-9 // the share of jobs, the longest, that a plan ignores
)

// Plan returns the best ages to poll at, in seconds, where a call is worth callCost seconds of
// delay, and the mean cost of a job: callCost for each call, and its delay. A plan on a coarse
// grid determines the fine one.
func Plan(d jobs.Distribution, callCost float64) (polls []float64, cost float64) {
	polls, _ = newGrid(d, coarseAges(d)).plan(callCost)
	var ages []float64
	steps := max(fine, coarse/len(polls))
	from := 0.0
	for _, to := range polls {
		for i := range steps {
			ages = append(ages, from+(to-from)*float64(i)/float64(steps))
		}
		from = to
	}
	return newGrid(d, append(ages, from)).plan(callCost)
}

// coarseAges returns ages of which one half is equally likely, and the other half is even on a
// log scale, for the distribution's tails.
func coarseAges(d jobs.Distribution) []float64 {
	ages := []float64{0}
	var last float64
	for _, p := range d.Parts {
		last = max(last, p.Quantile(1-beyond))
		n := p.Weight * coarse / 2
		for i := 0.5; i < n; i++ {
			if t := p.Quantile(i / n); t > first {
				ages = append(ages, t)
			}
		}
	}
	for i := range coarse/2 + 1 {
		ages = append(ages, first*math.Pow(last/first, float64(i)/(coarse/2)))
	}
	slices.Sort(ages)
	return slices.Compact(ages)
}

// A grid is a distribution at the ages where a poll may be.
type grid struct {
	age      []float64 // from 0 on
	survival []float64 // at each age
	alive    []float64 // the integral of survival from 0 to each age
}

func newGrid(d jobs.Distribution, ages []float64) grid {
	g := grid{age: ages, survival: make([]float64, len(ages)), alive: make([]float64, len(ages))}
	for i, t := range ages {
		g.survival[i] = d.Survival(t)
		if i > 0 {
			between := d.Survival((ages[i-1] + t) / 2) // Simpson's rule
			g.alive[i] = g.alive[i-1] + (t-ages[i-1])*(g.survival[i-1]+4*between+g.survival[i])/6
		}
	}
	return g
}

// plan tries from each age every later one. A step from age s to age t costs one call for each job
// alive at s, and the delays: t-s for each job alive at s, minus the time that it is still alive.
func (g grid) plan(callCost float64) (polls []float64, cost float64) {
	last := len(g.age) - 1
	best := make([]float64, last+1) // the cost from each age on; no job reaches the last one
	next := make([]int, last+1)
	for i := last - 1; i >= 0; i-- {
		best[i] = math.Inf(1)
		for j := i + 1; j <= last; j++ {
			step := (callCost+g.age[j]-g.age[i])*g.survival[i] - (g.alive[j] - g.alive[i])
			if step >= best[i] {
				break // it only grows with j
			}
			if step+best[j] < best[i] {
				best[i], next[i] = step+best[j], j
			}
		}
	}
	for i := 0; i < last; {
		i = next[i]
		polls = append(polls, g.age[i])
	}
	return polls, best[0]
}
