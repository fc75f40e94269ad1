package pace

import (
	"time"

	"github.com/sfsturbo/waiter/internal/survival"
)

// A bracket is the interval on a wait's own age axis in which its job ended: after the last poll
// that saw the job running, and not after the poll that saw it ended. Within the bracket the
// service's clock is more exact. Times of the two clocks are never compared, so it does not matter
// if one of them is wrong.
type bracket struct {
	resumed bool    // the job is older than the wait, by an unknown time
	seen    bool    // a poll has seen the job running
	counted bool    // as one of the history's running jobs
	over    bool    // the wait has ended
	last    float64 // the age of the last such poll, in seconds

	server    time.Time // the first time that the service sent
	serverAge float64   // the wait's age then, in seconds
}

// running takes in a poll that saw the job running.
func (b *bracket) running(o Observation) {
	b.seen, b.last = true, seconds(o.Age)
	b.serverTime(o)
}

func (b *bracket) serverTime(o Observation) {
	if b.server.IsZero() {
		b.server, b.serverAge = o.ServerTime, seconds(o.Age)
	}
}

// ended returns the ages, in seconds, between which a job ended that o shows ended and that is
// older than its wait by older seconds. It is not ok if they are unknown.
func (b *bracket) ended(o Observation, older float64) (lo, hi float64, ok bool) {
	b.serverTime(o)
	begin, hasBegin := o.Job.BeginTime.Time()
	end, hasEnd := o.Job.EndTime.Time()
	var estimates [][2]float64
	if hasBegin && hasEnd && !end.Before(begin) {
		estimates = append(estimates, spread(begin, end, 0))
	}
	if b.resumed || !b.seen { // there is no bracket
		if len(estimates) == 0 || estimates[0][1] > survival.Longest {
			return 0, 0, false
		}
		return estimates[0][0], estimates[0][1], true
	}
	if hasEnd && !b.server.IsZero() {
		estimates = append(estimates, spread(b.server, end, b.serverAge))
	}
	lo, hi = b.last, seconds(o.Age)
	lo = min(lo, hi)                     // the caller's clock was set back
	if older > 0 && len(estimates) > 0 { // use the service's duration if it agrees with the job's age
		if e := estimates[0]; e[0] <= hi+older+stampError && e[1] >= lo+older-stampError {
			return e[0], e[1], true
		}
	}
	for _, e := range estimates {
		if e[0] <= hi && e[1] >= lo { // only the second one is, if the job waited in a queue
			return max(lo, e[0]), min(hi, e[1]), true
		}
	}
	if len(estimates) > 0 {
		e := estimates[0]
		lo, hi = min(max(e[0], lo), hi), min(max(e[1], lo), hi)
	}
	return lo, hi, true
}

// spread returns the ages between which to lies, if from is at this age: most timestamps have a
// resolution of one second.
func spread(from, to time.Time, age float64) [2]float64 {
	age += to.Sub(from).Seconds()
	half := 0.5
	if from.Nanosecond() != 0 || to.Nanosecond() != 0 {
		half = 0
	}
	return [2]float64{max(0, age-half), max(0, age+half)}
}

func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }
