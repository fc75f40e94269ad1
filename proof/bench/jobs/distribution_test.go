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

func TestShapesHaveTheirKnownValues(t *testing.T) {
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
	} {
		require.InEpsilon(t, test.alive, test.shape.Survival(test.seconds), 1e-5, "%+v", test.shape)
	}
}

func TestAQuantileIsWhereSoManyHaveEnded(t *testing.T) {
	for _, law := range jobs.Laws() {
		var weight float64
		for _, part := range law.Parts {
			weight += part.Weight
			for _, p := range []float64{1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9} {
				require.InEpsilon(t, 1-p, part.Survival(part.Quantile(p)), 1e-6, "%s at %v", law.Name, p)
			}
		}
		require.InDelta(t, 1, weight, 1e-12, law.Name)
	}
}

func TestSpreadTakesOneJobFromEachShareOfTheLaw(t *testing.T) {
	const n = 500
	for _, law := range jobs.Laws() {
		list := law.Spread(n, seeded())
		require.Equal(t, list, law.Spread(n, seeded()), "the same jobs for all")
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
			ended := 1 - law.Survival(job.Length.Seconds())
			require.InDelta(t, (float64(i)+0.5)/n, ended, 1.5/n, "%s, job %d", law.Name, i)
		}
		want := 0
		if len(law.Parts) > 1 && law.Parts[0].End == status.Failed {
			want = int(law.Parts[0].Weight * n)
		}
		require.Equal(t, want, failed, law.Name)
	}
}

func TestDrawnJobsAreOfTheLaw(t *testing.T) {
	const n = 20_000
	for _, law := range jobs.Laws() {
		list := law.Draw(n, seeded())
		slices.SortFunc(list, byLength)
		for i := n / 10; i < n; i += n / 10 {
			ended := 1 - law.Survival(list[i].Length.Seconds())
			require.InDelta(t, float64(i)/n, ended, 0.015, "%s, job %d of %d", law.Name, i, n)
		}
	}
}

func TestFailuresAreFastWhereTheLawSaysSo(t *testing.T) {
	laws := jobs.Laws()
	var slowest time.Duration
	fastest := time.Hour
	for _, job := range laws[len(laws)-1].Draw(1000, seeded()) {
		if job.End == status.Failed {
			slowest = max(slowest, job.Length)
		} else {
			fastest = min(fastest, job.Length)
		}
	}
	require.Less(t, slowest, 30*time.Second)
	require.Greater(t, fastest, 20*time.Second)
}

func byLength(a, b jobs.Job) int { return int(a.Length - b.Length) }
