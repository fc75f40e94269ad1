package survival

import "math"

// A Histogram counts the jobs of one type by duration: the finished ones by how long they took, and
// the running ones by the ages that they were seen to pass. The zero value is empty and ready to
// use. It is not safe for concurrent use.
type Histogram struct {
	finished [Buckets]float64 // an older job counts less than 1
	// passed is the difference, from one bucket to the next, of how many jobs were seen to pass a
	// bucket without ending, besides those in finished. A passage counts by how long ago it was
	// seen, as an end does: a job that has run for hours must not outweigh all ends of these hours.
	passed [Buckets]float64
	passes float64 // how many there are in passed
	jobs   float64 // the sum of finished
	alive  int     // jobs that run now
	unaged int     // jobs that run now besides these: of an unknown age
	crowd  Crowd
	recent recent
}

const (
	halfLife  = 1000 // after this many more jobs, or as many as run at once, a job counts half
	untested  = 100  // the same where no change is looked for
	remainder = 1    // job: what all jobs before a change count together
	forgotten = 1e-9 // jobs: a lower count is 0
)

// decay returns the weight that a job keeps when another one of its type ends.
func (h *Histogram) decay(halfLife float64) float64 {
	return math.Exp2(-1 / max(halfLife, float64(h.alive)))
}

// Jobs returns the number of finished jobs, in which older ones count less.
func (h *Histogram) Jobs() float64 { return h.jobs }

// Running returns the number of jobs that run now.
func (h *Histogram) Running() int { return h.alive }

// AddRunning adds n to the number of jobs that run now.
func (h *Histogram) AddRunning(n int) { h.alive += n }

// Record counts a job that ended between the ages lo and hi, in seconds, as spread evenly
// between them.
func (h *Histogram) Record(lo, hi float64) {
	h.jobs++
	b, end := bucketOf(lo), bucketOf(hi)
	if b == end {
		h.finished[b]++
		return
	}
	density := 1 / (hi - lo)
	for ; b < end; b++ {
		h.finished[b] += density * (edges[b+1] - max(lo, edges[b]))
	}
	h.finished[end] += density * (hi - max(lo, edges[end]))
}

// Learn reduces the weight of all earlier jobs, and then calls Record. The weight is half after
// 1000 calls, or after as many as jobs run at once if those are more.
//
// If the last jobs show that the distribution is no longer the one behind plan, then Learn also
// forgets nearly all jobs before these and returns true, and the caller should make a new plan. It
// takes two or three jobs where they are far shorter or longer than before, and more where the
// change is small or many jobs run at once. With a nil plan, as for jobs of many types, Learn looks
// for no change, and the weight is half after 100 calls.
func (h *Histogram) Learn(lo, hi float64, plan *Plan) (changed bool) {
	if plan == nil {
		h.scale(h.decay(untested))
		h.Record(lo, hi)
		return false
	}
	h.scale(h.decay(halfLife))
	h.crowd.ended(h.together())
	if n := h.recent.add(bucketOf(lo), bucketOf(hi)+1, plan, h.crowd.Most); n > 0 {
		h.forget(h.recent.last(n)[:n-1])
		changed = true
	}
	h.Record(lo, hi)
	return changed
}

// forget forgets nearly all jobs but these. Those that are running stay: passed is also theirs.
func (h *Histogram) forget(but []Recent) {
	by := min(1, remainder/h.jobs)
	passed, passes := h.passed, h.passes
	h.scale(by)
	if h.alive > 0 {
		h.passed, h.passes = passed, passes
	}
	h.recent = recent{}
	for _, j := range but {
		h.Record(edges[j.From], edges[j.To])
	}
}

func (h *Histogram) scale(by float64) {
	for _, counts := range []*[Buckets]float64{&h.finished, &h.passed} {
		for b, n := range counts {
			if n *= by; math.Abs(n) < forgotten {
				n = 0 // otherwise it would never become 0
			}
			counts[b] = n
		}
	}
	h.jobs *= by
	h.passes *= by
}

// Pass counts a job that ran at the age from, in seconds, and was seen running at the age to.
func (h *Histogram) Pass(from, to float64) {
	h.passed[bucketOf(from)]++
	h.passed[bucketOf(to)]--
	h.passes++
}

// Passes returns how often Pass was called. Calls count less as jobs do.
func (h *Histogram) Passes() float64 { return h.passes }

// Ended comes before the Record or the Learn of a job that Pass has counted up to this age: Record
// counts the job from age 0 on, and Learn may forget what Pass has counted.
func (h *Histogram) Ended(passed float64) {
	h.passed[bucketOf(passed)]++
	h.passed[0]--
}

// Quantile returns the age, in seconds, by which the fraction p of the finished jobs had ended,
// older jobs counting less; 0 if there are none. The error is at most one bucket's width, 4.4 %.
func (h *Histogram) Quantile(p float64) float64 {
	left := p * h.jobs
	for b, n := range h.finished {
		if n > 0 && n >= left {
			return edges[b] + (edges[b+1]-edges[b])*left/n
		}
		left -= n
	}
	for b := Buckets - 1; b >= 0; b-- { // only rounding gets here
		if h.finished[b] > 0 {
			return edges[b+1]
		}
	}
	return 0
}

// Counts returns the finished jobs by bucket. The newest job counts 1.
func (h *Histogram) Counts() [Buckets]float64 { return h.finished }

// A sample is as many jobs, of which none was lost sight of before the oldest age that was seen, as
// give the same estimate as a Histogram (Kaplan and Meier, JASA 53, 1958).
type sample struct {
	ended  [Buckets]float64
	left   float64          // jobs that have not ended by then
	oldest int              // the bucket of that age
	risk   [Buckets]float64 // jobs in the Histogram that reached a bucket
	exact  bool             // no jobs are running, so that ended is Counts
}

func (h *Histogram) sample() sample {
	if h.alive == 0 {
		return sample{ended: h.finished, exact: true}
	}
	var s sample
	finished, passed, alive, most := h.jobs, 0., 1., 0.
	for b, n := range h.finished {
		passed += h.passed[b]
		s.risk[b] = max(finished+passed, n) // it is less only by rounding
		finished -= n
		if s.risk[b] < forgotten {
			s.risk[b] = 0
			continue
		}
		s.oldest = b
		most = max(most, s.risk[b])
		s.ended[b] = alive * n / s.risk[b]
		alive = max(0, alive-s.ended[b])
	}
	jobs := most
	if alive < 1-1e-9 {
		jobs = h.jobs / (1 - alive)
	}
	for b := range s.ended {
		s.ended[b] *= jobs
	}
	s.left = jobs * alive
	return s
}

// Recent returns the last jobs by which Learn looks for a change, the newest one last.
func (h *Histogram) Recent() []Recent { return h.recent.last(window) }

// Restore replaces what was learned with counts, which Counts returned, with the last jobs, which
// Recent returned, and with what Crowd returned; of more jobs than there can be, it takes the last
// ones. The numbers of running jobs stay.
func (h *Histogram) Restore(counts [Buckets]float64, last []Recent, crowd Crowd) {
	*h = Histogram{finished: counts, alive: h.alive, unaged: h.unaged, crowd: crowd}
	for _, n := range counts {
		h.jobs += n
	}
	last = last[max(0, len(last)-window):]
	h.recent.n = copy(h.recent.jobs[:], last)
}
