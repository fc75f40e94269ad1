package law

import "math"

// Buckets is how many ages a law is learned in: one up to 0.1 s, then 16 an octave
// for 20 octaves, so that each is 4.4 % wide. The last one, at 29 h, takes what is longer.
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

// Longest is the greatest age that has a bucket of its own, in seconds.
var Longest = edges[Buckets]

// bucketOf returns the bucket of age.
func bucketOf(age float64) int {
	if !(age >= first) {
		return 0
	}
	b := min(1+int(math.Log2(age/first)*perOctave), Buckets-1)
	switch { // the logarithm rounds
	case age < edges[b]:
		return b - 1
	case age >= edges[b+1] && b < Buckets-1:
		return b + 1
	}
	return b
}
