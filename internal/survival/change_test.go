package survival

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A detector reports that the distribution changed before this job, which took so many seconds. The
// plan is of what was learned before it.
type detector interface {
	next(took float64, p *Plan) bool
}

func (r *recent) next(took float64, p *Plan) bool {
	return r.add(bucketOf(took), bucketOf(took)+1, p, 0) > 0
}

// twoInARow is two jobs in a row within the same tail of this probability.
type twoInARow struct {
	tail  float64
	lower bool // the last job was within the lower tail
	upper bool
}

func (d *twoInARow) next(took float64, p *Plan) bool {
	u := 1 - p.odds.alive(took)
	lower, upper := u < d.tail, u > 1-d.tail
	found := lower && d.lower || upper && d.upper
	d.lower, d.upper = lower, upper
	return found
}

// cusum is a CUSUM in both directions (Page, Biometrika 41, 1954) of the logarithm of the
// probability integral transform, which is exponential with mean 1 as long as nothing changes.
type cusum struct{ threshold, low, high float64 }

func (d *cusum) next(took float64, p *Plan) bool {
	const drift = 2
	b := bucketOf(took)
	u := 1 - (p.odds.alive(edges[b])+p.odds.alive(edges[b+1]))/2
	least := 0.5 / (p.jobs + 1)
	u = min(max(u, least), 1-least)
	d.low = max(0, d.low-math.Log(u)-drift)
	d.high = max(0, d.high-math.Log(1-u)-drift)
	return max(d.low, d.high) > d.threshold
}

// runLengths is Bayesian online change-point detection (Adams and MacKay, arXiv:0710.3742). For
// each possible length of the run since the last change, it has the probability and the counts of
// this run's jobs in quarters of an octave, of which each counts a little beforehand. It does not
// use the plan.
type runLengths struct {
	certainty float64
	runs      []run // the shortest first
}

type run struct {
	probability float64
	jobs        float64
	counts      [Buckets/4 + 1]float32
}

func (d *runLengths) next(took float64, _ *Plan) bool {
	const changes, before = 1. / 1000, 1. / (Buckets/4 + 1)
	if d.runs == nil {
		d.runs = []run{{probability: 1}}
	}
	bin, total := bucketOf(took)/4, 0.
	for i := range d.runs {
		r := &d.runs[i]
		r.probability *= (float64(r.counts[bin]) + before) / (r.jobs + 1)
		total += r.probability
		r.jobs++
		r.counts[bin]++
	}
	short := 0.
	for i := range d.runs {
		d.runs[i].probability *= (1 - changes) / total
		if i < window {
			short += d.runs[i].probability
		}
	}
	if len(d.runs) > window && short > d.certainty {
		return true
	}
	d.runs = slices.DeleteFunc(d.runs, func(r run) bool { return r.probability < 1e-12 })
	d.runs = slices.Insert(d.runs, 0, run{probability: changes})
	return false
}

// alarms learns from n jobs of before and then from some of after, and returns how many false
// alarms there were, and after how many jobs of after there was one.
func alarms(create func() detector, before, after model, n int, seed uint64) (wrong, delay int) {
	const most = 100
	r := rand.New(rand.NewPCG(seed, 8))
	d, h := create(), new(Histogram)
	var p *Plan
	made := 0.
	for i := range n + most {
		model := before
		if i >= n {
			model = after
		}
		took := model.draw(r)
		if p != nil && d.next(took, p) {
			if i >= n {
				return wrong, i - n + 1
			}
			wrong++
			d, p = create(), nil
			h.forget(nil)
		}
		h.scale(h.decay(halfLife))
		h.Record(took, took)
		if p == nil || h.jobs > 1.1*made {
			p, made = Posterior(h, nil, prior, 1).Plan(1), h.jobs
		}
	}
	return wrong, most
}

