package pace

import (
	"time"

	"github.com/sfsturbo/waiter/internal/law"
)

// A bracket is where on a wait's own age axis its job ended: after the last poll that
// did not see it ended, and not after the one that did. Within it the service's
// clock says more; the two clocks are never mixed, so that neither may be wrong.
type bracket struct {
	resumed bool    // the job is older than the wait, nobody knows by how much
	seen    bool    // a poll has seen it not ended
	last    float64 // the age of the last such poll, in seconds

	server    time.Time // the service's time
	serverAge float64   // when the wait was this old
}

// notYet takes in a poll that saw the job not ended.
func (b *bracket) notYet(o Observation) {
	b.seen, b.last = true, seconds(o.Age)
	b.serverTime(o)
}

// serverTime notes the first that the service says.
func (b *bracket) serverTime(o Observation) {
	if b.server.IsZero() {
		b.server, b.serverAge = o.ServerTime, seconds(o.Age)
	}
}

// ended returns between which ages, in seconds, the job ended that o shows ended, if
// it was so much older than its wait. It is not ok if there is no telling.
func (b *bracket) ended(o Observation, older float64) (lo, hi float64, ok bool) {
	b.serverTime(o)
	begin, hasBegin := o.Job.BeginTime.Time()
	end, hasEnd := o.Job.EndTime.Time()
	var estimates [][2]float64
	if hasBegin && hasEnd && !end.Before(begin) {
		estimates = append(estimates, spread(begin, end, 0))
	}
	if b.resumed || !b.seen { // the wait's own clock says nothing
		if len(estimates) == 0 || estimates[0][1] > law.Longest {
			return 0, 0, false
		}
		return estimates[0][0], estimates[0][1], true
	}
	if hasEnd && !b.server.IsZero() {
		estimates = append(estimates, spread(b.server, end, b.serverAge))
	}
	lo, hi = b.last, seconds(o.Age)
	lo = min(lo, hi)                     // whoever's clock was set back
	if older > 0 && len(estimates) > 0 { // the service's clock is believed if all that it says goes together
		if e := estimates[0]; e[0] <= hi+older+stampsRound && e[1] >= lo+older-stampsRound {
			return e[0], e[1], true
		}
	}
	for _, e := range estimates {
		if e[0] <= hi && e[1] >= lo { // a job that queued began later than its wait: then the second one
			return max(lo, e[0]), min(hi, e[1]), true
		}
	}
	if len(estimates) > 0 {
		e := estimates[0]
		lo, hi = min(max(e[0], lo), hi), min(max(e[1], lo), hi)
	}
	return lo, hi, true
}

// spread returns the ages between which the time from one stamp to the other may
// lie. Most stamps have a resolution of one second.
func spread(from, to time.Time, age float64) [2]float64 {
	age += to.Sub(from).Seconds()
	half := 0.5
	if from.Nanosecond() != 0 || to.Nanosecond() != 0 {
		half = 0
	}
	return [2]float64{max(0, age-half), max(0, age+half)}
}

func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }
