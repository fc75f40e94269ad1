package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var asked = Binding{URL: "ldap://192.168.0.10:389", BaseDN: "dc=example,dc=com"}

// bind runs the workflow on a service whose jobs go through these.
func bind(t *testing.T, end status.Job, rules ...pollertest.Rule) (*testsuite.TestWorkflowEnvironment, *pollertest.Server) {
	var s testsuite.WorkflowTestSuite
	s.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	service := pollertest.New(pollertest.WithToken("demo-token"))
	t.Cleanup(service.Close)
	service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}}, {After: 50 * time.Millisecond, Job: end},
	}})
	service.Script("unbind_ldap", pollertest.Script{})
	for _, rule := range rules {
		service.Fail(rule)
	}
	env := s.NewTestWorkflowEnvironment()
	require.NoError(t, register(env, service.Start(), waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(10 * time.Millisecond) })))
	env.ExecuteWorkflow(BindLDAP, "share-1", asked)
	return env, service
}

func calls(service *pollertest.Server) (made []string) {
	for _, r := range service.Requests() {
		if r.Call != pollertest.Poll {
			made = append(made, r.Method)
		}
	}
	return made
}

func state(t *testing.T, env *testsuite.TestWorkflowEnvironment) (s State) {
	value, err := env.QueryWorkflow("state")
	require.NoError(t, err)
	require.NoError(t, value.Get(&s))
	return s
}

func TestBindLDAP(t *testing.T) {
	t.Run("verifies a binding whose job has succeeded", func(t *testing.T) {
		env, service := bind(t, status.Job{Status: status.Success})
		require.NoError(t, env.GetWorkflowError())
		var job status.Job
		require.NoError(t, env.GetWorkflowResult(&job))
		assert.Equal(t, status.Success, job.Status)
		assert.Equal(t, []string{"POST", "GET"}, calls(service))
		assert.Equal(t, "done", state(t, env).Step)
	})
	t.Run("undoes one whose job has failed, and says why it failed", func(t *testing.T) {
		env, service := bind(t, status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100"})
		failed, ok := errors.AsType[*waiter.FailedError](temporalwait.FromError(env.GetWorkflowError()))
		require.True(t, ok)
		assert.True(t, failed.Has("SFS.TURBO.0100"))
		assert.Equal(t, []string{"POST", "DELETE"}, calls(service))
		s := state(t, env)
		assert.Equal(t, "undo", s.Step)
		assert.Equal(t, status.Success, s.Job.Status)
	})
	t.Run("undoes one that is not there afterwards", func(t *testing.T) {
		env, service := bind(t, status.Job{Status: status.Success}, pollertest.Rule{Call: pollertest.Show, Raw: `{"url": "ldap://another"}`})
		require.ErrorContains(t, env.GetWorkflowError(), "share share-1 is bound to ldap://another, not to ldap://192.168.0.10:389")
		assert.Equal(t, []string{"POST", "GET", "DELETE"}, calls(service))
	})
	t.Run("undoes one that cannot be verified, and says why", func(t *testing.T) {
		env, service := bind(t, status.Job{Status: status.Success}, pollertest.Rule{Call: pollertest.Show, Status: 403, Code: "SFS.TURBO.9000"})
		require.ErrorContains(t, env.GetWorkflowError(), "what share share-1 is bound to: ")
		require.ErrorContains(t, env.GetWorkflowError(), "SFS.TURBO.9000")
		made := calls(service)
		assert.Equal(t, "DELETE", made[len(made)-1])
	})
	t.Run("submits once, also if that fails", func(t *testing.T) {
		var s testsuite.WorkflowTestSuite
		s.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		service := pollertest.New(pollertest.WithToken("another"))
		t.Cleanup(service.Close)
		env := s.NewTestWorkflowEnvironment()
		require.NoError(t, register(env, service.Start()))
		env.ExecuteWorkflow(BindLDAP, "share-1", asked)
		require.True(t, temporal.IsApplicationError(env.GetWorkflowError()))
		assert.Equal(t, []string{"POST"}, calls(service))
	})
}
