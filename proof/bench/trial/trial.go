// Package trial computes what the decisions of a pace.History cost: the code that users run, with
// everything switched on, but without a Waiter, so that many distributions take seconds.
package trial

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
	"github.com/sfsturbo/waiter/status"
)

const jobType = "bind_ldap"

// Wait waits for a job by h's schedule, and returns the ages of the polls after that at age 0. The
// last one sees the job's end. The service sends begin and end times to the second.
func Wait(h *pace.History, job jobs.Job, r *rand.Rand) (polls []time.Duration) {
	begin := time.Unix(1e9, r.Int64N(int64(time.Second))).UTC()
	seen := status.Job{ID: "1", Type: jobType, Status: status.Running, BeginTime: stamp(begin)}
	schedule := h.BackOff()
	age := schedule.(pace.Starter).Start(status.Job{ID: "1"}, 0) //nolint:forcetypeassert // a History's is
	for {
		if age >= job.Length {
			seen.Status, seen.EndTime = job.End, stamp(begin.Add(job.Length))
		}
		schedule.(pace.Observer).Observe(pace.Observation{Job: seen, Age: age}) //nolint:forcetypeassert // as above
		if age > 0 {
			polls = append(polls, age)
		}
		if age >= job.Length {
			return polls
		}
		age += schedule.NextBackOff()
	}
}

// stamp returns t with the resolution of the service, one second.
func stamp(t time.Time) status.Timestamp { return status.Timestamp(t.Format(time.DateTime)) }

// Learn has h wait for these jobs, one after the other.
func Learn(h *pace.History, list []jobs.Job, r *rand.Rand) {
	for _, job := range list {
		Wait(h, job, r)
	}
}

// An Excess is what a History costs, divided by what the optimum costs that knows the distribution.
type Excess struct {
	Cost  float64 // callCost for each call, and the delay
	Delay float64 // for the same number of calls
}

// Excess returns the excess after each of these numbers of jobs, at this call cost in seconds, as
// the mean of this number of histories. Each of them learns from jobs of its own.
func (ref Reference) Excess(after []int, histories int, callCost float64) ([]Excess, error) {
	prices := make([]optimum.Point, len(after))
	for seed := range uint64(histories) {
		h, err := pace.NewHistory(pace.WithCallCost(time.Duration(callCost * float64(time.Second))))
		if err != nil {
			return nil, err
		}
		r := rand.New(rand.NewPCG(seed, math.Float64bits(callCost)))
		learned := 0
		for i, n := range after {
			Learn(h, ref.Draw(n-learned, r), r)
			learned = n
			p := Price(h, ref.Distribution)
			prices[i].Calls += p.Calls / float64(histories)
			prices[i].Delay += p.Delay / float64(histories)
		}
	}
	least := Least(ref.Distribution, callCost)
	list := make([]Excess, len(after))
	for i, p := range prices {
		list[i] = Excess{(callCost*p.Calls + p.Delay) / least, ref.Delay(p)}
	}
	return list, nil
}

// Price returns the mean cost of a job of d, by what h knows now, without a poll at age 0. It is
// exact except for the jitter: the mean over some draws of it.
func Price(h *pace.History, d jobs.Distribution) optimum.Point {
	const draws = 10
	var sum optimum.Point
	for range draws {
		schedule := h.BackOff()
		next := schedule.(pace.Starter).Start(status.Job{ID: "1", Type: jobType}, 0) //nolint:forcetypeassert // as above
		age, alive := 0., 1.
		for alive > negligible {
			sum.Calls += alive / draws
			sum.Delay += alive * next.Seconds() / draws
			age += next.Seconds()
			alive = d.Survival(age)
			next = schedule.NextBackOff()
		}
	}
	sum.Delay -= d.Mean()
	return sum
}

const negligible = 1e-7 // the share of jobs, the longest, that Price ignores
