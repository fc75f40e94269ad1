package survival

import "math"

// A Prior is the exponential backoff that is right as long as nothing is known: its intervals grow
// from Initial by Multiplier to Cap, in seconds.
type Prior struct{ Initial, Multiplier, Cap float64 }

// density returns how many polls a second the backoff makes at this age.
func (p Prior) density(age float64) float64 {
	r := p.Multiplier - 1
	return max(r/((p.Initial+r*age)*math.Log(p.Multiplier)), 1/p.Cap)
}

// settled returns the age from which the interval is Cap.
func (p Prior) settled() float64 {
	r := p.Multiplier - 1
	return (r*p.Cap/math.Log(p.Multiplier) - p.Initial) / r
}

// hazard returns the hazard for which the backoff is right at the call cost c: by Keller
// (Management Science 21, 1974) the right density is sqrt(hazard/(2c)) polls a second.
func (p Prior) hazard(age, c float64) float64 {
	n := p.density(age)
	return 2 * c * n * n
}

// priorEvents is how many events the prior is worth, for each factor e of age.
const priorEvents = 0.1

// Posterior returns the duration distribution of the jobs that own has counted. Where it has
// counted few, that is the prior at the call cost c. The jobs in others, unless it is nil, are
// together worth one more job while own has none, and 1/(1+n) of a job once it has n.
func Posterior(own, others *Histogram, prior Prior, c float64) Distribution {
	jobs := own.sample()
	mass := jobs.ended
	ended := smooth(&mass)
	if others != nil && others.jobs > 0 {
		theirs := others.sample().ended
		spread := smooth(&theirs)
		worth := 1 / (1 + own.jobs) / others.jobs
		for b := range Buckets {
			mass[b] += theirs[b] * worth
			ended[b] += spread[b] * worth
		}
	}

	var hazard, fraction [Buckets]float64 // fraction of the jobs that reach a bucket and end in it
	risk := 0.                            // smoothed jobs that reach a bucket
	last := bucketOf(prior.settled()) + 1
	const lw = math.Ln2 / perOctave
	for b := Buckets - 1; b >= 0; b-- {
		width := edges[b+1] - edges[b]
		if b == jobs.oldest {
			risk += jobs.left
		}
		risk += ended[b]
		observed, exposure := 0., risk*width
		if f := ended[b] / risk; f > 1e-12 {
			fraction[b] = min(f, 1-1e-9)
			observed = -math.Log1p(-fraction[b]) / width
			exposure = ended[b] / observed
		}
		if !jobs.exact { // not smoothed: no running job counts at ages that it has not reached
			exposure = (jobs.risk[b] - own.finished[b]/2) * width
		}
		hazard[b] = (priorEvents*lw + observed*exposure) /
			(priorEvents*lw/prior.hazard(edges[b]+width/2, c) + exposure)
		if exposure > 0 {
			last = max(last, b+1)
		}
	}
	last = min(last, Buckets-1)
	var d Distribution
	for b := range last {
		d.appendBucket(b, hazard[b], fraction[b])
	}
	d.edges, d.hazard = append(d.edges, edges[last]), append(d.hazard, hazard[last])
	d.Jobs, d.learned, d.unknown = own.jobs, own.jobs, true
	return d
}

// appendBucket appends the cells of bucket b. Jobs end evenly within a bucket. If most jobs that
// reach it end in it, then the hazard rises within it: a constant one would have nearly all of
// them end where it begins.
func (d *Distribution) appendBucket(b int, hazard, fraction float64) {
	cells := 1 + int(fraction*8)
	width := (edges[b+1] - edges[b]) / float64(cells)
	total, before := math.Log1p(-fraction), 0.
	for i := range cells {
		share := 1.
		if cells > 1 {
			upTo := math.Log1p(-fraction*float64(i+1)/float64(cells)) / total
			share, before = (upTo-before)*float64(cells), upTo
		}
		d.edges = append(d.edges, edges[b]+width*float64(i))
		d.hazard = append(d.hazard, hazard*share)
	}
}
