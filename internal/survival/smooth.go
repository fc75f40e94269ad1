package survival

import "math"

const (
	reach     = 1.2             // a triangle's half-width, in distances to the sqrt(n)-th neighbor
	narrowest = 0.5             // buckets
	widest    = 1.2 * perOctave // buckets
)

// smooth spreads each bucket's mass by a triangle on the logarithmic axis. The fewer jobs have
// ended around a bucket, the wider is its triangle.
func smooth(mass *[Buckets]float64) (m [Buckets]float64) {
	total := 0.
	for _, n := range mass {
		total += n
	}
	for b := range Buckets {
		if mass[b] == 0 {
			continue
		}
		half := min(max(reach*distance(mass, b, math.Sqrt(total)), narrowest), widest)
		before := 0.
		for k := b - int(half+0.5); before < 1; k++ {
			upTo := triangle((float64(k-b) + 0.5) / half)
			m[min(max(k, 0), Buckets-1)] += mass[b] * (upTo - before)
			before = upTo
		}
	}
	return m
}

// triangle is the cumulative distribution function of the triangle from -1 to 1.
func triangle(x float64) float64 {
	switch {
	case x <= -1:
		return 0
	case x >= 1-1e-12:
		return 1
	case x < 0:
		return (x + 1) * (x + 1) / 2
	}
	return 1 - (1-x)*(1-x)/2
}

// distance returns how many buckets lie between the middle of bucket b and the n-th neighbor of a
// job there, or widest if there is no such neighbor within reach.
func distance(mass *[Buckets]float64, b int, n float64) float64 {
	left := n + 1 - mass[b] // a job is not its own neighbor
	if left <= 0 {
		return 0.5 * n / (mass[b] - 1)
	}
	for r := 1; r <= int(widest/reach)+1; r++ {
		ring := 0.
		if b-r >= 0 {
			ring += mass[b-r]
		}
		if b+r < Buckets {
			ring += mass[b+r]
		}
		if ring >= left {
			return float64(r) - 0.5 + left/ring
		}
		left -= ring
	}
	return widest
}
