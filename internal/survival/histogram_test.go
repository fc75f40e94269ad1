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
					weights[i] *= math.Exp2(-1. / 100)
				}
				values, weights = append(values, took), append(weights, 1)
				h.scale(h.decay())
				h.Record(took, took)
			}
			for _, p := range []float64{0.5, 0.9} {
				require.InEpsilon(t, weighted(values, weights, p), h.Quantile(p), 0.05, "%s, %v", model.name, p)
			}
		}
	})

	t.Run("counts a job half after a hundred more", func(t *testing.T) {
		var h Histogram
		h.Record(3, 3)
		for range 100 {
			h.scale(h.decay())
			h.Record(50, 50)
		}
		require.InDelta(t, 0.5, h.Counts()[bucketOf(3)], 1e-6)
		require.InDelta(t, 0.5+0.5/(1-math.Exp2(-0.01)), h.Jobs(), 1e-6)
	})

	t.Run("is surprised by two jobs in a row within the same tail", func(t *testing.T) {
		h := new(Histogram)
		for range 100 {
			h.Learn(60, 60, nil)
		}
		p := Posterior(h, nil, prior, 1).Plan(1)
		n := h.Jobs()
		for _, test := range []struct {
			took float64
			want bool
		}{{5, false}, {60, false}, {5, false}, {500, false}, {5, false}, {5, true}, {5, false}, {5, true}, {500, false}, {500, true}} {
			require.Equal(t, test.want, h.Learn(test.took, test.took, p))
		}
		require.Less(t, h.Counts()[bucketOf(60)], n/900)
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

	t.Run("is surprised by more in a row where many jobs run", func(t *testing.T) {
		for _, test := range []struct{ running, want int }{{0, 2}, {19, 2}, {20, 3}, {399, 3}, {400, 4}, {8000, 5}} {
			h := new(Histogram)
			h.AddRunning(test.running)
			for range 100 {
				h.Learn(60, 60, nil)
			}
			h.AddRunning(-test.running)
			p := Posterior(h, nil, prior, 1).Plan(1)
			h.AddRunning(test.running)
			h.Learn(5, 5, p)
			for n := 1; n < test.want; n++ { // those in the other tail do not count
				require.False(t, h.Learn(500, 500, p), "%d of %d, %d run", n, test.want, test.running)
			}
			require.True(t, h.Learn(500, 500, p), "%d run", test.running)
		}
	})

	t.Run("forgets a job in the end", func(t *testing.T) {
		var h Histogram
		h.Record(3, 3)
		for range 5000 {
			h.Learn(50, 50, nil)
		}
		require.Zero(t, h.Counts()[bucketOf(3)])
		require.InDelta(t, 1/(1-h.decay()), h.Jobs(), 1e-6)
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
		restored.Restore(h.Counts())
		require.InDelta(t, h.Jobs(), restored.Jobs(), 1e-9)
		require.InDelta(t, h.Quantile(0.3), restored.Quantile(0.3), 1e-9)
	})
}
