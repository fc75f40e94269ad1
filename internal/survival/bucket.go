package survival

import (
	"math"
	"sort"
)

// Buckets is the number of buckets of a Histogram: one up to 0.1 s, then 16 an octave for 20
// octaves, each 4.4 % wide. The last one, at 29 h, also holds everything longer.
const Buckets = 1 + octaves*perOctave

const (
	first     = 0.1 // seconds: where the first bucket ends
	perOctave = 16
	octaves   = 20
)

// edges are where the buckets begin, in seconds, and where the last one ends.
var edges = func() (e [Buckets + 1]float64) {
	for i := range Buckets {
		e[i+1] = first * math.Exp2(float64(i)/perOctave)
	}
	return e
}()

// Longest is where the last bucket ends, in seconds.
var Longest = edges[Buckets]

// bucketOf returns the bucket of age. NaN is in the first one.
func bucketOf(age float64) int {
	return sort.Search(Buckets-1, func(b int) bool { return !(age >= edges[b+1]) })
}
