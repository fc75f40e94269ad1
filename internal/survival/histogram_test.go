package survival

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// weighted is the exact quantile of values that count differently.
func weighted(values, weights []float64, p float64) float64 {
	order := make([]int, len(values))
	total := 0.
	for i := range order {
		order[i] = i
		total += weights[i]
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	left := p * total
	for _, i := range order {
		if left -= weights[i]; left <= 0 {
			return values[i]
		}
	}
	return values[order[len(order)-1]]
}

func TestHistogram(t *testing.T) {
	t.Run("spreads a job evenly between its bounds", func(t *testing.T) {
		var h Histogram
		h.Record(5, 8)
		for _, p := range []float64{0.1, 0.5, 0.9} {
			require.InEpsilon(t, 5+3*p, h.Quantile(p), 0.045)
		}
		require.InDelta(t, 1, h.Jobs(), 1e-12)
		sum := 0.
		for _, n := range h.Counts() {
			sum += n
		}
		require.InDelta(t, 1, sum, 1e-12)
		h.Record(5, 1e9) // beyond the last bucket
		require.InDelta(t, 2, h.Jobs(), 1e-12)
	})

	t.Run("has quantiles within 5 % of the exact ones", func(t *testing.T) {
		for _, model := range slices.Concat(gated, others) {
			var h Histogram
			var values, weights []float64
			r := rand.New(rand.NewPCG(1, 3))
			for range 501 {
				took := model.draw(r) + 0.1
				for i := range weights {
					weights[i] *= math.Exp2(-1. / 1000)
				}
				values, weights = append(values, took), append(weights, 1)
				h.scale(h.decay(halfLife))
				h.Record(took, took)
			}
			for _, p := range []float64{0.5, 0.9} {
				require.InEpsilon(t, weighted(values, weights, p), h.Quantile(p), 0.05, "%s, %v", model.name, p)
			}
		}
	})

	t.Run("counts a job half after a thousand more, or a hundred without a plan", func(t *testing.T) {
		for _, test := range []struct {
			plan *Plan
			more int
		}{{nil, 100}, {lognormal(50, 0.1).distribution(1000).Plan(1), 1000}} {
			var h Histogram
			h.Record(3, 3)
			for range test.more {
				require.False(t, h.Learn(49, 51, test.plan))
			}
			require.InDelta(t, 0.5, h.Counts()[bucketOf(3)], 1e-6)
			require.InDelta(t, 0.5+0.5/(1-math.Exp2(-1/float64(test.more))), h.Jobs(), 1e-6)
		}
	})

	t.Run("counts a job half after as many more as run at once", func(t *testing.T) {
		var h Histogram
		h.AddRunning(400)
		h.Learn(3, 3, nil)
		for range 400 {
			h.Learn(50, 50, nil)
		}
		require.InDelta(t, 0.5, h.Counts()[bucketOf(3)], 1e-6)
	})

	t.Run("forgets what was before a change", func(t *testing.T) {
		h := new(Histogram)
		for range 100 {
			h.Learn(60, 60, nil)
		}
		p := Posterior(h, nil, prior, 1).Plan(1)
		n := 1
		for ; !h.Learn(5, 5, p); n++ {
			require.Greater(t, h.Counts()[bucketOf(60)], 50.)
		}
		require.LessOrEqual(t, n, 3)
		require.InDelta(t, n, h.Counts()[bucketOf(5)], 0.05, "those since the change count 1")
		require.InDelta(t, remainder+n, h.Jobs(), 0.05)
		require.Empty(t, h.Recent(), "what it takes for the next change begins again")
	})

	t.Run("keeps what was seen of the running jobs at a change", func(t *testing.T) {
		h := new(Histogram)
		for range 1000 {
			h.Learn(60, 60, nil)
		}
		p := Posterior(h, nil, prior, 1).Plan(1)
		h.Pass(0, 50)
		h.AddRunning(1)
		for n := 0; !h.Learn(5, 5, p); n++ {
			require.Less(t, n, 5)
		}
		require.InDelta(t, 1, h.passed[bucketOf(0)], 0.02)
		h.AddRunning(-1)
		h.Ended(50)
		h.Learn(60, 60, p)
		for b, n := range h.passed {
			require.InDelta(t, 0, n, 0.02, "bucket %d", b)
		}
	})

	t.Run("forgets a job in the end", func(t *testing.T) {
		var h Histogram
		h.Record(3, 3)
		for range 5000 {
			h.Learn(50, 50, nil)
		}
		require.Zero(t, h.Counts()[bucketOf(3)])
		require.InDelta(t, 1/(1-h.decay(untested)), h.Jobs(), 1e-6)
	})

	t.Run("forgets a running job that is removed", func(t *testing.T) {
		var h Histogram
		h.Pass(0, 3)
		h.Pass(0, 700)
		h.Ended(3)
		h.Ended(700)
		require.Equal(t, [Buckets]float64{}, h.passed)
	})

	t.Run("restores its counts", func(t *testing.T) {
		var h, restored Histogram
		for i := range 300 {
			h.Learn(float64(i), float64(2*i), nil)
		}
		restored.Pass(0, 9)
		restored.Record(1, 1)
		restored.Restore(h.Counts(), nil, Crowd{})
		require.InDelta(t, h.Jobs(), restored.Jobs(), 1e-9)
		require.InDelta(t, h.Quantile(0.3), restored.Quantile(0.3), 1e-9)
	})

	// A program that waits for one job in each run notices a change too.
	t.Run("restores what speaks for a change", func(t *testing.T) {
		for _, before := range []int{0, 3, window, 3*window + 1} {
			h := new(Histogram)
			for range 200 {
				h.Record(58, 62)
			}
			p := Posterior(h, nil, prior, 1).Plan(1)
			for range before {
				require.False(t, h.Learn(58, 62, p))
			}
			var changed []bool
			for range 4 {
				last := h.Recent()
				restored := &Histogram{}
				restored.Restore(h.Counts(), last, h.Crowd())
				require.Equal(t, last, restored.Recent())
				require.LessOrEqual(t, len(last), window)
				c := h.Learn(5, 5, p)
				require.Equal(t, c, restored.Learn(5, 5, p))
				changed = append(changed, c)
				h = restored
			}
			require.Contains(t, changed, true)
		}
	})
}
