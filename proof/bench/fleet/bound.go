package fleet

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sfsturbo/waiter/proof/bench/optimum"
)

// Bound returns the least mean delay of any policy under the steady load that knows the types'
// distributions, but not the individual job, and makes this many calls a second.
//
// It is a Lagrange multiplier: at one price of a call for all jobs, the policy of least cost is
// that each job is polled by the optimal plan of its type at that price. At the price at which all
// jobs together make this many calls, no other policy with as many calls has less delay.
func Bound(callsPerSecond float64) float64 {
	prices := bounds()
	calls := callsPerSecond / PerSecond
	i, _ := slices.BinarySearchFunc(prices, calls, func(p optimum.Point, calls float64) int { return cmp.Compare(p.Calls, calls) })
	few, many := prices[i-1], prices[i]
	return few.Delay + (many.Delay-few.Delay)*(calls-few.Calls)/(many.Calls-few.Calls)
}

// bounds returns the mean calls and delay of a job for falling prices. The call at age 0 is not
// counted: the type is known, so none is needed.
var bounds = sync.OnceValue(func() (list []optimum.Point) {
	types := Types()
	for price := 700.; price > 0.5; price /= 1.15 {
		var mean optimum.Point
		for i, d := range types {
			polls, _ := optimum.Plan(d, price)
			p := optimum.Measure(polls, d.Spread(5000, rand.New(rand.NewPCG(uint64(i), 1))))
			mean.Calls += (p.Calls - 1) / float64(len(types))
			mean.Delay += p.Delay / float64(len(types))
		}
		list = append(list, mean)
	}
	return list
})

// Clairvoyant returns the mean delay of a policy that sees the future: it polls each job once, in
// the order of their ends, as soon as it has ended and a call is left.
func Clairvoyant(list []Job, callsPerSecond float64) Result {
	t := newTally(list)
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(list[a].End, list[b].End) })
	var free time.Duration
	for _, job := range order {
		now := max(free, list[job].End)
		t.call(job, now)
		free = now + interval(callsPerSecond)
	}
	return t.measured()
}

func interval(perSecond float64) time.Duration {
	return time.Duration(float64(time.Second) / perSecond)
}
