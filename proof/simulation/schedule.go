package simulation

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// span is the range of a delay: exact, or what a schedule that is random may draw.
type span struct{ from, to time.Duration }

func exactly(d time.Duration) span { return span{d, d} }

// atLeast returns the longer of two.
func (s span) atLeast(other span) span { return span{max(s.from, other.from), max(s.to, other.to)} }

// nth returns the n-th delay of a schedule; 0: it stops.
func nth(schedule []time.Duration, n int) time.Duration { return schedule[min(n, len(schedule)-1)] }

// delay returns the n-th delay of the schedule while the job goes on (0) or after failures (1), in
// a wait of this age.
func (o *Options) delay(which, n int, age time.Duration) span {
	switch {
	case o.History && which == 0:
		return span{1, guard(age, len(o.Taught)+1)}
	case !o.Default:
		return exactly(nth([...][]time.Duration{o.Progress, o.Failure}[which], n))
	case which == 0:
		return spread(n, 1.25, 15*time.Second, 0.2)
	default:
		return spread(n, 2, 30*time.Second, 0.5)
	}
}

// guard is the longest interval that a pace.History plans at its usual call cost of a second, after
// so many jobs of the type.
func guard(age time.Duration, jobs int) time.Duration {
	known := time.Duration(2*jobs) * time.Second
	return min(max(30*time.Second, 2*age, known), 300*time.Second) + time.Microsecond
}

// spread returns the n-th delay of a documented schedule: one second, growing up to most, with this
// jitter.
func spread(n int, growth float64, most time.Duration, jitter float64) span {
	d := min(math.Pow(growth, float64(n))*float64(time.Second), float64(most))
	const rounding = time.Microsecond
	return span{time.Duration(d*(1-jitter)) - rounding, time.Duration(d*(1+jitter)) + rounding}
}

// taught returns a History that has seen jobs of these durations end.
func taught(durations []time.Duration) *pace.History {
	h := must(pace.NewHistory())
	for _, d := range durations {
		b := h.BackOff().(pace.Observer) //nolint:forcetypeassert // it is documented
		job := status.Job{Type: "bind_ldap", Status: status.Running}
		b.Observe(pace.Observation{Job: job, Age: d * 9 / 10})
		job.Status = status.Success
		b.Observe(pace.Observation{Job: job, Age: d})
	}
	return h
}

// listed is a list of delays as a BackOff.
type listed struct {
	delays []time.Duration
	asked  int
}

func (l *listed) Reset() { l.asked = 0 }

func (l *listed) NextBackOff() time.Duration {
	l.asked++
	if d := nth(l.delays, l.asked-1); d > 0 {
		return d
	}
	return backoff.Stop
}
