package survival

import (
	"math"
	"sort"
)

// odds is a distribution in the form that the odds index needs: the logarithm of the survival
// function at the edges, and the integral of 1/S up to them, so that an index takes two searches
// however much time lies in between.
type odds struct {
	edges    []float32 // the first is 0; the last cell has no end
	logS     []float32
	integral []float64
	last     float64 // the hazard of the last cell
}

const deepest = 600 // of -log S: from the cell that would go beyond it on, 1/S would overflow

func (d Distribution) odds() odds {
	n := len(d.hazard)
	o := odds{edges: make([]float32, 0, n), logS: make([]float32, 0, n), integral: make([]float64, 0, n)}
	logS, integral := float32(0), 0.
	for i, hazard := range d.hazard {
		from := float32(d.edges[i])
		o.edges, o.logS, o.integral, o.last = append(o.edges, from), append(o.logS, logS), append(o.integral, integral), hazard
		if i == n-1 {
			if d.unknown && from > 0 {
				o.last = min(o.last, 1/float64(from))
			}
			break
		}
		width := float64(float32(d.edges[i+1])) - float64(from)
		then := logS - float32(hazard*width)
		if then < -deepest {
			break
		}
		integral += math.Exp(-float64(logS)) * growth(hazardOf(logS, then, width), width)
		logS = then
	}
	return o
}

// hazardOf returns the hazard of a cell by the rounded values of both its ends: an index is a small
// difference of integrals, which must agree with them.
func hazardOf(logS, then float32, width float64) float64 {
	return max((float64(logS)-float64(then))/width, leastHazard)
}

// growth returns the integral of exp(hazard * s) for s from 0 to u.
func growth(hazard, u float64) float64 { return math.Expm1(hazard*u) / hazard }

// at returns the cell of age, its hazard, and how long it has lasted by then.
func (o *odds) at(age float64) (cell int, hazard, into float64) {
	cell = sort.Search(len(o.edges)-1, func(i int) bool { return float64(o.edges[i+1]) > age })
	hazard = o.last
	if cell < len(o.edges)-1 {
		width := float64(o.edges[cell+1]) - float64(o.edges[cell])
		hazard = hazardOf(o.logS[cell], o.logS[cell+1], width)
	}
	return cell, hazard, age - float64(o.edges[cell])
}

// Odds returns the odds index of a job that ran at the age from and has not been polled since, at
// the age to: the integral, in seconds, of the odds that it has ended,
//
//	(S(from) - S(s)) / S(s)  for s between from and to.
//
// Polling the job with the greatest index is close to the best use of a limited number of calls:
// for a constant hazard, the plan of least cost polls exactly when the index reaches the call cost.
// It grows without bound, so that each job becomes the first in time. It is 0 unless to is greater
// than from, and may be +Inf. Ages must not be negative.
func (p *Plan) Odds(from, to float64) float64 {
	if !(to > from) {
		return 0
	}
	o := &p.odds
	i, hazard, into := o.at(from)
	j, hazardTo, intoTo := o.at(to)
	if i == j {
		return growth(hazard, to-from) - (to - from)
	}
	logS := float64(o.logS[i]) - hazard*into // at from
	passed := o.integral[j] - o.integral[i] - math.Exp(-float64(o.logS[i]))*growth(hazard, into)
	last := math.Exp(logS-float64(o.logS[j])) * growth(hazardTo, intoTo)
	return max(0, math.Exp(logS)*passed+last-(to-from))
}
