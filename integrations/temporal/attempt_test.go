package temporalwait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
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

// queue is a limiter whose turn never comes.
type queue struct{}

func (queue) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAttemptInTheLimitersQueue(t *testing.T) {
	run := func(t *testing.T, change func(*activity.Info)) (polls int, err error) {
		w, err := waiter.New(poller.Func(func(context.Context, string) (poller.Reply, error) {
			polls++
			return poller.Reply{}, nil
		}), waiter.WithLimiter(queue{}))
		require.NoError(t, err)
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		follow := func(ctx context.Context, p waiter.Progress) (waiter.Progress, error) {
			a := attempt{Waiter: w, began: time.Now(), info: activity.GetInfo(ctx)}
			change(&a.info)
			return a.follow(ctx, p)
		}
		env.RegisterActivity(follow)
		_, err = env.ExecuteActivity(follow, waiter.Progress{JobID: "j", Job: status.Job{ID: "j", Status: status.Running}})
		return polls, err
	}
	for _, s := range []struct {
		sentence string
		test     func(*testing.T)
	}{
		{"leaves the wait as it was", func(t *testing.T) {
			polls, err := run(t, func(i *activity.Info) { i.ScheduleToCloseTimeout = 0 })
			e, ok := errors.AsType[*temporal.ApplicationError](err)
			require.True(t, ok)
			assert.Equal(t, TypePending, e.Type())
			assert.Equal(t, time.Second, e.NextRetryDelay())
			assert.Zero(t, polls)
		}},
		{"ends the wait at its deadline", func(t *testing.T) {
			polls, err := run(t, func(*activity.Info) {})
			e, ok := errors.AsType[*waiter.UnfinishedError](FromError(err))
			require.True(t, ok, "%v", err)
			require.ErrorIs(t, e, context.DeadlineExceeded)
			assert.Equal(t, status.Running, e.Last.Status)
			assert.Zero(t, polls)
		}},
	} {
		t.Run(s.sentence, func(t *testing.T) { synctest.Test(t, s.test) })
	}
}
