package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/trial"
	"github.com/sfsturbo/waiter/status"
)

func TestChange(t *testing.T) {
	// From the fourth job on, the new distribution is known; no job waits longer than documented.
	t.Run("costs at most twice the optimum after three jobs", func(t *testing.T) {
		one := func(mean, deviation float64) jobs.Distribution {
			return jobs.Distribution{Parts: []jobs.Part{{Weight: 1, End: status.Success, Shape: jobs.Normal{Mean: mean, Deviation: deviation}}}}
		}
		const histories = 20
		for _, test := range []struct {
			name          string
			before, after jobs.Distribution
		}{
			{"60 s to 5 s", one(60, 3), one(5, 0.25)},
			{"5 s to 600 s", one(5, 0.25), one(600, 30)},
		} {
			for _, learned := range []int{20, 100, 1000} {
				least := trial.Least(test.after, 1)
				first, later, latest := 0., 0., 0.
				for seed := range histories {
					h, r := new(pace.History), draws(seed, learned)
					trial.Learn(h, test.before.Draw(learned, r), r)
					for i, job := range test.after.Draw(10, r) {
						polls := trial.Wait(h, job, r)
						delay := (polls[len(polls)-1] - job.Length).Seconds()
						cost := float64(len(polls)) + delay
						if latest = max(latest, delay); i < 3 {
							first += cost / 3 / histories / least
						} else {
							later += cost / 7 / histories / least
						}
						from := 0.
						for _, age := range polls {
							most := min(max(30, 2*from, 2*float64(learned+i)), 300)
							require.LessOrEqual(t, age.Seconds()-from, most+1e-6, "%s, job %d", test.name, i)
							from = age.Seconds()
						}
					}
				}
				t.Logf("%s after %d jobs: jobs 1 to 3 cost %.1f of the optimum, 4 to 10 %.2f; the latest end was seen %.0f s late", test.name, learned, first, later, latest)
				require.LessOrEqual(t, later, 2.0, test.name)
			}
		}
	})
}
