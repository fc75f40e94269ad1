package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/proof/bench/optimum"
	"github.com/sfsturbo/waiter/status"
)

// every polls at once, and then at this interval.
func every(interval time.Duration) waitFunc {
	return func(_ context.Context, poll func() status.Job) error {
		for {
			switch poll().Status {
			case status.Success:
				return nil
			case status.Failed:
				return errors.New("failed")
			}
			time.Sleep(interval)
		}
	}
}

func TestCost(t *testing.T) {
	t.Run("is the calls after age 0 and the delay", func(t *testing.T) {
		list := []jobs.Job{{Length: 14 * time.Second, End: status.Success}, {Length: 20 * time.Second, End: status.Failed}}
		require.Equal(t, []cost{{2, 6 * time.Second}, {2, 0}}, waitForAll(t, list, func(int) waitFunc { return every(10 * time.Second) }))
	})

	t.Run("of a job with begin and end times to the second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(900 * time.Millisecond)
			var last status.Job
			_, err := waitFor(t.Context(), jobs.Job{Length: 2300 * time.Millisecond, End: status.Success}, func(ctx context.Context, poll func() status.Job) error {
				return every(time.Second)(ctx, func() status.Job {
					last = poll()
					return last
				})
			})
			require.NoError(t, err)
			require.Equal(t, status.Job{
				ID: "1", Type: "bind_ldap", Status: status.Success,
				BeginTime: "2000-01-01 00:00:00", EndTime: "2000-01-01 00:00:03",
			}, last)
		})
	})

	t.Run("of a wait with the wrong end is an error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for end, wait := range map[status.Status]waitFunc{
				status.Success: func(context.Context, func() status.Job) error { return nil },
				status.Failed: func(ctx context.Context, poll func() status.Job) error {
					_ = every(time.Second)(ctx, poll)
					return nil // as if it had succeeded
				},
			} {
				_, err := waitFor(t.Context(), jobs.Job{Length: time.Minute, End: end}, wait)
				require.Error(t, err)
			}
		})
	})
}

func TestResult(t *testing.T) {
	t.Run("is the mean and the 95th percentile", func(t *testing.T) {
		var costs []cost
		for i := range 100 {
			costs = append(costs, cost{calls: i % 2, delay: time.Duration(i+1) * time.Second})
		}
		require.Equal(t, result{calls: 1.5, mean: 50.5, p95: 95}, summarize(costs))
	})

	t.Run("of all distributions is the geometric mean and the worst", func(t *testing.T) {
		of := func(name string, a, b float64) comparison {
			return comparison{distribution: jobs.Distribution{Name: name}, rows: []row{{name: "one", ratio: a}, {name: "other", ratio: b}}}
		}
		got := summaries([]comparison{of("fast", 16, 1), of("slow", 1, 4)})
		require.Equal(t, []summary{{"other", 2, 4, "slow"}, {"one", 4, 16, "fast"}}, got)
	})
}

func TestMarkdown(t *testing.T) {
	t.Run("is written and read", func(t *testing.T) {
		c := comparison{distribution: jobs.Distribution{Name: "a distribution"}, rows: []row{{name: "one", result: result{2.345, 12.34, 123.4}, ratio: 1.5}}}
		require.Contains(t, distributionTables([]comparison{c}), "### a distribution\n")
		require.Contains(t, distributionTables([]comparison{c}), "| one | 2.35 | 12.3 | 123 | 1.50 |\n")
		require.Contains(t, summaryTable([]comparison{c}), "| one | 1.50 | 1.50 | a distribution |\n")
		require.Equal(t, "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb", between(t, "a\n<!-- x -->\nold\n<!-- end of x -->\nb", "x", "new\n"))
		require.Equal(t, 3, strings.Count(distributionTables([]comparison{c}), "\n|"))
		require.Equal(t, []point{{"one", optimum.Point{Calls: 2.35, Delay: 12.3}}},
			pointsOf(t, "## Each\n\n"+distributionTables([]comparison{c})+"\n<!-- end -->", "a distribution"))
	})
}
