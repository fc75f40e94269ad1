package survival

import (
	"math"
	"sort"
)

// A Plan is the policy of least cost for one distribution: for any age of a job, the age of the
// next poll. It is immutable and safe for concurrent use.
type Plan struct {
	ages   []float32 // a grid
	next   []uint16  // for each point of the grid, the point to poll at next
	period float64   // between polls beyond the grid
	cost   float64   // of a call
	jobs   float64   // that the distribution was learned from
	guard  float64   // Guard at age 0
	odds   odds
}

const (
	fineness = 8   // points of the grid for each interval between two polls
	most     = 480 // points in addition to one for each cell; the grid gets coarser to stay within it
)

// Plan returns the optimal policy at the call cost c, in seconds.
func (d Distribution) Plan(c float64) *Plan {
	g := d.grid(c)
	next, _ := g.solve(c)
	p := &Plan{
		ages: make([]float32, len(g.ages)), next: next,
		period: g.period(c), cost: c, jobs: d.learned, guard: Guard(0, d.Jobs, c),
		odds: d.odds(),
	}
	for i, age := range g.ages {
		p.ages[i] = float32(age)
	}
	return p
}

// A grid is the ages that a plan chooses from, and the hazard between them.
type grid struct {
	ages, hazard []float64 // hazard[i] applies from ages[i] on; the last one has no end
}

// grid divides each cell of the distribution so finely that one point more or less makes no
// difference: by Keller there are sqrt(hazard/(2c)) polls a second. Fewer points an interval cost
// about 1/points^2 of it, so that of a limited number of points the cells get shares that go by the
// cube root of how many jobs reach them. Otherwise ages that hardly any job reaches, where the
// prior polls often, would take nearly all points.
func (d Distribution) grid(c float64) grid {
	last := len(d.edges) - 1
	parts := make([]float64, last)
	total, logS := 0., 0.
	for i := range parts {
		width := d.edges[i+1] - d.edges[i]
		parts[i] = fineness * width * math.Sqrt(d.hazard[i]/(2*c)) * math.Exp(logS/3)
		total += parts[i]
		logS -= d.hazard[i] * width
	}
	coarser := max(1, total/most)
	var g grid
	for i, n := range parts {
		n = math.Ceil(n / coarser)
		for k := range max(1, int(n)) {
			g.ages = append(g.ages, d.edges[i]+(d.edges[i+1]-d.edges[i])*float64(k)/max(1, n))
			g.hazard = append(g.hazard, d.hazard[i])
		}
	}
	g.ages = append(g.ages, d.edges[last])
	g.hazard = append(g.hazard, d.hazard[last])
	return g
}

// period returns the interval beyond the grid, where the hazard is constant.
func (g grid) period(c float64) float64 { return math.Sqrt(2 * c / g.hazard[len(g.hazard)-1]) }

// costs is what a plan is computed from. With L the logarithm of the survival function and R the
// mean residual life, the expected cost from a poll at point i on is
//
//	V[i] = min over j > i of  c + t[j] - t[i] - R[i] + exp(L[j] - L[i]) * (R[j] + V[j])
//
// The mixed second difference of exp(L[i]) * V[i] in i and j is that of exp(L[i]) * t[j], which is
// never positive (Monge): the best j never decreases as i grows.
type costs struct {
	t, logS, rest []float64 // rest is R + V
}

// until returns the part of V[i] that depends on j, the point of the next poll.
func (k costs) until(i, j int) float64 {
	return k.t[j] + math.Exp(k.logS[j]-k.logS[i])*k.rest[j]
}

// solve returns for each point of the grid the best point for the next poll, and the least expected
// cost from age 0 on.
func (g grid) solve(c float64) (next []uint16, least float64) {
	n := len(g.ages) - 1
	k := costs{g.ages, make([]float64, n+1), make([]float64, n+1)}
	for i := range n {
		k.logS[i+1] = k.logS[i] - g.hazard[i]*(g.ages[i+1]-g.ages[i])
	}
	h, d := g.hazard[n], g.period(c)
	residual := 1 / h
	k.rest[n] = (c + d) / -math.Expm1(-h*d) // V[n] is this minus R[n]
	next = make([]uint16, n+1)
	next[n] = uint16(n) //nolint:gosec // a grid has fewer than 4,000 points

	// The candidates for the points not yet solved, the best for the last of them first, each
	// with the last point that it is best for. Of two candidates, the nearer one is best up to
	// some point, which a binary search finds: O(n log n).
	type candidate struct{ j, from int }
	queue := []candidate{{n, n - 1}}
	for i := n - 1; i >= 0; i-- {
		for len(queue) > 1 && queue[1].from >= i {
			queue = queue[1:]
		}
		j := queue[0].j
		next[i] = uint16(j) //nolint:gosec // as above
		step := g.ages[i+1] - g.ages[i]
		survives := math.Exp(-g.hazard[i] * step)
		residual = -math.Expm1(-g.hazard[i]*step)/g.hazard[i] + survives*residual
		least = c + k.until(i, j) - g.ages[i] - residual
		k.rest[i] = residual + least

		from := i - 1
		for len(queue) > 0 {
			last := queue[len(queue)-1]
			if at := min(last.from, i-1); at >= 0 && k.until(at, i) <= k.until(at, last.j) {
				queue = queue[:len(queue)-1]
				from = at
				continue
			}
			from = sort.Search(min(last.from, i-1)+1, func(at int) bool { return k.until(at, i) > k.until(at, last.j) }) - 1
			break
		}
		if from >= 0 {
			queue = append(queue, candidate{i, from})
		}
	}
	return next, least
}

// Next returns the age of the next poll after one at this age. It is always later than age.
func (p *Plan) Next(age float64) float64 {
	last := len(p.ages) - 1
	i := sort.Search(last, func(i int) bool { return (float64(p.ages[i])+float64(p.ages[i+1]))/2 >= age })
	if i == last {
		return age + p.period
	}
	return float64(p.ages[p.next[i]])
}
