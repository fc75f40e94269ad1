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
	"github.com/sfsturbo/waiter/status"
)

// every is a schedule of one's own: its first look is at once.
func every(interval time.Duration) waitFunc {
	return func(_ context.Context, look func() status.Job) error {
		for {
			switch look().Status {
			case status.Success:
				return nil
			case status.Failed:
				return errors.New("failed")
			}
			time.Sleep(interval)
		}
	}
}

func TestAWaitCostsItsCallsAfterAgeZeroAndItsDelay(t *testing.T) {
	list := []jobs.Job{{Length: 14 * time.Second, End: status.Success}, {Length: 20 * time.Second, End: status.Failed}}
	require.Equal(t, []cost{{2, 6 * time.Second}, {2, 0}}, waitForAll(t, list, func(int) waitFunc { return every(10 * time.Second) }))
}

func TestTheJobSaysWhenItBeganAndEndedToTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(900 * time.Millisecond)
		var last status.Job
		_, err := waitFor(t.Context(), jobs.Job{Length: 2300 * time.Millisecond, End: status.Success}, func(ctx context.Context, look func() status.Job) error {
			return every(time.Second)(ctx, func() status.Job {
				last = look()
				return last
			})
		})
		require.NoError(t, err)
		require.Equal(t, status.Job{
			ID: "1", Type: "bind_ldap", Status: status.Success,
			BeginTime: "2000-01-01 00:00:00", EndTime: "2000-01-01 00:00:03",
		}, last)
	})
}

func TestAWaitThatEndsWronglyIsNoMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for end, wait := range map[status.Status]waitFunc{
			status.Success: func(context.Context, func() status.Job) error { return nil },
			status.Failed: func(ctx context.Context, look func() status.Job) error {
				_ = every(time.Second)(ctx, look)
				return nil // as if it had succeeded
			},
		} {
			_, err := waitFor(t.Context(), jobs.Job{Length: time.Minute, End: end}, wait)
			require.Error(t, err)
		}
	})
}

func TestAResultIsMeanAndPercentile(t *testing.T) {
	var costs []cost
	for i := range 100 {
		costs = append(costs, cost{calls: i % 2, delay: time.Duration(i+1) * time.Second})
	}
	require.Equal(t, result{calls: 1.5, mean: 50.5, p95: 95}, summarise(costs))
}

func TestASummaryIsTheGeometricMeanAndTheWorst(t *testing.T) {
	of := func(name string, a, b float64) comparison {
		return comparison{law: jobs.Law{Name: name}, rows: []row{{name: "one", ratio: a}, {name: "other", ratio: b}}}
	}
	got := summaries([]comparison{of("fast", 16, 1), of("slow", 1, 4)})
	require.Equal(t, []summary{{"other", 2, 4, "slow"}, {"one", 4, 16, "fast"}}, got)
}

func TestTheTablesAreMarkdown(t *testing.T) {
	c := comparison{law: jobs.Law{Name: "a law"}, rows: []row{{name: "one", result: result{2.345, 12.34, 123.4}, ratio: 1.5}}}
	require.Contains(t, lawTables([]comparison{c}), "### a law\n")
	require.Contains(t, lawTables([]comparison{c}), "| one | 2.35 | 12.3 | 123 | 1.50 |\n")
	require.Contains(t, summaryTable([]comparison{c}), "| one | 1.50 | 1.50 | a law |\n")
	require.Equal(t, "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb", between(t, "a\n<!-- x -->\nold\n<!-- end of x -->\nb", "x", "new\n"))
	require.Equal(t, 3, strings.Count(lawTables([]comparison{c}), "\n|"))
}
