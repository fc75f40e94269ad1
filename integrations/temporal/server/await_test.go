package main

import (
	"context"
	"flag"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var update = flag.Bool("update", false, "write the history that the tests of the module above replay")

// fixture is a server, a service, and how a test waits on them.
type fixture struct {
	*temporalServer
	service  *pollertest.Server
	endpoint string
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	for _, test := range []struct {
		sentence string
		test     func(*testing.T, *fixture)
	}{
		{"each change stands in the history once", changesOnce},
		{"a worker that is killed between two polls costs nothing", killedBetween},
		{"a worker that is killed during a poll costs that attempt", killedDuring},
		{"a wait ends at its deadline after a last look", timesOut},
		{"a wait whose workers are gone at the deadline ends with what they have recorded", timesOutAlone},
		{"a canceled workflow ends at once, and nothing polls any more", canceled},
		{"a reason of 3 MB ends the wait like any other", failsAtLength},
		{"a workflow that continues as new goes on where it was", continues},
		{"a job is awaited twice at once, and again after that was canceled", awaitsThrice},
		{"the program of the README awaits jobs", readmeProgram},
		{"the sample binds, and undoes", sample},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			t.Parallel()
			service := newService(t)
			test.test(t, &fixture{temporalServer: s, service: service, endpoint: service.Start()})
		})
	}
}

func (f *fixture) execute(t *testing.T, flow any, args ...any) client.WorkflowRun {
	run, err := f.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: t.Name()}, flow, args...)
	require.NoError(t, err)
	return run
}

func result[T any](t *testing.T, run client.WorkflowRun) (value T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, run.Get(ctx, &value))
	return value
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	require.Eventually(t, condition, 30*time.Second, 20*time.Millisecond, what)
}

// pending returns the activity while Temporal pauses before its next attempt; nil otherwise.
func (f *fixture) pending(t *testing.T, run client.WorkflowRun) *workflowpb.PendingActivityInfo {
	described, err := f.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
	require.NoError(t, err)
	for _, a := range described.GetPendingActivities() {
		if a.GetState() == enumspb.PENDING_ACTIVITY_STATE_SCHEDULED && a.GetAttempt() > 1 {
			return a
		}
	}
	return nil
}

// looks are what the polls of a job show, one after the other, whenever they come: five changes.
var looks = []status.Job{
	{Status: status.Waiting}, {Status: status.Waiting}, {Status: status.Running}, {Status: status.Running},
	{Status: status.Running, SubJobs: []status.Job{{ID: "s1", Status: status.Running}}},
	{Status: status.Running, SubJobs: []status.Job{{ID: "s1", Status: status.Success}}},
	{Status: status.Success, SubJobs: []status.Job{{ID: "s1", Status: status.Success}}},
}

var fiveChanges = []string{":->waiting", ":waiting->running", "s1:->running", "s1:running->success", ":running->success"}

// scripted starts a worker in this process.
func (f *fixture) scripted(t *testing.T, looks ...status.Job) {
	var polls atomic.Int32
	w := worker.New(f.Client, t.Name(), worker.Options{})
	require.NoError(t, register(w, poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
		job := looks[min(int(polls.Add(1)), len(looks))-1].Clone()
		job.ID = id
		return poller.Reply{Job: job}, nil
	})))
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func changesOnce(t *testing.T, f *fixture) {
	f.scripted(t, looks...)
	run := f.execute(t, recorded, input{JobID: "j", Transitions: true})
	out := result[output](t, run)
	assert.Equal(t, fiveChanges, out.Told)
	assert.Equal(t, len(looks), out.Polls)
	history := f.history(t, run.GetID())
	assert.Equal(t, 5+6*5, len(history.GetEvents())) // Len prints the history
	var stored []string
	for _, event := range history.GetEvents() {
		if completed := event.GetActivityTaskCompletedEventAttributes(); completed != nil {
			var p waiter.Progress
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(completed.GetResult(), &p))
			for _, change := range p.Transitions {
				stored = append(stored, change.SubJob+":"+string(change.From)+"->"+string(change.To))
			}
		}
	}
	assert.Equal(t, fiveChanges, stored)

	told, err := f.QueryWorkflow(t.Context(), run.GetID(), "", "told")
	require.NoError(t, err)
	var replayed []string
	require.NoError(t, told.Get(&replayed))
	assert.Equal(t, fiveChanges, replayed, "a query of a workflow that has ended replays it")
	if *update {
		data, err := protojson.Marshal(history)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("../testdata/history.json", append(data, '\n'), 0o600))
	}
}

func killedBetween(t *testing.T, f *fixture) {
	w := f.worker(t, t.Name(), f.endpoint)
	id := f.service.Add(pollertest.Script{Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}}, {After: 14 * time.Second, Job: status.Job{Status: status.Success}},
	}})
	run := f.execute(t, recorded, input{JobID: id})
	until(t, "an attempt that has ended", func() bool { return f.pending(t, run) != nil })
	activity := f.pending(t, run)
	require.NotNil(t, activity)
	assert.Equal(t, temporalwait.TypePending, activity.GetLastFailure().GetApplicationFailureInfo().GetType())
	assert.Contains(t, activity.GetLastFailure().GetMessage(), id+" is running")
	var p waiter.Progress
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(activity.GetHeartbeatDetails(), &p))
	assert.Len(t, f.service.Requests(), p.Polls)
	w.restart()
	out := result[output](t, run)
	assert.Equal(t, "success", out.Outcome)
	assert.Len(t, f.service.Requests(), out.Polls, "no poll is forgotten")
}

