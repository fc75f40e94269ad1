package temporalwait_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/status"
)

func TestAwait(t *testing.T) {
	t.Run("returns the job that has succeeded", func(t *testing.T) {
		p := scripted.New(scripted.Running, scripted.Running, scripted.Succeeded)
		out := record(t, environment(t, p), input{})
		assert.Equal(t, "success", out.Outcome)
		assert.Equal(t, "j", out.Job.ID)
		assert.Equal(t, status.Success, out.Job.SubJobs[0].Status)
		assert.Equal(t, 3, out.Progress.Polls)
		assert.True(t, out.Progress.Done)
	})
	t.Run("returns the library's error of a job that has failed, with the whole job", func(t *testing.T) {
		env := environment(t, scripted.New(scripted.Running, scripted.Failed))
		var e error
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			var job status.Job
			job, e = temporalwait.Await(ctx, "j")
			assert.Equal(t, "SFS.TURBO.0100", job.ErrorCode)
			return nil
		})
		require.NoError(t, env.GetWorkflowError())
		require.ErrorIs(t, e, waiter.ErrJobFailed)
		assert.Equal(t, "failed", waiter.Outcome(e))
		f, ok := errors.AsType[*waiter.FailedError](e)
		require.True(t, ok)
		assert.Equal(t, scripted.Failed.FailReason, f.Job.FailReason)
		assert.Equal(t, "s1", f.Job.SubJobs[0].ID, "kept from an earlier poll")
		assert.Contains(t, e.Error(), "SFS.TURBO.0100: LDAP server unreachable")
	})
	t.Run("returns the library's error of a wait that has ended early", func(t *testing.T) {
		out := record(t, environment(t, scripted.New(scripted.Running, scripted.Refused(http.StatusUnauthorized))), input{})
		assert.Equal(t, "unauthorized", out.Outcome)
		assert.Equal(t, status.Running, out.Job.Status)
		assert.Contains(t, out.Text, "Without WithProgress, Await does that")
	})
	t.Run("goes on through throttling and outages", func(t *testing.T) {
		p := scripted.New(scripted.Refused(http.StatusTooManyRequests), scripted.Running, scripted.Refused(http.StatusBadGateway), scripted.Succeeded)
		out := record(t, environment(t, p), input{})
		assert.Equal(t, "success", out.Outcome)
		assert.Equal(t, map[string]int{"429": 1, "502": 1}, out.Progress.Failures)
	})
	t.Run("refuses a job id that cannot be polled", func(t *testing.T) {
		env := environment(t, scripted.New(scripted.Succeeded))
		env.ExecuteWorkflow(func(ctx workflow.Context) error {
			_, err := temporalwait.Await(ctx, "")
			return err
		})
		e, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
		require.True(t, ok)
		assert.Equal(t, temporalwait.TypeUsage, e.Type())
		assert.True(t, e.NonRetryable())
	})
}

func TestOptions(t *testing.T) {
	for text, option := range map[string]temporalwait.Option{
		"temporalwait: option 1 is nil":                             nil,
		"temporalwait: WithProgress(nil): give it the address":      temporalwait.WithProgress(nil),
		"temporalwait: WithPollTimeout(-1s) is not positive: give ": temporalwait.WithPollTimeout(-time.Second),
	} {
		t.Run("are checked: "+text, func(t *testing.T) {
			p := scripted.New(scripted.Succeeded)
			env := environment(t, p)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				_, err := temporalwait.Await(ctx, "j", option)
				return err
			})
			e, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeUsage, e.Type())
			assert.Contains(t, e.Error(), text)
			assert.Zero(t, p.Polls())
		})
	}
	t.Run("a timeout that is over polls nothing", func(t *testing.T) {
		for _, d := range []time.Duration{0, -time.Minute} {
			p := scripted.New(scripted.Succeeded)
			env := environment(t, p)
			var e error
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				_, e = temporalwait.Await(ctx, "j", temporalwait.WithTimeout(d))
				return nil
			})
			require.NoError(t, env.GetWorkflowError())
			require.ErrorIs(t, e, context.DeadlineExceeded)
			assert.Zero(t, p.Polls())
		}
	})
}

