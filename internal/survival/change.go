package survival

import "math"

// recent is the last jobs of a type, and how much they speak for a change of its distribution.
//
// For each of them it keeps the gain: how many times likelier the jobs from this one on are if the
// distribution changed just before it than if it did not. If it did, then a job is likely near
// those since the change, by a kernel estimate, and at any other age a little. If it did not, then
// the plan says how likely it is. Once a gain reaches certain, the distribution has changed: as
// long as it does not, and if the plan is right, a gain averages 1, so that by Ville's inequality
// (1939) one job in certain begins a false alarm at most. The plan is an estimate, and yet
// TestChange finds fewer. TestReplay measures what comes of changes that are not abrupt, or none.
//
// This is a window-limited CUSUM (Xie, Moustakides and Xie, arXiv:2206.06777) with a kernel
// estimate (Liang and Veeravalli, arXiv:2211.00223). TestChange compares it with a CUSUM of the
// probability integral transform (Page, Biometrika 41, 1954), with Bayesian online change-point
// detection (Adams and MacKay, arXiv:0710.3742), and with two jobs in a row within a 5 % tail:
//
//	go test -v -run TestChange ./internal/survival
type recent struct {
	jobs [window]Recent
	n    int // jobs so far
}

// Recent is one of the last jobs of a type. It ended in one of the buckets from From to To-1.
type Recent struct {
	From, To uint16
	Gain     float32
}

const (
	window    = 16
	certain   = 3e4
	nearby    = perOctave / 2 // buckets: half the width of the triangle around a job
	elsewhere = 1             // jobs that the chance of any other age is worth
	highest   = 1e30          // gain
)

// add takes in a job that ended in one of the buckets [from, to), and ran at once with others
// jobs, and returns how many of the last jobs, including this one, the distribution has changed
// for; 0 if it has not.
//
// Where many jobs run at once, those that end first are the fast ones, those that end last are the
// slow ones, and neither are drawn at random. So a gain has to make up for all ways to choose these
// jobs among those that ran at once.
func (r *recent) add(from, to int, plan *Plan, others float64) (changed int) {
	anywhere := float64(to-from) / Buckets
	unsure := elsewhere / (plan.jobs + elsewhere)
	unchanged := (1-unsure)*plan.share(from, to) + unsure*anywhere
	near, choice, best := 0., 1., float64(certain)
	for i := range min(r.n+1, window) {
		j := &r.jobs[(r.n-i)%window]
		if i == 0 {
			*j = Recent{uint16(from), uint16(to), 1} //nolint:gosec // there are 321 buckets
		} else {
			middle := float64(j.From+j.To) / 2
			near += triangle((float64(to)-middle)/nearby) - triangle((float64(from)-middle)/nearby)
		}
		gain := float64(j.Gain) * (near + elsewhere*anywhere) / (float64(i) + elsewhere) / unchanged
		j.Gain = float32(min(gain, highest))
		choice *= float64(i+1) / (others + float64(i+1))
		if gain*choice >= best {
			best, changed = gain*choice, i+1
		}
	}
	r.n++
	return changed
}

// last returns the last n jobs, the newest one last.
func (r *recent) last(n int) []Recent {
	n = min(n, r.n, window)
	list := make([]Recent, n)
	for i := range list {
		list[i] = r.jobs[(r.n-n+i)%window]
	}
	return list
}

// share returns the fraction of the jobs that end in the buckets [from, to).
func (p *Plan) share(from, to int) float64 {
	return p.odds.alive(edges[from]) - p.odds.alive(edges[to])
}

// alive returns the fraction of the jobs that run at this age.
func (o *odds) alive(age float64) float64 {
	i, hazard, into := o.at(age)
	return math.Exp(float64(o.logS[i]) - hazard*into)
}
