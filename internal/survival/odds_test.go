package survival

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// survivalAt is the survival function of d, from its hazard alone.
func survivalAt(d Distribution, age float64) float64 {
	logS := 0.
	for i, hazard := range d.hazard {
		end := math.Inf(1)
		if i+1 < len(d.edges) {
			end = d.edges[i+1]
		}
		if age <= end {
			return math.Exp(logS - hazard*(age-d.edges[i]))
		}
		logS -= hazard * (end - d.edges[i])
	}
	panic("the last cell has no end")
}

// summedOdds integrates the odds in many small steps.
func summedOdds(d Distribution, from, to float64) (sum float64) {
	const steps = 20_000
	alive, step := survivalAt(d, from), (to-from)/steps
	for i := range steps {
		sum += (alive/survivalAt(d, from+(float64(i)+0.5)*step) - 1) * step
	}
	return sum
}

func TestOdds(t *testing.T) {
	t.Run("are the integral of the odds that the job has ended", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			d := randomDistribution(r)
			p := d.Plan(1)
			end := 1.2 * d.edges[len(d.edges)-1]
			from := end * r.Float64()
			to := from + (end-from)*r.Float64()
			if survivalAt(d, to) < 1e-100*survivalAt(d, from) {
				continue
			}
			want := summedOdds(d, from, to)
			require.InDelta(t, want, p.Odds(from, to), 1e-3*want+1e-6*(to-from), "%v to %v", from, to)
		}
	})

	t.Run("reach the call cost when a plan for a constant hazard polls", func(t *testing.T) {
		for _, c := range []float64{0.1, 1, 10} {
			p := exponential(60).distribution(4000).Plan(c)
			require.InEpsilon(t, c, p.Odds(30, p.Next(30)), 0.05)
		}
	})

	t.Run("within one cell are those of a constant hazard", func(t *testing.T) {
		p := Distribution{edges: []float64{0, 100, 200}, hazard: []float64{0.01, 0.05, 0.02}}.Plan(1)
		for _, u := range []float64{1e-3, 1, 10, 50} {
			require.InEpsilon(t, math.Expm1(0.05*u)/0.05-u, p.Odds(120, 120+u), 1e-4, "%v s", u)
		}
		require.Less(t, p.Odds(120, 120.001), p.Odds(120, 120.002))
	})

	t.Run("grow without bound, whatever was learned", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 3))
		for name, p := range map[string]*Plan{
			"nothing":             Posterior(new(Histogram), nil, prior, 1).Plan(1),
			"jobs of 5 s":         learned(normal(5, 0.3), 1000, 1, 1),
			"jobs of an hour":     learned(lognormal(3600, 0.1), 1000, 1, 1),
			"two humps":           learned(gated[3], 1000, 1, 1),
			"a hazard of 1000":    Distribution{edges: []float64{0, 1, 2}, hazard: []float64{1000, 1000, 1}}.Plan(1),
			"no hazard for a day": Distribution{edges: []float64{0, 86400}, hazard: []float64{leastHazard, 0.001}}.Plan(1),
		} {
			for range 200 {
				from := math.Exp(12*r.Float64() - 2)
				last := 0.
				for u := 1.; u < 1e7; u *= 1.5 {
					index := p.Odds(from, from+u)
					require.False(t, math.IsNaN(index), name)
					require.GreaterOrEqual(t, index, last*(1-1e-9), name)
					last = index
				}
				require.Greater(t, last, 1e6, name)
			}
		}
	})

	// The schedule polls them every 15 s, which is no reason to poll them before all others.
	t.Run("of jobs older than any other do not outrank those that are about to end", func(t *testing.T) {
		var h Histogram
		for range 100 {
			h.Record(55, 65)
		}
		for range 40 {
			h.Pass(0, 20_000)
			h.AddRunning(1)
		}
		p := Posterior(&h, nil, prior, 1).Plan(1)
		require.InEpsilon(t, 15, p.Next(40_000)-40_000, 0.05)
		for _, late := range []float64{10, 100, 200} {
			require.Greater(t, p.Odds(0, 60+late), p.Odds(20_000, 20_060+late))
		}
	})

	t.Run("are 0 at the last poll and before it", func(t *testing.T) {
		p := Posterior(new(Histogram), nil, prior, 1).Plan(1)
		require.Zero(t, p.Odds(5, 5))
		require.Zero(t, p.Odds(5, 4))
	})
}

func BenchmarkOdds(b *testing.B) {
	p := learned(gated[2], 100, 1, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.Odds(float64(i%1000), float64(i%1000+200))
	}
}
