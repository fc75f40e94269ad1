package trial

import (
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
)

// A Backoff is an exponential backoff without jitter, in seconds: what a program can do that knows
// nothing of its jobs.
type Backoff struct{ Initial, Multiplier, Cap float64 }

// Price returns the mean cost of polling jobs of d by b, without a poll at age 0.
func (b Backoff) Price(d jobs.Distribution) optimum.Point {
	var polls []float64
	age, interval := 0., min(b.Initial, b.Cap)
	for d.Survival(age) > negligible {
		age += interval
		polls = append(polls, age)
		interval = min(interval*b.Multiplier, b.Cap)
	}
	return Expect(d, polls)
}
