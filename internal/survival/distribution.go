// Package survival estimates how long jobs of one type take, and computes when to poll one.
//
// A [Histogram] counts jobs. [Posterior] estimates their duration [Distribution] from it, as a
// hazard: the rate at which a job that is still running ends, by its age. A [Plan] is the exact
// optimum for a distribution and a call cost: c seconds of delay are worth one call, and
//
//	c * (number of calls) + (time from the job's end to the poll that sees it)
//
// is as small as it can be on average.
//
// Two shorter methods are known, and not used. The recursion of Barlow, Hunter and Proschan
// (J. SIAM 11, 1963) is correct only for log-concave densities. Keller's density of
// sqrt(hazard/(2c)) polls a second (Management Science 21, 1974) is good only for distributions
// with a single hump.
//
// Everything here is pure: no clock, no input or output. Ages and costs are in seconds, rates in
// events a second.
package survival

import (
	"math"
	"slices"
)

// A Distribution of durations is a hazard that is constant within each cell.
type Distribution struct {
	Jobs float64 // of the type: Guard goes by it; as many as it was learned from, unless set

	learned float64   // jobs of the type that it was learned from
	edges   []float64 // where the cells begin: the first at 0; the last cell has no end
	hazard  []float64 // greater than 0
	unknown bool      // the last cell begins at an age that no job was seen to reach
}

// FromSurvival returns the distribution, as if learned from any number of jobs, with this logarithm
// of the survival function at the edges, of which the first is 0 and which increase. The last
// cell's hazard continues beyond the last edge.
func FromSurvival(edges []float64, logSurvival func(age float64) float64) Distribution {
	hazard := make([]float64, len(edges))
	for i := range len(edges) - 1 {
		fall := logSurvival(edges[i]) - logSurvival(edges[i+1])
		hazard[i] = max(fall/(edges[i+1]-edges[i]), leastHazard)
	}
	hazard[len(hazard)-1] = hazard[len(hazard)-2]
	return Distribution{Jobs: math.Inf(1), learned: math.Inf(1), edges: slices.Clone(edges), hazard: hazard}
}

const leastHazard = 1e-12 // once in 30,000 years

// Quantile returns the age, in seconds, by which the fraction p of the jobs has ended.
func (d Distribution) Quantile(p float64) float64 {
	left := -math.Log1p(-p)
	last := len(d.edges) - 1
	for i, hazard := range d.hazard[:last] {
		if in := hazard * (d.edges[i+1] - d.edges[i]); in < left {
			left -= in
			continue
		}
		return d.edges[i] + left/hazard
	}
	return d.edges[last] + left/d.hazard[last]
}