func TestLongTimeouts(t *testing.T) {
	for name, option := range map[string]func(time.Duration) temporalwait.Option{
		"WithTimeout": temporalwait.WithTimeout, "WithPollTimeout": temporalwait.WithPollTimeout,
	} {
		t.Run(name+" takes the longest duration", func(t *testing.T) {
			env := environment(t, scripted.New(scripted.Running, scripted.Succeeded))
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				_, err := temporalwait.Await(ctx, "j", option(math.MaxInt64))
				return err
			})
			require.NoError(t, env.GetWorkflowError())
		})
	}
}

func TestAwaitError(t *testing.T) {
	long := scripted.Failed
	long.FailReason = strings.Repeat("LDAP server unreachable. ", 120_000)
	for name, job := range map[string]status.Job{"short": scripted.Failed, "of 3 MB": long} {
		t.Run("the client finds the library's error of a workflow that returns it, reason "+name, func(t *testing.T) {
			env := environment(t, scripted.New(scripted.Running, job))
			env.ExecuteWorkflow(returned, input{})
			e, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeFailed, e.Type())
			assert.True(t, e.NonRetryable())
			var stored status.Job
			require.NoError(t, e.Details(&stored))
			assert.Equal(t, status.Failed, stored.Status)
			data, err := json.Marshal(stored)
			require.NoError(t, err)
			assert.Less(t, len(data), 1<<20)

			found := temporalwait.FromError(env.GetWorkflowError())
			require.ErrorIs(t, found, waiter.ErrJobFailed)
			f, ok := errors.AsType[*waiter.FailedError](found)
			require.True(t, ok)
			assert.True(t, f.Has("SFS.TURBO.0100"))
			assert.Less(t, len(found.Error()), 5000)
		})
	}
	t.Run("an error that is another's is returned as it is", func(t *testing.T) {
		other := errors.New("other")
		assert.Same(t, other, temporalwait.FromError(other))
		assert.NoError(t, temporalwait.FromError(nil))
		app := temporal.NewNonRetryableApplicationError("no details", temporalwait.TypeFailed, nil)
		assert.Same(t, app, temporalwait.FromError(app))
	})
}

func TestOnTransition(t *testing.T) {
	t.Run("is called once for each change", func(t *testing.T) {
		p := scripted.New(scripted.Running, scripted.Running, scripted.Succeeded)
		out := record(t, environment(t, p), input{Transitions: true})
		assert.Equal(t, whole, out.Told)
		assert.Equal(t, 3, p.Polls())
		assert.Equal(t, 3, out.Progress.Polls, "one count for all activities")
		assert.Empty(t, out.Progress.Transitions)
	})
	t.Run("is called for each change before the end of a job that fails", func(t *testing.T) {
		out := record(t, environment(t, scripted.New(scripted.Running, scripted.Failed)), input{Transitions: true})
		assert.Equal(t, "failed", out.Outcome)
		assert.Equal(t, []string{":->running", "s1:->running", ":running->failed"}, out.Told)
	})
	t.Run("is not called for what a Progress from an earlier run shows", func(t *testing.T) {
		first := record(t, environment(t, scripted.New(scripted.Running, scripted.Refused(http.StatusUnauthorized))), input{Transitions: true})
		require.Equal(t, []string{":->running", "s1:->running"}, first.Told)
		goOn := waiter.Progress{JobID: "j", Job: first.Progress.Job}
		out := record(t, environment(t, scripted.New(scripted.Running, scripted.Succeeded)), input{Transitions: true, Progress: goOn})
		assert.Equal(t, whole[2:], out.Told)
	})
}

