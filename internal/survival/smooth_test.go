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
			var mass, also [Buckets]float64
			for range 1 + r.IntN(300) {
				mass[r.IntN(Buckets)]++
				also[r.IntN(Buckets)]++
			}
			m, a := smooth(&mass, &also)
			for _, pair := range [][2][Buckets]float64{{mass, m}, {also, a}} {
				before, after := 0., 0.
				for b := range Buckets {
					before += pair[0][b]
					after += pair[1][b]
					require.GreaterOrEqual(t, pair[1][b], 0.)
				}
				require.InEpsilon(t, before, after, 1e-9)
			}
		}
	})

	t.Run("keeps jobs that end at once in the first bucket", func(t *testing.T) {
		var mass, also [Buckets]float64
		mass[0] = 100
		m, _ := smooth(&mass, &also)
		require.InDelta(t, 100, m[0], 1e-9)
	})
}
