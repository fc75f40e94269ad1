package law

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var cold = Cold{Initial: 1, Multiplier: 1.25, Cap: 15}

var costsOfACall = []float64{0.3, 1, 3}

// learned is the plan after n finished jobs of the law, without forgetting.
func learned(truth truth, n int, seed uint64, c float64) *Plan {
	var h Histogram
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	for range n {
		took := truth.draw(r)
		h.Record(took, took)
	}
	return Learned(&h, nil, cold, c).Plan(c)
}

// A price is what following a plan costs a job of a law.
type price func(truth truth, p *Plan) float64

func bare(truth truth, p *Plan) float64    { return truth.cost(p.cost, p.Next) }
func guarded(truth truth, p *Plan) float64 { return truth.cost(p.cost, p.guarded) }

// jittered is the mean of 10 jobs' luck.
func jittered(truth truth, p *Plan) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	mean := 0.
	for range 10 {
		mean += truth.cost(p.cost, func(age float64) float64 { return p.Poll(age, 2*r.Float64()-1) }) / 10
	}
	return mean
}

// excess is the price after n jobs over that of the optimum, mean of five seeds: the
// geometric mean over the call costs.
func excess(truth truth, n int, price price) float64 {
	const seeds = 5
	var all []float64
	for _, c := range costsOfACall {
		mean := 0.
		for seed := range uint64(seeds) {
			mean += price(truth, learned(truth, n, seed, c)) / seeds
		}
		all = append(all, mean/truth.optimum(c))
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

func TestWhatIsLearnedCostsLittleMoreThanTheOptimum(t *testing.T) {
	for _, test := range []struct {
		name             string
		laws             []truth
		jobs             int
		together, single float64
	}{
		{"the gated laws", gated, 100, 1.06, 1.10},
		{"the gated laws", gated, 1000, 1.04, 1.04},
		{"laws of another kind", others, 100, 1.10, 1.10},
	} {
		var all []float64
		for _, truth := range test.laws {
			x := excess(truth, test.jobs, bare)
			t.Logf("%4d jobs, %-50s %.4f", test.jobs, truth.name, x)
			require.LessOrEqual(t, x, test.single, "%d jobs, %s", test.jobs, truth.name)
			require.Greater(t, x, 0.9999, "%d jobs, %s: better than the optimum", test.jobs, truth.name)
			all = append(all, x)
		}
		t.Logf("%4d jobs, %-50s %.4f", test.jobs, test.name, geometricMean(all))
		require.LessOrEqual(t, geometricMean(all), test.together, "%d jobs, %s", test.jobs, test.name)
	}
}

func TestTheGuardAndTheJitterCostLittle(t *testing.T) {
	var guard, jitter []float64
	for _, truth := range slices.Concat(gated, others) {
		bare, guarded, jittered := excess(truth, 100, bare), excess(truth, 100, guarded), excess(truth, 100, jittered)
		t.Logf("%-50s guard %.4f, jitter %.4f", truth.name, guarded/bare, jittered/guarded)
		guard, jitter = append(guard, guarded/bare), append(jitter, jittered/guarded)
	}
	t.Logf("%-50s guard %.4f, jitter %.4f", "together", geometricMean(guard), geometricMean(jitter))
	require.Less(t, geometricMean(guard), 1.04)
	require.Less(t, geometricMean(jitter), 1.005)
}
