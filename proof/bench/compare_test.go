package bench

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
	"github.com/sfsturbo/waiter/proof/bench/peer"
)

// A comparison is all schedules for one distribution.
type comparison struct {
	distribution jobs.Distribution
	curve        optimum.Curve
	rows         []row
}

// A row is one schedule.
type row struct {
	name string
	result
	ratio float64 // of its mean delay to the least for the same number of calls
}

// learnedFrom are the numbers of jobs that this library learned from before.
var learnedFrom = []int{0, 10, 100, 1000}

// compare has all schedules wait for the same n jobs of each distribution. The figures of the
// learned ones are the mean over this number of histories, each of jobs of its own.
func compare(t *testing.T, distributions []jobs.Distribution, n, histories int) []comparison {
	var all []comparison
	for i, d := range distributions {
		list := d.Spread(n, draws(i, 0))
		c := comparison{distribution: d, curve: optimum.NewCurve(d, list)}
		for _, p := range peer.All() {
			c.add(row{name: p.Name}, waitForAll(t, list, func(int) waitFunc { return p.Await }))
		}
		c.add(row{name: defaultSchedule}, waitForAll(t, list, func(int) waitFunc { return ours() }))
		states := make([][][]byte, histories)
		for h := range states {
			states[h] = learn(t, d, draws(i, h+1), learnedFrom)
		}
		for k, jobs := range learnedFrom {
			c.add(row{name: learned(jobs)}, waitForAll(t, list, func(i int) waitFunc { return knowing(states[i%histories][k]) }))
		}
		all = append(all, c)
	}
	return all
}

const defaultSchedule = "waiter, default schedule"

func learned(jobs int) string { return fmt.Sprintf("**waiter, %d jobs learned**", jobs) }

func (c *comparison) add(r row, costs []cost) {
	r.result = summarize(costs)
	r.ratio = r.mean / c.curve.Delay(r.calls)
	c.rows = append(c.rows, r)
}

// waitForAll waits for one job after the other, for the i-th with wait(i).
func waitForAll(t *testing.T, list []jobs.Job, wait func(i int) waitFunc) []cost {
	costs := make([]cost, len(list))
	synctest.Test(t, func(t *testing.T) {
		for i, job := range list {
			c, err := waitFor(t.Context(), job, wait(i))
			require.NoError(t, err)
			costs[i] = c
		}
	})
	return costs
}

// A summary is one schedule over all distributions.
type summary struct {
	name    string
	mean    float64 // of the ratios, geometric
	worst   float64
	worstOf string
}

// summaries returns the schedules in the order of their mean ratios.
func summaries(all []comparison) []summary {
	var list []summary
	for i, r := range all[0].rows {
		s := summary{name: r.name}
		var logs float64
		for _, c := range all {
			ratio := c.rows[i].ratio
			logs += math.Log(ratio)
			if ratio > s.worst {
				s.worst, s.worstOf = ratio, c.distribution.Name
			}
		}
		s.mean = math.Exp(logs / float64(len(all)))
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b summary) int { return cmp.Compare(a.mean, b.mean) })
	return list
}
