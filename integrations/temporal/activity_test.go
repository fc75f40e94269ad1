package temporalwait_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// attempt is one attempt of the activity, on what an earlier one has recorded, and what it leaves.
type attempt struct {
	heartbeat *waiter.Progress // of this attempt, or of an earlier one
	result    waiter.Progress
	err       error
}

func (a *attempt) run(w *waiter.Waiter, args temporalwait.Args, stop chan struct{}) {
	env := suite().NewTestActivityEnvironment()
	env.RegisterActivity(&temporalwait.Activity{Waiter: w})
	if stop != nil {
		env.SetWorkerStopChannel(stop)
	}
	if a.heartbeat != nil {
		env.SetHeartbeatDetails(*a.heartbeat)
	}
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) {
		var p waiter.Progress
		if a.err = details.Get(&p); a.err == nil {
			a.heartbeat = &p
		}
	})
	value, err := env.ExecuteActivity(temporalwait.ActivityName, args)
	if a.err = err; err == nil {
		a.err = value.Get(&a.result)
	}
}

// pending returns the error of an attempt after which there is another one.
func (a *attempt) pending(t *testing.T) *temporal.ApplicationError {
	e, ok := errors.AsType[*temporal.ApplicationError](a.err)
	require.True(t, ok, "%v", a.err)
	require.Equal(t, temporalwait.TypePending, e.Type(), e)
	return e
}

