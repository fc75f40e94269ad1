package temporalwait

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// The SDK's environment begins each attempt with ten minutes left. Here there are two seconds.
func TestAttemptBesideTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		w, err := waiter.New(poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
			polls++
			return poller.Reply{Job: status.Job{ID: id, Status: status.Running}}, nil
		}))
		require.NoError(t, err)
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		follow := func(ctx context.Context, p waiter.Progress) (waiter.Progress, error) {
			info := activity.GetInfo(ctx)
			info.ScheduledTime = time.Now().Add(2*time.Second + late - info.ScheduleToCloseTimeout)
			a := attempt{Waiter: w, began: time.Now(), info: info}
			return a.follow(ctx, p)
		}
		env.RegisterActivity(follow)
		start := time.Now()
		_, err = env.ExecuteActivity(follow, waiter.Progress{JobID: "j", Due: start.Add(time.Hour)})
		require.ErrorIs(t, FromError(err), context.DeadlineExceeded)
		assert.Equal(t, 2*time.Second, time.Since(start), "the wait lasts until its deadline")
		assert.Equal(t, 1, polls, "the last look comes although the poll was not due")
	})
}
