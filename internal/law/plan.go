package law

import (
	"math"
	"sort"
)

// A Plan says at any age of a job when to look next: the policy of least cost for one
// law. It is immutable and safe for concurrent use.
type Plan struct {
	ages      []float32 // a grid
	next      []uint16  // by point of the grid: where to look after having looked there
	period    float64   // between looks beyond the grid
	cost      float64   // of a call
	low, high float64   // the law's tails begin here, with whole buckets: closer there is no telling
}

const (
	fineness = 8   // points of the grid to an interval between two looks
	most     = 480 // points beyond one a cell, or the grid is coarser
)

// Plan returns the optimum at the call cost c.
func (l Law) Plan(c float64) *Plan {
	g := l.grid(c)
	next, _ := g.solve(c)
	p := &Plan{
		ages: make([]float32, len(g.ages)), next: next,
		period: g.period(c), cost: c,
		low: edges[bucketOf(l.Quantile(tail))], high: edges[bucketOf(l.Quantile(1-tail))+1],
	}
	for i, age := range g.ages {
		p.ages[i] = float32(age)
	}
	return p
}

// A grid is the ages that a plan chooses from, and the law between them.
type grid struct {
	ages, rates []float64 // rates[i] from ages[i] on; the last one for ever
}

// grid divides each cell of the law so finely that a point more or less makes no
// difference: by Keller there are sqrt(rate/(2c)) polls a second.
func (l Law) grid(c float64) grid {
	last := len(l.edges) - 1
	parts := make([]float64, last)
	total := 0.
	for i := range parts {
		parts[i] = fineness * (l.edges[i+1] - l.edges[i]) * math.Sqrt(l.rates[i]/(2*c))
		total += parts[i]
	}
	coarser := max(1, total/most)
	var g grid
	for i, n := range parts {
		n = math.Ceil(n / coarser)
		for k := range max(1, int(n)) {
			g.ages = append(g.ages, l.edges[i]+(l.edges[i+1]-l.edges[i])*float64(k)/max(1, n))
			g.rates = append(g.rates, l.rates[i])
		}
	}
	g.ages = append(g.ages, l.edges[last])
	g.rates = append(g.rates, l.rates[last])
	return g
}

// period is the interval beyond the grid, where the hazard is constant.
func (g grid) period(c float64) float64 { return math.Sqrt(2 * c / g.rates[len(g.rates)-1]) }

// costs are what a plan is computed from. With L the logarithm of the survival
// function and R the mean residual life, the expected cost from a look at point i on is
//
//	V[i] = min over j > i of  c + t[j] - t[i] - R[i] + exp(L[j] - L[i]) * (R[j] + V[j])
//
// The mixed second difference of exp(L[i]) * V[i] in i and j is that of exp(L[i]) * t[j],
// which is never positive (Monge): the best j never decreases in i.
type costs struct {
	t, logS, rest []float64 // rest is R + V
}

// until is what of the cost depends on j, if the next look after i is at j.
func (k costs) until(i, j int) float64 {
	return k.t[j] + math.Exp(k.logS[j]-k.logS[i])*k.rest[j]
}

func (g grid) solve(c float64) (next []uint16, least float64) {
	n := len(g.ages) - 1
	k := costs{g.ages, make([]float64, n+1), make([]float64, n+1)}
	for i := range n {
		k.logS[i+1] = k.logS[i] - g.rates[i]*(g.ages[i+1]-g.ages[i])
	}
	h, d := g.rates[n], g.period(c)
	residual := 1 / h
	k.rest[n] = (c + d) / -math.Expm1(-h*d) // V[n] is this less R[n]
	next = make([]uint16, n+1)
	next[n] = uint16(n) //nolint:gosec // a grid has fewer than 4,000 points

	// The candidates for the points not yet solved, the best for the last of them first,
	// and the last point that each is best for. Of two candidates the nearer one is best
	// up to some point, which a binary search finds: O(n log n).
	type candidate struct{ j, from int }
	queue := []candidate{{n, n - 1}}
	for i := n - 1; i >= 0; i-- {
		for len(queue) > 1 && queue[1].from >= i {
			queue = queue[1:]
		}
		j := queue[0].j
		next[i] = uint16(j) //nolint:gosec // as above
		step := g.ages[i+1] - g.ages[i]
		survives := math.Exp(-g.rates[i] * step)
		residual = -math.Expm1(-g.rates[i]*step)/g.rates[i] + survives*residual
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

// Next returns the age of the next look after one at this age. It is later than age.
func (p *Plan) Next(age float64) float64 {
	last := len(p.ages) - 1
	i := sort.Search(last, func(i int) bool { return (float64(p.ages[i])+float64(p.ages[i+1]))/2 >= age })
	if i == last {
		return age + p.period
	}
	return float64(p.ages[p.next[i]])
}
