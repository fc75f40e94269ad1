package law

import "math"

// A Histogram is what the jobs of one type have taught: how long the finished ones
// took, and how old those are that still run. The zero value has seen nothing. It is
// not safe for concurrent use.
type Histogram struct {
	finished [Buckets]float64 // in units of weight
	running  [Buckets]int32   // by their age at the last poll
	total    float64          // of finished
	alive    int              // of running
	weight   float64          // of the newest job: forgetting makes the next one's greater; 0 is 1
	streak   int              // finished jobs in a row below (-) or above (+) the law's tails
}

const (
	halfLife = 100  // jobs after which one counts half
	discount = 10   // what a surprise divides all counts by
	tail     = 0.05 // of the law, on either side: two jobs in a row in the same one are a surprise
	heaviest = 1e100
)

var growth = math.Exp2(1. / halfLife)

// Jobs returns how many finished jobs it is worth: old ones count less.
func (h *Histogram) Jobs() float64 { return h.total / h.unit() }

func (h *Histogram) unit() float64 {
	if h.weight == 0 {
		return 1
	}
	return h.weight
}

// Record counts a job that ended between the ages lo and hi, in seconds, evenly
// spread between them.
func (h *Histogram) Record(lo, hi float64) {
	unit := h.unit()
	h.total += unit
	b, end := bucketOf(lo), bucketOf(hi)
	if b == end {
		h.finished[b] += unit
		return
	}
	density := unit / (hi - lo)
	for ; b < end; b++ {
		h.finished[b] += density * (edges[b+1] - max(lo, edges[b]))
	}
	h.finished[end] += density * (hi - max(lo, edges[end]))
}

// Forget makes what was recorded so far count a little less: half after 100 jobs.
func (h *Histogram) Forget() { h.scale(growth) }

// Learn forgets a little and records a job. If that is the second one in a row in the
// same 5 % tail of plan's law, then the law has changed: all earlier counts are divided
// by ten, and it is time for another plan.
func (h *Histogram) Learn(lo, hi float64, plan *Plan) (surprised bool) {
	h.Forget()
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
		h.scale(discount)
		surprised = true
	}
	h.Record(lo, hi)
	return surprised
}

// scale makes the next job's weight greater, which is the others' becoming smaller.
func (h *Histogram) scale(by float64) {
	if h.weight = h.unit() * by; h.weight > heaviest {
		for b := range h.finished {
			h.finished[b] /= h.weight
		}
		h.total /= h.weight
		h.weight = 1
	}
}

// Run counts a job that was seen running at this age, in seconds.
func (h *Histogram) Run(age float64) { h.count(age, 1) }

// Leave takes back a Run at this age: the job was seen again, it has ended, or nobody
// watches it any more.
func (h *Histogram) Leave(age float64) { h.count(age, -1) }

func (h *Histogram) count(age float64, by int) {
	h.running[bucketOf(age)] += int32(by) //nolint:gosec // 1 or -1
	h.alive += by
}

// Quantile returns the age, in seconds, at which the part p of the finished jobs had
// ended, by their weight; 0 if there are none. It is off by a bucket's width at most.
func (h *Histogram) Quantile(p float64) float64 {
	left := p * h.total
	for b, n := range h.finished {
		if n > 0 && n >= left {
			return edges[b] + (edges[b+1]-edges[b])*left/n
		}
		left -= n
	}
	for b := Buckets - 1; b >= 0; b-- { // the sums round
		if h.finished[b] > 0 {
			return edges[b+1]
		}
	}
	return 0
}

// Alive returns how many running jobs it counts.
func (h *Histogram) Alive() int { return h.alive }

// Counts returns the finished jobs by bucket, the newest counting 1.
func (h *Histogram) Counts() (counts [Buckets]float64) {
	for b, n := range h.finished {
		counts[b] = n / h.unit()
	}
	return counts
}

// ages returns the running jobs by bucket.
func (h *Histogram) ages() (counts [Buckets]float64) {
	for b, n := range h.running {
		counts[b] = float64(n)
	}
	return counts
}

// Restore replaces the finished jobs by what Counts returned. Those that run stay.
func (h *Histogram) Restore(counts [Buckets]float64) {
	h.finished, h.total, h.weight, h.streak = counts, 0, 1, 0
	for _, n := range counts {
		h.total += n
	}
}
