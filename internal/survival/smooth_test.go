package survival

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmooth(t *testing.T) {
	t.Run("keeps the total", func(t *testing.T) {
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 4))
			var mass [Buckets]float64
			for range 1 + r.IntN(300) {
				mass[r.IntN(Buckets)]++
			}
			before, after := 0., 0.
			for b, m := range smooth(&mass) {
				before += mass[b]
				after += m
				require.GreaterOrEqual(t, m, 0.)
			}
			require.InEpsilon(t, before, after, 1e-9)
		}
	})

	t.Run("keeps jobs that end at once in the first bucket", func(t *testing.T) {
		mass := [Buckets]float64{100}
		require.InDelta(t, 100, smooth(&mass)[0], 1e-9)
	})
}
