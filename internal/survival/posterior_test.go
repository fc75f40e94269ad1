package survival

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPosterior(t *testing.T) {
	t.Run("without jobs is the prior", func(t *testing.T) {
		for _, c := range callCosts {
			p := Posterior(new(Histogram), nil, prior, c).Plan(c)
			require.InEpsilon(t, 15, p.Next(1000)-1000, 0.05)
			require.InEpsilon(t, 15, p.Next(1e6)-1e6, 0.05)
			require.InDelta(t, 3, p.Next(10)-10, 1) // 1.25^n s after 10 s
		}
		require.InDelta(t, 63.2, prior.settled(), 0.1)
	})

	t.Run("is the prior beyond the longest job", func(t *testing.T) {
		var h Histogram
		for range 100 {
			h.Record(5, 5.5)
		}
		p := Posterior(&h, nil, prior, 1).Plan(1)
		require.InEpsilon(t, 5.5, p.Next(0), 0.1)
		require.Less(t, p.Next(20)-20, 8.)
		require.InEpsilon(t, 15, p.Next(300)-300, 0.05)
	})

	// Of 10,000 jobs that began together, those that have ended are the fast ones. A plan for
	// only these polls the others far too often.
	t.Run("counts running jobs as censored", func(t *testing.T) {
		model := lognormal(300, 1)
		r := rand.New(rand.NewPCG(1, 5))
		var fast, all Histogram
		const now = 60.
		for range 10_000 {
			if took := model.draw(r); took < now {
				fast.Record(took, took)
				all.Record(took, took)
			} else {
				all.Pass(0, now)
				all.AddRunning(1)
			}
		}
		calls := func(p *Plan, from, to float64) (n int) {
			for age := from; age < to; age = p.Next(age) {
				n++
			}
			return n
		}
		biased, fair := Posterior(&fast, nil, prior, 1), Posterior(&all, nil, prior, 1)
		known := model.distribution(4000)
		right := calls(known.Plan(1), 0, now)
		require.InDelta(t, right, calls(fair.Plan(1), 0, now), 1)
		require.Greater(t, calls(biased.Plan(1), 0, now), 2*right)

		b := bucketOf(40)
		hazard := (math.Log(model.survival(edges[b])) - math.Log(model.survival(edges[b+1]))) / (edges[b+1] - edges[b])
		require.InEpsilon(t, hazard, fair.hazard[b], 0.15)
		require.InEpsilon(t, 15, fair.Plan(1).Next(100)-100, 0.2, "no job has been this old: the prior")
	})

	// If old passages counted as much as new ones while old ends count less, jobs would seem to take
	// far longer than they do.
	t.Run("of a steady flow of long jobs is not biased", func(t *testing.T) {
		for _, model := range []model{exponential(7200), lognormal(3600, 1)} {
			r := rand.New(rand.NewPCG(1, 2))
			type job struct{ begin, took, last float64 }
			var running []*job
			var h Histogram
			var plan *Plan
			sums, n := map[float64]float64{}, 0.
			for now := 60.; now < 60_000; now += 60 {
				for range 6 {
					running = append(running, &job{begin: now - 60*r.Float64(), took: model.draw(r)})
				}
				h.AddRunning(len(running) - h.Running())
				r.Shuffle(len(running), func(i, j int) { running[i], running[j] = running[j], running[i] })
				running = slices.DeleteFunc(running, func(j *job) bool {
					age := now - j.begin
					if j.took <= age {
						h.Ended(j.last)
						h.Learn(j.took, j.took, plan)
						return true
					}
					h.Pass(j.last, age)
					j.last = age
					return false
				})
				if int(now)%600 == 0 {
					d := Posterior(&h, nil, prior, 1)
					plan = d.Plan(1)
					if now < 20_000 {
						continue
					}
					n++
					for _, age := range []float64{600, 1200, 2400, 4800, 9600} {
						sums[age] += plan.Odds(age, 1.02*age)
					}
				}
			}
			for age, sum := range sums {
				hazard := math.Log(model.survival(age)/model.survival(1.02*age)) / (0.02 * age)
				want := math.Expm1(hazard*0.02*age)/hazard - 0.02*age
				require.InEpsilon(t, want, sum/n, 0.35, "%s at %v s", model.name, age)
			}
		}
	})

	t.Run("of many running jobs and hardly any finished one does not poll often", func(t *testing.T) {
		var h Histogram
		for range 1000 {
			h.Pass(0, 100)
			h.AddRunning(1)
		}
		h.Record(1, 1)
		p := Posterior(&h, nil, prior, 1).Plan(1)
		require.Greater(t, p.Next(10), 60.)
		require.InEpsilon(t, 15, p.Next(150)-150, 0.1)
	})

	t.Run("of a new type begins with all types", func(t *testing.T) {
		var own, all Histogram
		for range 200 {
			all.Record(100, 105)
		}
		require.InEpsilon(t, 105, Posterior(&own, &all, prior, 1).Quantile(0.5), 0.3)
		for range 50 {
			own.Record(5, 5.2)
		}
		require.InEpsilon(t, 5.1, Posterior(&own, &all, prior, 1).Quantile(0.5), 0.1)
	})

	// If they kept the weight of a whole job, they would be 1 in 21, and move the quantile.
	t.Run("gives other types less weight with each job of its own", func(t *testing.T) {
		var own, all Histogram
		for range 200 {
			all.Record(100, 105)
		}
		for range 20 {
			own.Record(5, 5.2)
		}
		require.Less(t, Posterior(&own, &all, prior, 1).Quantile(0.97), 10.)
	})

	// All end in one bucket: a plan with a constant hazard in it would poll where it begins.
	t.Run("of equally long jobs has one poll just after their end", func(t *testing.T) {
		for _, took := range []float64{2, 4.9, 5, 5.1, 19.5, 20, 20.5} {
			h := new(Histogram)
			var p *Plan
			for range 100 {
				require.False(t, h.Learn(took, took, p), "no surprise")
				p = Posterior(h, nil, prior, 1).Plan(1)
			}
			require.GreaterOrEqual(t, p.Next(0), took)
			require.Less(t, p.Next(0), took*1.07)
		}
	})
}
