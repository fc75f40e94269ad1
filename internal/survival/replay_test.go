package survival

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// replay waits for these jobs one after the other, and learns from each what its bracket shows: the
// polls around its end, or the end within half a second, by the service's timestamps. It returns
// the mean cost of a job at a call cost of 1 s, and how many changes were found. Without detect it
// looks for none and keeps all jobs.
func replay(list []float64, stamps, detect bool) (cost float64, changes int) {
	r := rand.New(rand.NewPCG(1, 77))
	h := new(Histogram)
	p := Posterior(h, nil, prior, 1).Plan(1)
	since := 0.
	for _, took := range list {
		lo, hi := 0., 0.
		for hi <= took {
			lo, hi = hi, p.Poll(hi, 2*r.Float64()-1)
			cost++
		}
		cost += hi - took
		if stamps {
			lo, hi = max(lo, took-0.5), min(hi, took+0.5)
		}
		since++
		if !detect {
			h.scale(h.decay(halfLife))
			h.Record(lo, hi)
		} else if h.Learn(lo, hi, p) {
			changes++
			since = h.jobs
		}
		if since*10 >= h.jobs {
			p, since = Posterior(h, nil, prior, 1).Plan(1), 0
		}
	}
	return cost / float64(len(list)), changes
}

// What is no change of all jobs from one on must not cost more than what is gained where it is.
func TestReplay(t *testing.T) {
	var r *rand.Rand
	around := func(median float64) float64 { return median * math.Exp(0.1*r.NormFloat64()) }
	const n = 600
	for _, test := range []struct {
		name string
		draw func(i int) float64
		most float64 // cost over that of keeping all jobs
	}{
		{"two kinds at random", func(int) float64 { return around([]float64{5, 60}[r.IntN(2)]) }, 1.01},
		{"two kinds alternately", func(i int) float64 { return around([]float64{5, 60}[i%2]) }, 1.01},
		{"two kinds, ten of each in a row", func(i int) float64 { return around([]float64{5, 60}[i/10%2]) }, 1.2},
		{"1 % take ten times longer", func(int) float64 {
			if r.IntN(100) == 0 {
				return around(600)
			}
			return around(60)
		}, 1.01},
		{"1 of 50 fails at once", func(i int) float64 {
			if i%50 == 49 {
				return around(0.4)
			}
			return around(60)
		}, 1.01},
		{"3 in a row fail at once, of 200", func(i int) float64 {
			if i%200 > 196 {
				return around(0.4)
			}
			return around(60)
		}, 1.2},
		{"slowly from 60 s to 5 s", func(i int) float64 { return around(60 * math.Pow(5./60, float64(i)/n)) }, 0.9},
		{"slowly from 5 s to 600 s", func(i int) float64 { return around(5 * math.Pow(600./5, float64(i)/n)) }, 0.7},
		{"from 60 s to 5 s", func(i int) float64 { return around([]float64{60, 5}[2*i/n]) }, 0.8},
	} {
		t.Run(test.name, func(t *testing.T) {
			r = rand.New(rand.NewPCG(1, 5))
			var list []float64
			for i := range n {
				list = append(list, test.draw(i))
			}
			for _, stamps := range []bool{true, false} {
				cost, changes := replay(list, stamps, true)
				keeping, _ := replay(list, stamps, false)
				t.Logf("timestamps %-5v cost %5.2f, %5.2f of keeping all jobs; %d changes", stamps, cost, cost/keeping, changes)
				require.LessOrEqual(t, cost, test.most*keeping)
			}
		})
	}
}
