package temporalwait_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func suite() *testsuite.WorkflowTestSuite {
	var s testsuite.WorkflowTestSuite
	s.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return &s
}

// every is a schedule whose pauses are all the same.
func every(d time.Duration) waiter.Option {
	return waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(d) })
}

// input and output are of the workflow under test, which awaits a job and returns what it has seen.
type input struct {
	Progress    waiter.Progress
	Transitions bool
	Timeout     time.Duration
}

type output struct {
	Job      status.Job
	Progress waiter.Progress
	Told     []string
	Outcome  string
	Text     string
}

// recorded awaits a job and returns what a workflow has of that.
func recorded(ctx workflow.Context, in input) (output, error) {
	out := output{Progress: in.Progress}
	opts := append(in.limit(), temporalwait.WithProgress(&out.Progress))
	if in.Transitions {
		opts = append(opts, temporalwait.OnTransition(func(_ workflow.Context, t status.Transition) {
			out.Told = append(out.Told, t.SubJob+":"+string(t.From)+"->"+string(t.To))
		}))
	}
	job, err := temporalwait.Await(ctx, "j", opts...)
	out.Job, out.Outcome = job, waiter.Outcome(err)
	if err != nil {
		out.Text = err.Error()
	}
	return out, nil
}

// returned awaits a job and returns Await's error, as most workflows do.
func returned(ctx workflow.Context, in input) (status.Job, error) {
	return temporalwait.Await(ctx, "j", in.limit()...)
}

// limit is the timeout, if there is one.
func (in input) limit() (opts []temporalwait.Option) {
	if in.Timeout > 0 {
		opts = append(opts, temporalwait.WithTimeout(in.Timeout))
	}
	return opts
}

// environment is a workflow environment whose worker polls p, every millisecond.
func environment(t *testing.T, p poller.Poller, opts ...waiter.Option) *testsuite.TestWorkflowEnvironment {
	env := suite().NewTestWorkflowEnvironment()
	// A busy machine may do nothing for the 3 s and the 1 s that these are unless set.
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute})
	env.RegisterActivity(&temporalwait.Activity{Waiter: newWaiter(t, p, append([]waiter.Option{every(time.Millisecond)}, opts...)...)})
	env.RegisterWorkflow(recorded)
	env.RegisterWorkflow(returned)
	return env
}

func record(t *testing.T, env *testsuite.TestWorkflowEnvironment, in input) output {
	env.ExecuteWorkflow(recorded, in)
	require.NoError(t, env.GetWorkflowError())
	var out output
	require.NoError(t, env.GetWorkflowResult(&out))
	return out
}

// arguments decodes the arguments of a workflow that continues as new.
func arguments(again *workflow.ContinueAsNewError, into ...any) error {
	return converter.GetDefaultDataConverter().FromPayloads(again.Input, into...)
}

func newWaiter(t testing.TB, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	w, err := waiter.New(p, opts...)
	require.NoError(t, err)
	return w
}

// whole is what a job tells that runs and succeeds, as scripted.Running and scripted.Succeeded do.
var whole = []string{":->running", "s1:->running", "s1:running->success", ":running->success"}
