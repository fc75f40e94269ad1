package trial

import (
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
)

// A Reference is the optimum of one distribution, which knows it.
type Reference struct {
	jobs.Distribution
	curve optimum.Curve // with a poll at age 0
}

// NewReference computes the optimum for call costs from 60 s down to 0.03 s.
func NewReference(d jobs.Distribution) Reference {
	ref := Reference{Distribution: d}
	for callCost := 60.; callCost > 0.03; callCost /= 1.5 {
		polls, _ := optimum.Plan(d, callCost)
		p := Expect(d, polls)
		p.Calls++
		ref.curve = append(ref.curve, p)
	}
	return ref
}

// Least returns the least mean cost of a job where a call is worth callCost seconds of delay.
func Least(d jobs.Distribution, callCost float64) float64 {
	_, cost := optimum.Plan(d, callCost)
	return cost
}

// Delay returns p's delay divided by the least delay for the same number of calls. Both have an
// additional call at age 0, as in the tables.
func (ref Reference) Delay(p optimum.Point) float64 { return p.Delay / ref.curve.Delay(p.Calls+1) }

// Expect returns the mean cost of polling jobs of d at these ages, of which no job reaches the
// last.
func Expect(d jobs.Distribution, polls []float64) optimum.Point {
	var sum optimum.Point
	from, alive := 0., 1.
	for _, to := range polls {
		sum.Calls += alive
		sum.Delay += alive * (to - from)
		from, alive = to, d.Survival(to)
	}
	sum.Delay -= d.Mean()
	return sum
}