func TestChange(t *testing.T) {
	t.Run("is found soon, and hardly ever where there is none", func(t *testing.T) {
		const jobs, seeds = 1000, 2
		changes := []struct {
			before, after model
			most          float64 // jobs until it is found
		}{
			{normal(60, 3), normal(5, 0.3), 3},
			{normal(5, 0.3), normal(600, 30), 3},
			{lognormal(60, 0.5), lognormal(5, 0.5), 4},
			{lognormal(60, 0.1), lognormal(75, 0.1), 10},
			{gated[3], normal(100, 5), 3}, // no job took so long, but many were longer and many shorter
		}
		for _, test := range []struct {
			name   string
			create func() detector
			worse  bool
		}{
			{"window-limited CUSUM", func() detector { return new(recent) }, false},
			{"CUSUM of the transform", func() detector { return &cusum{threshold: 9} }, true},
			{"run lengths", func() detector { return &runLengths{certainty: 0.99} }, true},
			{"two in a row in a 5 % tail", func() detector { return &twoInARow{tail: 0.05} }, true},
		} {
			wrong := 0.
			for _, m := range slices.Concat(gated, others) {
				for seed := range uint64(seeds) {
					n, _ := alarms(test.create, m, m, jobs, seed)
					wrong += float64(n) / seeds / float64(len(gated)+len(others))
				}
			}
			var delays []float64
			late := false
			for _, c := range changes {
				sum := 0.
				for seed := range uint64(seeds) {
					_, after := alarms(test.create, c.before, c.after, 300, seed)
					sum += float64(after) / seeds
				}
				delays = append(delays, sum)
				late = late || sum > c.most
			}
			t.Logf("%-30s %.3f false alarms in %d jobs, found after %.1f jobs", test.name, wrong, jobs, delays)
			require.Equal(t, test.worse, wrong > jobs/certain || late, test.name)
		}
	})

	// By Ville's inequality, if the plan were right. In two million jobs there were 18.
	t.Run("is found where there is none once in 30,000 jobs at most", func(t *testing.T) {
		const jobs, seeds = 1000, 10
		wrong, all := 0, slices.Concat(gated, others)
		for _, m := range all {
			for seed := range uint64(seeds) {
				n, _ := alarms(func() detector { return new(recent) }, m, m, jobs, 100+seed)
				wrong += n
			}
		}
		t.Logf("%d false alarms in %d jobs", wrong, jobs*seeds*len(all))
		require.LessOrEqual(t, float64(wrong), float64(jobs*seeds*len(all))/certain)
	})

	// The last ones that end are the slow ones, and end in order of their durations.
	t.Run("is not believed where the jobs of a batch end one after the other", func(t *testing.T) {
		for _, m := range []model{lognormal(60, 0.5), exponential(60), gated[3]} {
			for _, n := range []int{30, 100} {
				r := rand.New(rand.NewPCG(1, 9))
				h := new(Histogram)
				for range 300 {
					took := m.draw(r)
					h.Record(took, took)
				}
				for range 10 {
					p := Posterior(h, nil, prior, 1).Plan(1)
					var batch []float64
					for range n {
						batch = append(batch, m.draw(r))
					}
					slices.Sort(batch)
					h.AddRunning(n)
					for _, took := range batch {
						h.AddRunning(-1)
						require.False(t, h.Learn(took, took, p), "%d of %s", n, m.name)
					}
				}

				// Once jobs run one at a time, a change is found again.
				p, jobs := Posterior(h, nil, prior, 1).Plan(1), 1
				for ; !h.Learn(9000, 9000, p); jobs++ {
					require.Less(t, jobs, 6, "after batches of %d of %s", n, m.name)
				}
			}
		}
	})

	t.Run("is found again once few jobs run at once", func(t *testing.T) {
		const n = 20_000
		r, h, m := rand.New(rand.NewPCG(1, 9)), new(Histogram), lognormal(60, 0.5)
		p := Posterior(h, nil, prior, 1).Plan(1)
		learn := func() bool { took := m.draw(r); return h.Learn(took, took, p) }
		for range 300 {
			learn()
		}
		p = Posterior(h, nil, prior, 1).Plan(1)
		h.AddRunning(n)
		for range n {
			h.AddRunning(-1)
			require.False(t, learn())
			require.GreaterOrEqual(t, h.Crowd().Most, n-1.)
		}
		for range window + 1 {
			require.False(t, learn())
		}
		jobs := 1
		for ; !h.Learn(9000, 9000, p); jobs++ {
			require.Less(t, jobs, 3)
		}
	})

	t.Run("of a few of many running jobs is not believed", func(t *testing.T) {
		p := lognormal(60, 0.1).distribution(1000).Plan(1)
		p.jobs = 1000
		needed := func(running float64) (n int) {
			for r := new(recent); n < 100; n++ {
				if b := bucketOf(5); r.add(b, b+1, p, running) > 0 {
					return n + 1
				}
			}
			return n
		}
		require.Equal(t, 2, needed(0))
		require.Equal(t, 3, needed(400))
		require.Equal(t, 5, needed(2000))
		require.Equal(t, 100, needed(100_000))
	})
}