func TestActivity(t *testing.T) {
	begin := temporalwait.Args{Progress: waiter.Progress{JobID: "j"}}
	for _, s := range []struct {
		sentence string
		test     func(*testing.T)
	}{
		{"stays while the polls are close together", func(t *testing.T) {
			p := scripted.New(scripted.Running, scripted.Running, scripted.Running, scripted.Succeeded)
			var a attempt
			a.run(newWaiter(t, p), begin, nil)
			require.NoError(t, a.err)
			assert.True(t, a.result.Done)
			assert.Equal(t, 4, p.Polls())
		}},
		{"leaves a pending error, benign and short, and its Progress in the heartbeat", func(t *testing.T) {
			p := scripted.New(scripted.Running, &poller.Error{StatusCode: 503, Message: strings.Repeat("long ", 2000)}, scripted.Running)
			var a attempt
			start := time.Now()
			a.run(newWaiter(t, p), begin, nil)
			e := a.pending(t)
			assert.Less(t, time.Since(start), 12*time.Second)
			assert.Equal(t, temporal.ApplicationErrorCategoryBenign, e.Category())
			assert.False(t, e.NonRetryable())
			assert.Less(t, len(e.Error()), 1000)
			assert.Contains(t, e.Error(), "job j is running")
			assert.Equal(t, p.Polls(), a.heartbeat.Polls)
			assert.Greater(t, e.NextRetryDelay(), 2*time.Second)
			assert.WithinDuration(t, a.heartbeat.Due, time.Now().Add(e.NextRetryDelay()), 10*time.Millisecond)
		}},
		{"ends when the next poll is more than two seconds off", func(t *testing.T) {
			p := scripted.New(scripted.Running)
			var a attempt
			a.run(newWaiter(t, p, every(2100*time.Millisecond)), begin, nil)
			assert.Equal(t, 1, p.Polls())
			assert.Equal(t, 2100*time.Millisecond, a.pending(t).NextRetryDelay())
			assert.Empty(t, a.heartbeat.Transitions, "nobody asked for them")
		}},
		{"ends after ten seconds, however close the polls are", func(t *testing.T) {
			p, start := scripted.New(scripted.Running), time.Now()
			var a attempt
			a.run(newWaiter(t, p, every(1900*time.Millisecond)), begin, nil)
			a.pending(t)
			assert.Equal(t, 9500*time.Millisecond, time.Since(start))
			assert.Equal(t, 6, p.Polls())
		}},
		{"leaves a short error also of a job whose status is long", func(t *testing.T) {
			var a attempt
			a.run(newWaiter(t, scripted.New(status.Job{Status: status.Status(strings.Repeat("x", 100_000))})), begin, nil)
			assert.Less(t, len(a.pending(t).Error()), 2000)
		}},
		{"goes on from the heartbeat, so that all attempts follow one schedule", func(t *testing.T) {
			p := scripted.New(scripted.Running)
			var a attempt
			attempts := 0
			for start := time.Now(); time.Since(start) < 5*time.Minute; attempts++ {
				a.run(newWaiter(t, p), begin, nil)
				time.Sleep(a.pending(t).NextRetryDelay())
			}
			assert.Equal(t, p.Polls(), a.heartbeat.Polls)
			assert.Less(t, p.Polls(), 40)
			assert.Less(t, attempts, p.Polls())
		}},
		{"begins again if it cannot read the heartbeat", func(t *testing.T) {
			env := suite().NewTestActivityEnvironment()
			env.RegisterActivity(&temporalwait.Activity{Waiter: newWaiter(t, scripted.New(scripted.Succeeded))})
			env.SetHeartbeatDetails("of another version")
			value, err := env.ExecuteActivity(temporalwait.ActivityName, begin)
			require.NoError(t, err)
			var p waiter.Progress
			require.NoError(t, value.Get(&p))
			assert.Equal(t, status.Success, p.Job.Status)
		}},
		{"begins again, from the job as last seen, if the library cannot use the heartbeat", func(t *testing.T) {
			of := waiter.Progress{JobID: "j", Job: scripted.Running, State: json.RawMessage(`{"version":99}`)}
			of.Job.ID = "j"
			a := attempt{heartbeat: &of}
			a.run(newWaiter(t, scripted.New(scripted.Succeeded)), begin, nil)
			require.NoError(t, a.err)
			assert.Equal(t, status.Success, a.result.Job.Status)
			assert.Equal(t, 1, a.result.Polls)
		}},
		{"refuses a Progress of another job, without a retry", func(t *testing.T) {
			var a attempt
			a.run(newWaiter(t, scripted.New(scripted.Running)), temporalwait.Args{Progress: waiter.Progress{JobID: "j", Job: status.Job{ID: "other"}}}, nil)
			e, ok := errors.AsType[*temporal.ApplicationError](a.err)
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeUsage, e.Type())
			assert.True(t, e.NonRetryable())
		}},
		{"does not poll before the next poll is due, whenever Temporal starts it", func(t *testing.T) {
			p := scripted.New(scripted.Running)
			w := newWaiter(t, p, every(time.Minute))
			var a attempt
			a.run(w, begin, nil)
			time.Sleep(30 * time.Second)
			a.run(w, begin, nil)
			assert.Equal(t, 1, p.Polls())
			assert.InDelta(t, 30, a.pending(t).NextRetryDelay().Seconds(), 0.1)
		}},
		{"completes with each change, if asked to, and keeps it out of the heartbeat", func(t *testing.T) {
			w := newWaiter(t, scripted.New(scripted.Running, scripted.Running, scripted.Succeeded))
			args := temporalwait.Args{Progress: begin.Progress, Changes: true}
			var a attempt
			a.run(w, args, nil)
			require.NoError(t, a.err)
			assert.Nil(t, a.heartbeat, "an attempt that dies here has to see the change again")
			assert.Len(t, a.result.Transitions, 2)
			assert.False(t, a.result.Done)
			args.Progress = a.result
			a = attempt{}
			a.run(w, args, nil)
			require.NoError(t, a.err)
			assert.True(t, a.result.Done)
			assert.Equal(t, status.Success, a.result.Transitions[len(a.result.Transitions)-1].To)
		}},
		{"leaves the wait to another worker when its own stops", func(t *testing.T) {
			p, stop := scripted.New(scripted.Running), make(chan struct{})
			time.AfterFunc(500*time.Millisecond, func() { close(stop) })
			start := time.Now()
			var a attempt
			a.run(newWaiter(t, p, every(2*time.Second)), begin, stop)
			assert.Equal(t, 500*time.Millisecond, time.Since(start))
			assert.InDelta(t, 1.5, a.pending(t).NextRetryDelay().Seconds(), 0.1)
			assert.Equal(t, 1, a.heartbeat.Polls)
		}},
		{"fails with a job of 3 MB that fits", func(t *testing.T) {
			long := scripted.Failed
			long.FailReason = strings.Repeat("\x01", 3<<20) // six bytes each, in JSON
			var a attempt
			a.run(newWaiter(t, scripted.New(long)), begin, nil)
			e, ok := errors.AsType[*temporal.ApplicationError](a.err)
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeFailed, e.Type())
			assert.True(t, e.NonRetryable())
			var job, rest json.RawMessage
			require.NoError(t, e.Details(&job, &rest))
			assert.Less(t, len(job)+len(rest)+len(e.Error()), 1<<20+10_000)
			assert.ErrorIs(t, temporalwait.FromError(a.err), waiter.ErrJobFailed)
		}},
		{"refuses an id that cannot be polled, without a retry", func(t *testing.T) {
			var a attempt
			a.run(newWaiter(t, scripted.New(scripted.Running)), temporalwait.Args{}, nil)
			e, ok := errors.AsType[*temporal.ApplicationError](a.err)
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeUsage, e.Type())
			assert.True(t, e.NonRetryable())
		}},
		{"pauses for no longer than until the last look", func(t *testing.T) { // the environment's timeout is ten minutes
			p := scripted.New(scripted.Running)
			var a attempt
			a.run(newWaiter(t, p, every(time.Hour)), begin, nil)
			assert.Equal(t, 592*time.Second, a.pending(t).NextRetryDelay())
			assert.Equal(t, 592*time.Second, a.heartbeat.Next)
			assert.Equal(t, 1, p.Polls())
			time.Sleep(592 * time.Second)
			a.run(newWaiter(t, p, every(time.Hour)), begin, nil)
			a.pending(t)
			assert.Equal(t, 2, p.Polls())
		}},
		{"ends at the deadline, with what the last look has shown", func(t *testing.T) {
			start := time.Now()
			var a attempt
			a.run(newWaiter(t, poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
				time.Sleep(593 * time.Second)
				return poller.Reply{Job: status.Job{ID: id, Status: status.Running}}, nil
			}), waiter.WithPollTimeout(0)), begin, nil)
			assert.Equal(t, 595*time.Second, time.Since(start))
			err := temporalwait.FromError(a.err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			e, ok := errors.AsType[*waiter.UnfinishedError](err)
			require.True(t, ok)
			assert.Equal(t, status.Running, e.Last.Status)
			assert.Equal(t, 595*time.Second, e.Elapsed)
			assert.Equal(t, 2*time.Second, e.Age)
			assert.Equal(t, 1, e.Polls)
		}},
	} {
		t.Run(s.sentence, func(t *testing.T) { synctest.Test(t, s.test) })
	}
}
