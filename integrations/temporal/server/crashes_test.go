package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var crashJobs = flag.Int("jobs", 500, "how many jobs TestCrashes awaits")

// Two worker processes await many jobs. Each is killed twice with SIGKILL, and between that the
// server is.
func TestCrashes(t *testing.T) {
	t.Parallel()
	s, service := startServer(t), newService(t)
	service.Fail(pollertest.Rule{Delay: 100 * time.Millisecond}) // so that a kill finds polls in flight
	endpoint := service.Start()
	workers := []*process{s.worker(t, "crashes", endpoint), s.worker(t, "crashes", endpoint)}

	begun := time.Now()
	runs := make([]client.WorkflowRun, *crashJobs)
	ids := make([]string, *crashJobs)
	var starting errgroup.Group
	starting.SetLimit(20)
	for n := range runs {
		starting.Go(func() (err error) {
			ids[n] = service.Add(crashScript(n))
			runs[n], err = s.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: ids[n], TaskQueue: "crashes"},
				recorded, input{JobID: ids[n], Transitions: n%2 == 0})
			return err
		})
	}
	require.NoError(t, starting.Wait())
	t.Logf("all started after %s", time.Since(begun).Round(time.Second))
	for _, event := range []struct {
		after time.Duration
		do    func()
	}{
		{2 * time.Second, workers[0].restart},
		{2 * time.Second, workers[1].restart},
		{3 * time.Second, s.restart},
		{5 * time.Second, workers[1].restart},
		{2 * time.Second, workers[0].restart},
	} {
		time.Sleep(event.after/2 + rand.N(event.after))
		event.do()
	}

	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	outputs := make([]output, len(runs))
	for n, run := range runs {
		require.NoError(t, run.Get(ctx, &outputs[n]), "job %d, %s", n, ids[n])
	}
	t.Logf("%d jobs in %s, %d polls", len(runs), time.Since(begun).Round(time.Second), len(service.Requests()))

	polls := map[string][]time.Time{}
	for _, r := range service.Requests() {
		polls[r.JobID] = append(polls[r.JobID], r.At)
	}
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(recorded)
	most, lost := 0, 0
	for n, out := range outputs {
		id := ids[n]
		end := "success"
		if n%5 == 0 {
			end = "failed"
		}
		assert.Equal(t, end, out.Outcome, id)
		assert.Equal(t, end, string(out.Job.Status), id)
		history := s.history(t, id)
		asks := 1
		if n%2 == 0 {
			told := slices.Clone(out.Told)
			slices.Sort(told)
			assert.Contains(t, [][]string{
				{":->running", ":running->" + end, "s:->running"},
				{":->" + end}, // all that the first poll that was recorded could see
			}, told, id)
			asks = min(2, len(told))
		}
		retried := 3 * count(history, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED)
		events := len(history.GetEvents()) - retried
		assert.LessOrEqual(t, events, 5+6*asks, id)
		if n%2 != 0 {
			most = max(most, events)
		}
		assert.NoError(t, replayer.ReplayWorkflowHistory(nil, history), id)

		missing := len(polls[id]) - out.Polls
		lost += missing
		assert.LessOrEqual(t, missing, 4*7, "%s: a worker that dies repeats what its last attempt had polled", id)
		assert.LessOrEqual(t, out.Polls, allowed(polls[id])+asks, id)
	}
	database, err := os.Stat(s.file)
	require.NoError(t, err)
	t.Logf("the database has %d KB a job", database.Size()/1000/int64(len(runs)))
	t.Logf("at most %d events a job; %d polls were repeated after a kill", most, lost)
	assert.LessOrEqual(t, most, 12)
	assert.Positive(t, lost, "the kills have hit nothing")
}

// allowed is how many polls the schedule allows in the time between the first and the last one: the
// k-th pause is at least 0.8 x 1.25^k s. Each change begins it again: that is added by the caller.
func allowed(polls []time.Time) int {
	span, n := polls[len(polls)-1].Sub(polls[0]), 1
	for pause := 800 * time.Millisecond; span > 0; pause = min(pause*5/4, 12*time.Second) {
		span -= pause
		n++
	}
	return n
}

// crashScript is a job of 8 to 23 s; each fifth fails.
func crashScript(n int) pollertest.Script {
	last := status.Job{Status: status.Success}
	if n%5 == 0 {
		last = status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "LDAP server unreachable"}
	}
	return pollertest.Script{ID: fmt.Sprintf("job-%04d", n), Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running, SubJobs: []status.Job{{ID: "s", Status: status.Running}}}},
		{After: time.Duration(8000+n*7919%15000) * time.Millisecond, Job: last},
	}}
}

func (s *temporalServer) history(t *testing.T, workflowID string) *historypb.History {
	history := &historypb.History{}
	for events := s.GetWorkflowHistory(t.Context(), workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		require.NoError(t, err)
		history.Events = append(history.Events, event)
	}
	return history
}

func count(history *historypb.History, types ...enumspb.EventType) (n int) {
	for _, event := range history.GetEvents() {
		if slices.Contains(types, event.GetEventType()) {
			n++
		}
	}
	return n
}