func TestWithProgress(t *testing.T) {
	t.Run("a wait that is done is not repeated", func(t *testing.T) {
		done := record(t, environment(t, scripted.New(scripted.Failed)), input{}).Progress
		p := scripted.New(scripted.Succeeded)
		out := record(t, environment(t, p), input{Progress: done})
		assert.Equal(t, "failed", out.Outcome)
		assert.Equal(t, 0, p.Polls())
	})
	t.Run("a workflow that continues as new goes on", func(t *testing.T) {
		env := environment(t, scripted.New(scripted.Running, scripted.Running, scripted.Succeeded))
		flow := func(ctx workflow.Context, p waiter.Progress) error {
			ctx, cancel := workflow.WithCancel(ctx)
			_, err := temporalwait.Await(ctx, "j", temporalwait.WithProgress(&p), temporalwait.OnTransition(func(workflow.Context, status.Transition) { cancel() }))
			require.ErrorIs(t, err, context.Canceled)
			return workflow.NewContinueAsNewError(ctx, "next", p)
		}
		env.ExecuteWorkflow(flow, waiter.Progress{})
		again, ok := errors.AsType[*workflow.ContinueAsNewError](env.GetWorkflowError())
		require.True(t, ok, "%v", env.GetWorkflowError())
		var p waiter.Progress
		require.NoError(t, arguments(again, &p))
		assert.Equal(t, 1, p.Polls)
		out := record(t, environment(t, scripted.New(scripted.Running, scripted.Succeeded)), input{Progress: p, Transitions: true})
		assert.Equal(t, whole[2:], out.Told)
		assert.Equal(t, 3, out.Progress.Polls)
	})
	for name, p := range map[string]waiter.Progress{
		"JobID": {JobID: "other"}, "Job": {Job: status.Job{ID: "other"}}, "Job beside the JobID": {JobID: "j", Job: status.Job{ID: "other"}},
		"long JobID": {JobID: strings.Repeat("other", 1<<10)}, "long Job": {JobID: "j", Job: status.Job{ID: strings.Repeat("other", 1<<10)}},
	} {
		t.Run("a Progress of another job is refused, by its "+name, func(t *testing.T) {
			service := scripted.New(scripted.Succeeded)
			env := environment(t, service)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				job, err := temporalwait.Await(ctx, "j", temporalwait.WithProgress(&p))
				assert.Equal(t, status.Job{ID: "j"}, job)
				return err
			})
			e, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
			require.True(t, ok)
			assert.Equal(t, temporalwait.TypeUsage, e.Type())
			assert.Less(t, len(e.Error()), 1000, "Temporal refuses a long failure, for ever")
			assert.Zero(t, service.Polls())
		})
	}
	t.Run("a Progress whose job is too long for Temporal is cut", func(t *testing.T) {
		p := waiter.Progress{Job: scripted.Running}
		p.Job.FailReason = strings.Repeat("long ", 1<<18)
		env := environment(t, scripted.New(scripted.Succeeded))
		env.SetOnActivityStartedListener(func(_ *activity.Info, _ context.Context, args converter.EncodedValues) {
			var given temporalwait.Args
			require.NoError(t, args.Get(&given))
			assert.Less(t, len(given.Progress.Job.FailReason), 1<<20)
		})
		out := record(t, env, input{Progress: p})
		assert.Equal(t, "success", out.Outcome)
	})
}

func TestAwaitIsCanceled(t *testing.T) {
	env := environment(t, scripted.New(scripted.Running), every(time.Hour))
	env.RegisterDelayedCallback(env.CancelWorkflow, 10*time.Second)
	env.ExecuteWorkflow(returned, input{})
	err := env.GetWorkflowError()
	require.True(t, temporal.IsCanceledError(err))
	assert.Contains(t, err.Error(), "The job itself may go on")
	found := temporalwait.FromError(err)
	require.ErrorIs(t, found, waiter.ErrUnfinished)
	require.ErrorIs(t, found, context.Canceled)
	assert.Equal(t, "canceled", waiter.Outcome(found))
}

// The activity is mocked: Temporal's server times it out when no worker is there.
func TestAwaitTimesOut(t *testing.T) {
	seen := waiter.Progress{JobID: "j", Job: scripted.Running, Polls: 7}
	seen.Job.ID = "j"
	for name, c := range map[string]struct {
		failure error
		polls   int
		status  status.Status
	}{
		"with what was recorded":       {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil, seen), 7, status.Running},
		"if nothing has been recorded": {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, nil), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			env := suite().NewTestWorkflowEnvironment()
			env.RegisterWorkflow(recorded)
			env.RegisterActivityWithOptions(func(context.Context, temporalwait.Args) (waiter.Progress, error) {
				return waiter.Progress{}, c.failure
			}, activity.RegisterOptions{Name: temporalwait.ActivityName})
			out := record(t, env, input{Timeout: time.Minute})
			assert.Equal(t, "timeout", out.Outcome)
			assert.Equal(t, "j", out.Job.ID)
			assert.Equal(t, c.polls, out.Progress.Polls)
			assert.Equal(t, c.status, out.Job.Status)
		})
	}
}
