package jobs_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/status"
)

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestShape(t *testing.T) {
	t.Run("has its known values", func(t *testing.T) {
		for _, test := range []struct {
			shape          jobs.Shape
			seconds, alive float64
		}{
			{jobs.Normal{Mean: 5, Deviation: 0.3}, 5, 0.5},
			{jobs.Normal{Mean: 5, Deviation: 0.3}, 5.3, 0.158655},
			{jobs.Lognormal{Median: 60, Deviation: 0.5}, 60, 0.5},
			{jobs.Lognormal{Median: 60, Deviation: 0.5}, 163.0969, 0.0227501}, // two deviations
			{jobs.Weibull{Scale: 60, Power: 0.6}, 60, 0.367879},
			{jobs.Weibull{Scale: 60, Power: 1}, 138.1551, 0.1},
			{jobs.Gamma{Scale: 60, Power: 1}, 138.1551, 0.1},
			{jobs.Gamma{Scale: 20, Power: 2}, 40, 0.4060058}, // 3/e^2
			{jobs.Loglogistic{Median: 50, Power: 3}, 50, 0.5},
			{jobs.Loglogistic{Median: 50, Power: 3}, 100, 1. / 9},
			{jobs.Gompertz{Scale: 10, Initial: 0.1}, 23.02585, 0.4065697}, // exp(-0.9)
			{jobs.Uniform{From: 10, To: 20}, 12.5, 0.75},
		} {
			require.InEpsilon(t, test.alive, test.shape.Survival(test.seconds), 1e-5, "%+v", test.shape)
		}
	})

	t.Run("has a quantile that inverts its survival function", func(t *testing.T) {
		tuned, unseen := jobs.Drawn()
		for _, d := range slices.Concat(jobs.Distributions(), tuned, unseen) {
			var weight float64
			for _, part := range d.Parts {
				weight += part.Weight
				for _, p := range []float64{1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9} {
					require.InEpsilon(t, 1-p, part.Survival(part.Quantile(p)), 1e-6, "%s at %v", d.Name, p)
				}
			}
			require.InDelta(t, 1, weight, 1e-12, d.Name)
		}
	})
}

func TestDrawn(t *testing.T) {
	t.Run("is the same every time, and has two different halves", func(t *testing.T) {
		tuned, unseen := jobs.Drawn()
		again, _ := jobs.Drawn()
		require.Equal(t, tuned, again)
		require.GreaterOrEqual(t, len(tuned), 12)
		require.Len(t, unseen, len(tuned))
		for i := range tuned {
			require.NotEqual(t, tuned[i].Parts, unseen[i].Parts)
		}
	})
}

func TestDistribution(t *testing.T) {
	t.Run("has the mean of its jobs", func(t *testing.T) {
		const n = 100_000
		for _, d := range append(jobs.Distributions(), jobs.Distribution{Parts: []jobs.Part{{Weight: 1, Shape: jobs.Uniform{From: 10, To: 20}}}}) {
			sum := 0.
			for _, job := range d.Spread(n, seeded()) {
				sum += job.Length.Seconds() / n
			}
			require.InEpsilon(t, sum, d.Mean(), 0.002, d.Name)
		}
	})

	t.Run("spreads one job over each share", func(t *testing.T) {
		const n = 500
		for _, d := range jobs.Distributions() {
			list := d.Spread(n, seeded())
			require.Equal(t, list, d.Spread(n, seeded()), "the same jobs for all")
			require.False(t, slices.IsSortedFunc(list, byLength), "in random order")
			failed := 0
			for _, job := range list {
				require.Positive(t, job.Length)
				if job.End == status.Failed {
					failed++
				}
			}
			slices.SortFunc(list, byLength)
			for i, job := range list {
				ended := 1 - d.Survival(job.Length.Seconds())
				require.InDelta(t, (float64(i)+0.5)/n, ended, 1.5/n, "%s, job %d", d.Name, i)
			}
			want := 0
			if len(d.Parts) > 1 && d.Parts[0].End == status.Failed {
				want = int(d.Parts[0].Weight * n)
			}
			require.Equal(t, want, failed, d.Name)
		}
	})

	t.Run("draws jobs of this distribution", func(t *testing.T) {
		const n = 20_000
		for _, d := range jobs.Distributions() {
			list := d.Draw(n, seeded())
			slices.SortFunc(list, byLength)
			for i := n / 10; i < n; i += n / 10 {
				ended := 1 - d.Survival(list[i].Length.Seconds())
				require.InDelta(t, float64(i)/n, ended, 0.015, "%s, job %d of %d", d.Name, i, n)
			}
		}
	})

	t.Run("has fast failures", func(t *testing.T) {
		distributions := jobs.Distributions()
		var slowest time.Duration
		fastest := time.Hour
		for _, job := range distributions[len(distributions)-1].Draw(1000, seeded()) {
			if job.End == status.Failed {
				slowest = max(slowest, job.Length)
			} else {
				fastest = min(fastest, job.Length)
			}
		}
		require.Less(t, slowest, 30*time.Second)
		require.Greater(t, fastest, 20*time.Second)
	})
}

func byLength(a, b jobs.Job) int { return int(a.Length - b.Length) }
