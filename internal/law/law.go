// Package law learns how long jobs of one type take, and computes from that when it
// pays to look at one.
//
// A [Histogram] counts jobs. [Learned] makes a [Law] of it: the hazard, which is the
// rate at which a job ends that has not ended yet, by its age. A [Plan] is the exact
// optimum for a law and a call cost: c seconds of delay are worth one call, and
//
//	c * (number of calls) + (time from the job's end to the poll that sees it)
//
// is as small as it can be on average.
//
// Two shorter ways are known, and not used: the recursion of Barlow, Hunter and
// Proschan (J. SIAM 11, 1963) is right for log-concave densities only, and so is
// polling with Keller's density, sqrt(hazard/(2c)) polls a second (Management Science
// 21, 1974), for laws of one hump.
//
// Everything here is pure: values in, values out, no clock. Ages and costs are in
// seconds, rates in events a second.
package law

import (
	"math"
	"slices"
)

// A Law is a distribution of durations by its hazard, which is constant in each cell.
type Law struct {
	edges []float64 // where the cells begin: the first at 0, the last without end
	rates []float64 // greater than 0
}

// FromSurvival returns the law with this logarithm of the survival function at the
// edges, the first of which is 0. Beyond the last edge the last hazard stays.
func FromSurvival(edges []float64, logSurvival func(age float64) float64) Law {
	rates := make([]float64, len(edges))
	for i := range len(edges) - 1 {
		fell := logSurvival(edges[i]) - logSurvival(edges[i+1])
		rates[i] = max(fell/(edges[i+1]-edges[i]), leastRate)
	}
	rates[len(rates)-1] = rates[len(rates)-2]
	return Law{slices.Clone(edges), rates}
}

const leastRate = 1e-12 // once in 30,000 years

// A Cold schedule is the exponential backoff of those who know nothing: the
// intervals grow from Initial by Multiplier to Cap.
type Cold struct{ Initial, Multiplier, Cap float64 }

// density is how many polls a second it makes at this age.
func (s Cold) density(age float64) float64 {
	r := s.Multiplier - 1
	return max(r/((s.Initial+r*age)*math.Log(s.Multiplier)), 1/s.Cap)
}

// settled is the age from which it polls every Cap.
func (s Cold) settled() float64 {
	r := s.Multiplier - 1
	return (r*s.Cap/math.Log(s.Multiplier) - s.Initial) / r
}

// rate is the hazard for which the schedule would be right at the call cost c: by
// Keller, Management Science 21 (1974), that is sqrt(rate/(2c)) polls a second.
func (s Cold) rate(age, c float64) float64 {
	n := s.density(age)
	return 2 * c * n * n
}

// prior is how many events an e-fold of age the cold schedule is worth.
const prior = 0.1

// Learned returns the posterior law of what own has seen. Where it has seen little,
// that is the law for which cold is right at the call cost c. What others have seen,
// unless it is nil, is worth one more job at first, and 1/(1+n) of one after n.
func Learned(own, others *Histogram, cold Cold, c float64) Law {
	mass, running := own.Counts(), own.ages()
	ended, censored := smooth(&mass, &running)
	if others != nil && others.total > 0 {
		theirs, ages := others.Counts(), [Buckets]float64{}
		spread, _ := smooth(&theirs, &ages)
		worth := 1 / (1 + own.Jobs()) / others.Jobs()
		for b := range Buckets {
			mass[b] += theirs[b] * worth
			ended[b] += spread[b] * worth
		}
	}

	var rates, parts [Buckets]float64 // parts: of those that reach a bucket, how many end in it
	risk, reached := 0., 0.           // of the smoothed and of the raw jobs: those that get past the bucket
	last := bucketOf(cold.settled()) + 1
	const lw = math.Ln2 / perOctave
	for b := Buckets - 1; b >= 0; b-- {
		width := edges[b+1] - edges[b]
		risk += ended[b] + censored[b]
		rate, exposure := 0., risk*width
		if part := ended[b] / risk; part > 1e-12 {
			parts[b] = min(part, 1-1e-9)
			rate = -math.Log1p(-parts[b]) / width
			exposure = ended[b] / rate
		}
		if own.alive > 0 { // spread over ages that nobody has reached, those that run would deny them any end
			exposure = (reached + (mass[b]+running[b])/2) * width
		}
		reached += mass[b] + running[b]
		rates[b] = (prior*lw + rate*exposure) / (prior*lw/cold.rate(edges[b]+width/2, c) + exposure)
		if exposure > 0 {
			last = max(last, b+1)
		}
	}
	last = min(last, Buckets-1)
	var l Law
	for b, rate := range rates[:last] {
		l.divide(b, rate, parts[b])
	}
	return Law{append(l.edges, edges[last]), append(l.rates, rates[last])}
}

// divide appends a bucket's cells. Jobs end evenly in it: if it is the last one of
// many, the hazard rises within it, and a constant one would have nearly all of them
// end where it begins.
func (l *Law) divide(b int, rate, part float64) {
	cells := 1 + int(part*8)
	width := (edges[b+1] - edges[b]) / float64(cells)
	total, before := math.Log1p(-part), 0.
	for i := range cells {
		share := 1.
		if cells > 1 {
			upTo := math.Log1p(-part*float64(i+1)/float64(cells)) / total
			share, before = (upTo-before)*float64(cells), upTo
		}
		l.edges = append(l.edges, edges[b]+width*float64(i))
		l.rates = append(l.rates, rate*share)
	}
}

// Quantile returns the age by which the part p of the jobs has ended.
func (l Law) Quantile(p float64) float64 {
	left := -math.Log1p(-p)
	last := len(l.edges) - 1
	for i, rate := range l.rates[:last] {
		if in := rate * (l.edges[i+1] - l.edges[i]); in < left {
			left -= in
			continue
		}
		return l.edges[i] + left/rate
	}
	return l.edges[last] + left/l.rates[last]
}
