package survival

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBucket(t *testing.T) {
	t.Run("holds the ages between its edges", func(t *testing.T) {
		for b := range Buckets {
			require.Equal(t, b, bucketOf(edges[b]))
			require.Equal(t, b, bucketOf(math.Nextafter(edges[b+1], 0)))
		}
		for age, want := range map[float64]int{-1: 0, math.Inf(-1): 0, Longest: Buckets - 1, 1e300: Buckets - 1} {
			require.Equal(t, want, bucketOf(age), age)
		}
		require.Zero(t, bucketOf(math.NaN()))
		require.InDelta(t, 29*3600, Longest, 600)
	})
}
