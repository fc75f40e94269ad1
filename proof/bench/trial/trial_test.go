package trial_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/trial"
	"github.com/sfsturbo/waiter/status"
)

func one(shape jobs.Shape) jobs.Distribution {
	return jobs.Distribution{Name: "one", Parts: []jobs.Part{{Weight: 1, End: status.Success, Shape: shape}}}
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestBackoff(t *testing.T) {
	t.Run("of a fixed interval has its closed form", func(t *testing.T) {
		const h, d = 1. / 60, 10.
		p := trial.Backoff{Initial: d, Multiplier: 1, Cap: d}.Price(one(jobs.Weibull{Scale: 1 / h, Power: 1}))
		calls := 1 / -math.Expm1(-h*d)
		require.InEpsilon(t, calls, p.Calls, 1e-4)
		require.InEpsilon(t, calls*d-1/h, p.Delay, 1e-3)
	})
}

func TestPrice(t *testing.T) {
	t.Run("is what waits cost", func(t *testing.T) {
		for _, d := range []jobs.Distribution{one(jobs.Normal{Mean: 5, Deviation: 0.3}), one(jobs.Lognormal{Median: 60, Deviation: 0.5})} {
			h, r := new(pace.History), seeded()
			trial.Learn(h, d.Draw(1000, r), r)
			price := trial.Price(h, d)
			const n = 2000
			calls, delay := 0., 0.
			for _, job := range d.Spread(n, r) {
				polls := trial.Wait(h, job, r)
				calls += float64(len(polls)) / n
				delay += (polls[len(polls)-1] - job.Length).Seconds() / n
			}
			t.Logf("waits: %.3f calls, %.3f s; plans: %.3f calls, %.3f s", calls, delay, price.Calls, price.Delay)
			require.InEpsilon(t, calls+delay, price.Calls+price.Delay, 0.03)
		}
	})

	t.Run("of nothing learned is that of the exponential backoff", func(t *testing.T) {
		d := one(jobs.Lognormal{Median: 60, Deviation: 0.5})
		price, want := trial.Price(new(pace.History), d), trial.Backoff{Initial: 1, Multiplier: 1.25, Cap: 15}.Price(d)
		require.InEpsilon(t, want.Calls, price.Calls, 0.1)
		require.InEpsilon(t, want.Delay, price.Delay, 0.15)
	})
}

func TestExcess(t *testing.T) {
	t.Run("shrinks with the jobs that are known", func(t *testing.T) {
		list, err := trial.NewReference(one(jobs.Lognormal{Median: 60, Deviation: 0.5})).Excess([]int{10, 1000}, 5, 1)
		require.NoError(t, err)
		for _, x := range []trial.Excess{{Cost: list[0].Cost - list[1].Cost, Delay: list[0].Delay - list[1].Delay}} {
			require.Positive(t, x.Cost)
			require.Positive(t, x.Delay)
		}
		require.InDelta(t, 1.01, list[1].Cost, 0.015)
		require.InDelta(t, 1.02, list[1].Delay, 0.03)
	})

	t.Run("needs a call cost that a History accepts", func(t *testing.T) {
		_, err := trial.NewReference(one(jobs.Normal{Mean: 5, Deviation: 0.3})).Excess([]int{1}, 1, 1e6)
		require.Error(t, err)
	})
}
