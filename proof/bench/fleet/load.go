// Package fleet simulates many jobs that share one budget of calls, under several policies, and
// computes the lower bound of all policies that cannot see the future. Time is simulated, and a
// call takes none.
package fleet

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

// A Job is of a known type, so that nobody needs a call to learn its type.
type Job struct {
	Type       string
	Begin, End time.Duration // since the simulation began; Begin is negative if the job ran before
	Measured   bool
}

// Types returns the distributions of the job types, which are equally frequent: those by which
// single waits are compared, and three that take hours.
func Types() []jobs.Distribution {
	one := func(name string, shape jobs.Shape) jobs.Distribution {
		return jobs.Distribution{Name: name, Parts: []jobs.Part{{Weight: 1, Shape: shape}}}
	}
	return append(jobs.Distributions(),
		one("lognormal, median 1 h, σ 0.5", jobs.Lognormal{Median: 3600, Deviation: 0.5}),
		one("lognormal, median 1 h, σ 1", jobs.Lognormal{Median: 3600, Deviation: 1}),
		one("exponential, mean 2 h", jobs.Weibull{Scale: 7200, Power: 1}),
	)
}

// PerSecond is how many jobs begin each second under the steady load.
const PerSecond = 5

// Steady returns jobs that begin at random moments, one in each fifth of a second. It begins with
// as many running jobs as there are after days, about 9,100. The jobs that end between from and to
// are measured; new ones begin until after.
func Steady(r *rand.Rand, from, to, after time.Duration) []Job {
	const before, each = 48 * time.Hour, time.Second / PerSecond // almost no job runs longer
	var list []Job
	for at := -before; at < after; at += each {
		list = append(list, Job{Begin: at + time.Duration(r.Int64N(int64(each)))})
	}
	lengthen(list, r)
	list = slices.DeleteFunc(list, func(j Job) bool { return j.End <= 0 })
	for i, j := range list {
		list[i].Measured = from <= j.End && j.End < to
	}
	return list
}

// Burst returns n jobs that begin together.
func Burst(r *rand.Rand, n int) []Job {
	list := slices.Repeat([]Job{{Measured: true}}, n)
	lengthen(list, r)
	return list
}

// lengthen sets the types and the ends. Of each thousand jobs, each type has a hundred, whose
// lengths are spread evenly over its distribution: so one load is as heavy as another, and a few
// seeds are enough.
func lengthen(list []Job, r *rand.Rand) {
	const each = 100
	types := Types()
	for len(list) > 0 {
		lengths := make([][]jobs.Job, len(types))
		for i, d := range types {
			lengths[i] = d.Spread(each, r)
		}
		for i, t := range r.Perm(each * len(types)) {
			if i == len(list) {
				return
			}
			kind := t % len(types)
			list[i].Type, list[i].End = types[kind].Name, list[i].Begin+lengths[kind][t/len(types)].Length
		}
		list = list[each*len(types):]
	}
}

// A Result is what a policy costs.
type Result struct {
	Delay     float64 // seconds from a job's end to the call that sees it: the mean over the measured jobs
	Calls     int
	Throttled int // calls that the service refused
}

// A tally adds up a Result.
type tally struct {
	list   []Job
	left   int // measured jobs whose end was not seen yet
	total  time.Duration
	result Result
}

func newTally(list []Job) *tally {
	t := &tally{list: list}
	for _, j := range list {
		if j.Measured {
			t.left++
		}
	}
	return t
}

// call polls a job at this time and reports whether it has ended.
func (t *tally) call(job int, now time.Duration) bool {
	t.result.Calls++
	j := t.list[job]
	if now < j.End {
		return false
	}
	if j.Measured {
		t.left--
		t.total += now - j.End
	}
	return true
}

// measured returns the Result, once all measured jobs have been seen to end.
func (t *tally) measured() Result {
	n := 0
	for _, j := range t.list {
		if j.Measured {
			n++
		}
	}
	t.result.Delay = t.total.Seconds() / float64(n)
	return t.result
}
