package survival

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var prior = Prior{Initial: 1, Multiplier: 1.25, Cap: 15}

var callCosts = []float64{0.3, 1, 3}

// learned returns the plan after n finished jobs of the model, without forgetting.
func learned(model model, n int, seed uint64, c float64) *Plan {
	var h Histogram
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	for range n {
		took := model.draw(r)
		h.Record(took, took)
	}
	return Posterior(&h, nil, prior, c).Plan(c)
}

// A price is what a job of the model costs, on average, if it is polled by the plan.
type price func(model model, p *Plan) float64

func bare(model model, p *Plan) float64    { return model.cost(p.cost, p.Next) }
func guarded(model model, p *Plan) float64 { return model.cost(p.cost, p.guarded) }

// jittered is the mean over 10 draws of the jitter.
func jittered(model model, p *Plan) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	mean := 0.
	for range 10 {
		mean += model.cost(p.cost, func(age float64) float64 { return p.Poll(age, 2*r.Float64()-1) }) / 10
	}
	return mean
}

// excess returns the price after n jobs, as the mean of five seeds, divided by that of the
// optimum: the geometric mean over the call costs.
func excess(model model, n int, price price) float64 {
	const seeds = 5
	var all []float64
	for _, c := range callCosts {
		mean := 0.
		for seed := range uint64(seeds) {
			mean += price(model, learned(model, n, seed, c)) / seeds
		}
		all = append(all, mean/model.optimum(c))
	}
	return geometricMean(all)
}

func geometricMean(list []float64) float64 {
	sum := 0.
	for _, x := range list {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(list)))
}

func TestGate(t *testing.T) {
	t.Run("a learned plan costs little more than the optimum", func(t *testing.T) {
		for _, test := range []struct {
			name             string
			models           []model
			jobs             int
			together, single float64
		}{
			{"the gated models", gated, 100, 1.06, 1.10},
			{"the gated models", gated, 1000, 1.04, 1.04},
			{"models of another kind", others, 100, 1.10, 1.10},
		} {
			var all []float64
			for _, model := range test.models {
				x := excess(model, test.jobs, bare)
				t.Logf("%4d jobs, %-50s %.4f", test.jobs, model.name, x)
				require.LessOrEqual(t, x, test.single, "%d jobs, %s", test.jobs, model.name)
				require.Greater(t, x, 0.9999, "%d jobs, %s: better than the optimum", test.jobs, model.name)
				all = append(all, x)
			}
			t.Logf("%4d jobs, %-50s %.4f", test.jobs, test.name, geometricMean(all))
			require.LessOrEqual(t, geometricMean(all), test.together, "%d jobs, %s", test.jobs, test.name)
		}
	})

	t.Run("guard and jitter cost little", func(t *testing.T) {
		var guard, jitter []float64
		for _, model := range slices.Concat(gated, others) {
			bare, guarded, jittered := excess(model, 100, bare), excess(model, 100, guarded), excess(model, 100, jittered)
			t.Logf("%-50s guard %.4f, jitter %.4f", model.name, guarded/bare, jittered/guarded)
			guard, jitter = append(guard, guarded/bare), append(jitter, jittered/guarded)
		}
		t.Logf("%-50s guard %.4f, jitter %.4f", "together", geometricMean(guard), geometricMean(jitter))
		require.Less(t, geometricMean(guard), 1.01)
		require.Less(t, geometricMean(jitter), 1.005)
	})
}
