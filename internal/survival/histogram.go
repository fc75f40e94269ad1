package survival

import "math"

// A Histogram counts the jobs of one type by duration: the finished ones by how long they took,
// and the running ones, which are right-censored, by their age at the last poll. The zero value
// is empty and ready to use. It is not safe for concurrent use.
type Histogram struct {
	finished [Buckets]float64 // an older job counts less than 1
	running  [Buckets]int32
	jobs     float64 // the sum of finished
	alive    int     // the sum of running
	streak   int     // finished jobs in a row in the plan's lower (-) or upper (+) tail
}

const (
	halfLife  = 100  // after this many more jobs, a job counts half
	discount  = 10   // a surprise divides all counts by this
	tail      = 0.05 // two jobs in a row within the same tail of this probability are a surprise
	forgotten = 1e-9 // jobs: a lower count is 0
)

var decay = math.Exp2(-1. / halfLife)

// Jobs returns the number of finished jobs, in which older ones count less.
func (h *Histogram) Jobs() float64 { return h.jobs }

// Running returns the number of running jobs.
func (h *Histogram) Running() int { return h.alive }

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

// Learn reduces the weight of all earlier jobs, to half after 100 calls, and then calls Record. If
// the job is the second in a row within the same 5 % tail of the distribution behind plan, then the
// distribution has changed: Learn also divides all earlier counts by ten and returns true, and the
// caller should make a new plan. With a nil plan it always returns false.
func (h *Histogram) Learn(lo, hi float64, plan *Plan) (surprised bool) {
	h.scale(decay)
	was := h.streak
	h.streak = 0
	if plan != nil {
		switch middle := (lo + hi) / 2; {
		case middle < plan.low:
			h.streak = -1
		case middle > plan.high:
			h.streak = 1
		}
	}
	if h.streak != 0 && h.streak == was {
		h.streak = 0
		h.scale(1. / discount)
		surprised = true
	}
	h.Record(lo, hi)
	return surprised
}

func (h *Histogram) scale(by float64) {
	for b, n := range h.finished {
		if n *= by; n < forgotten {
			n = 0 // otherwise it would never become 0
		}
		h.finished[b] = n
	}
	h.jobs *= by
}

// AddRunning counts a job that was seen running at this age, in seconds.
func (h *Histogram) AddRunning(age float64) {
	h.running[bucketOf(age)]++
	h.alive++
}

// RemoveRunning reverts an AddRunning with the same age: the job was polled again, has ended, or
// is no longer polled.
func (h *Histogram) RemoveRunning(age float64) {
	h.running[bucketOf(age)]--
	h.alive--
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

// censored returns the running jobs by bucket.
func (h *Histogram) censored() (counts [Buckets]float64) {
	for b, n := range h.running {
		counts[b] = float64(n)
	}
	return counts
}

// Restore replaces the finished jobs with counts, which Counts returned. The running jobs stay.
func (h *Histogram) Restore(counts [Buckets]float64) {
	h.finished, h.jobs, h.streak = counts, 0, 0
	for _, n := range counts {
		h.jobs += n
	}
}
