package fleet

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestSteady(t *testing.T) {
	list := Steady(seeded(), time.Hour, 2*time.Hour, 3*time.Hour)

	t.Run("has about 9,100 running jobs at any time", func(t *testing.T) {
		for _, at := range []time.Duration{time.Second, time.Hour, 2 * time.Hour} {
			running := 0
			for _, j := range list {
				if j.Begin <= at && at < j.End {
					running++
				}
			}
			require.InEpsilon(t, 9100, running, 0.02, "%v", at)
		}
	})

	t.Run("measures as many jobs as begin in the time", func(t *testing.T) {
		require.InEpsilon(t, 3600*PerSecond, newTally(list).left, 0.02)
	})
}

func TestBound(t *testing.T) {
	t.Run("is less than the delay of polling all jobs in turn", func(t *testing.T) {
		list := Steady(seeded(), 10*time.Minute, 20*time.Minute, time.Hour)
		for _, calls := range []float64{25, 100} {
			require.Less(t, 2*Bound(calls), RoundRobin(list, calls).Delay)
		}
	})

	t.Run("falls with the calls", func(t *testing.T) {
		require.Greater(t, Bound(10), 3*Bound(25))
		require.Greater(t, Bound(25), 4*Bound(100))
	})
}

// three jobs, each on its own, and what the policies make of them, by hand.
func TestPolicies(t *testing.T) {
	const second = time.Second
	list := []Job{
		{Type: "a", End: 1500 * time.Millisecond, Measured: true},
		{Type: "a", End: 100 * second, Measured: true},
		{Type: "a", End: 1600 * time.Millisecond},
	}

	t.Run("in turn", func(t *testing.T) {
		r := RoundRobin(list, 1) // job 0 at 0 s and 3 s, and from 6 s on only job 1
		require.InDelta(t, (1.5+0)/2, r.Delay, 0.001)
	})

	t.Run("of one that sees the future make one call a job", func(t *testing.T) {
		r := Clairvoyant(list, 1)
		require.Equal(t, Result{Calls: 3}, r)
	})

	t.Run("of each its own make calls that are refused", func(t *testing.T) {
		many := Burst(seeded(), 300)
		r := EachItsOwn(many, 1)
		require.Greater(t, r.Throttled, r.Calls/2)
		require.Less(t, OneLimiter(many, 1).Delay, r.Delay)
		require.Zero(t, EachItsOwn(list, 100).Throttled)
	})

	t.Run("see each measured job end", func(t *testing.T) {
		many := Burst(seeded(), 200)
		history, err := pace.NewHistory()
		require.NoError(t, err)
		for _, r := range []Result{EachItsOwn(many, 10), OneLimiter(many, 10), RoundRobin(many, 10), Learned(many, 10, history, seeded())} {
			require.Positive(t, r.Delay)
			require.GreaterOrEqual(t, r.Calls, 200)
		}
		_, _, jobs := history.Typical(many[0].Type)
		same := 0
		for _, j := range many {
			if j.Type == many[0].Type {
				same++
			}
		}
		require.Equal(t, same, jobs, "it learned from all of a type")
	})
}

func TestBurst(t *testing.T) {
	t.Run("has all types alike", func(t *testing.T) {
		count := map[string]int{}
		for _, j := range Burst(seeded(), 10_000) {
			require.True(t, j.Measured)
			require.Zero(t, j.Begin)
			count[j.Type]++
		}
		for _, d := range Types() {
			require.Equal(t, 1000, count[d.Name])
		}
		require.Len(t, count, len(jobs.Distributions())+3)
	})
}