func killedDuring(t *testing.T, f *fixture) {
	id := f.service.Add(crashScript(1))
	f.service.Fail(pollertest.Rule{JobID: id, Skip: 2, Times: 1, Break: pollertest.Hang})
	w := f.worker(t, t.Name(), f.endpoint)
	run := f.execute(t, recorded, input{JobID: id, Transitions: true})
	until(t, "a poll in flight", func() bool { return len(f.service.Requests()) == 3 })
	w.restart()
	out := result[output](t, run)
	assert.Equal(t, "success", out.Outcome)
	assert.Equal(t, []string{":->running", "s:->running", ":running->success"}, out.Told)
	assert.LessOrEqual(t, len(f.service.Requests())-out.Polls, 2)
}

func endless(f *fixture) string {
	return f.service.Add(pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}})
}

func timesOut(t *testing.T, f *fixture) {
	f.worker(t, t.Name(), f.endpoint)
	for _, transitions := range []bool{false, true} {
		out := result[output](t, f.execute(t, recorded, input{JobID: endless(f), Timeout: 12 * time.Second, Transitions: transitions}))
		assert.Equal(t, "timeout", out.Outcome)
		assert.Equal(t, status.Running, out.Job.Status)
		assert.InDelta(t, 12, out.TimedOut.Seconds(), 1.5)
		polls := f.service.Requests()
		assert.InDelta(t, 3, time.Since(polls[len(polls)-1].At).Seconds(), 1.5)
	}
}

func timesOutAlone(t *testing.T, f *fixture) {
	w := f.worker(t, t.Name(), f.endpoint)
	run := f.execute(t, recorded, input{JobID: endless(f), Timeout: 12 * time.Second})
	until(t, "an attempt that has ended", func() bool { return f.pending(t, run) != nil })
	w.kill()
	until(t, "the end of the activity", func() bool {
		described, err := f.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
		return err == nil && len(described.GetPendingActivities()) == 0
	})
	w.start()
	out := result[output](t, run)
	assert.Equal(t, "timeout", out.Outcome)
	assert.Equal(t, status.Running, out.Job.Status)
	assert.Len(t, f.service.Requests(), out.Polls)
}

func canceled(t *testing.T, f *fixture) {
	f.worker(t, t.Name(), f.endpoint)
	run := f.execute(t, returned, input{JobID: endless(f)})
	until(t, "an attempt that has ended", func() bool { return f.pending(t, run) != nil })
	require.NoError(t, f.CancelWorkflow(t.Context(), run.GetID(), ""))
	began := time.Now()
	err := run.Get(t.Context(), nil)
	assert.Less(t, time.Since(began), 5*time.Second)
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	assert.Equal(t, "canceled", waiter.Outcome(temporalwait.FromError(err)))
	polls := len(f.service.Requests())
	time.Sleep(5 * time.Second) // twice the schedule's next pause
	assert.Len(t, f.service.Requests(), polls)
}

func failsAtLength(t *testing.T, f *fixture) {
	f.scripted(t, status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: strings.Repeat("LDAP server unreachable. ", 120_000)})
	for _, transitions := range []bool{false, true} {
		run := f.execute(t, returned, input{JobID: "j", Transitions: transitions})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err := temporalwait.FromError(run.Get(ctx, nil))
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		assert.Contains(t, err.Error(), "SFS.TURBO.0100: LDAP server unreachable")
		assert.Equal(t, 11, len(f.history(t, run.GetID()).GetEvents())) // Len prints the history
	}
}

func continues(t *testing.T, f *fixture) {
	f.scripted(t, looks...)
	told := result[[]string](t, f.execute(t, renewed, input{JobID: "j"}, []string{}))
	assert.Equal(t, fiveChanges, told)
}

func awaitsThrice(t *testing.T, f *fixture) {
	var over atomic.Bool
	w := worker.New(f.Client, t.Name(), worker.Options{})
	require.NoError(t, register(w, poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
		job := status.Job{ID: id, Status: status.Running}
		if over.Load() {
			job.Status = status.Success
		}
		return poller.Reply{Job: job}, nil
	})))
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	for _, id := range []string{"j", strings.Repeat("long", 500)} {
		over.Store(false)
		run := f.execute(t, thrice, input{JobID: id})
		until(t, "the end of both", func() bool {
			value, err := f.QueryWorkflow(t.Context(), run.GetID(), "", "outcomes")
			var outcomes []string
			return err == nil && value.Get(&outcomes) == nil && len(outcomes) == 2
		})
		over.Store(true)
		assert.Equal(t, []string{"canceled", "canceled", "success"}, result[[]string](t, run))
		history := f.history(t, run.GetID())
		assert.Zero(t, count(history, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED))
		for _, event := range history.GetEvents() {
			if event.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
				var summary string
				require.NoError(t, converter.GetDefaultDataConverter().FromPayload(event.GetUserMetadata().GetSummary(), &summary))
				assert.Equal(t, "job "+id[:min(len(id), 50)], strings.TrimSuffix(summary, "…"))
			}
		}
		replayer := worker.NewWorkflowReplayer()
		replayer.RegisterWorkflow(thrice)
		assert.NoError(t, replayer.ReplayWorkflowHistory(nil, history))
	}
}
