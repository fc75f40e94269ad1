package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/status"
)

// Binding is an LDAP server to bind to a file system.
type Binding struct {
	URL    string `json:"url"`
	BaseDN string `json:"base_dn"`
}

// State is what the query "state" returns.
type State struct {
	Step string
	Job  status.Job // the one that is awaited, or was awaited last
}

func (s State) String() string {
	if s.Job.ID == "" {
		return s.Step
	}
	words := []string{"job " + s.Job.ID + " " + string(s.Job.Status)}
	for _, sub := range s.Job.SubJobs {
		words = append(words, sub.Type+" "+string(sub.Status))
	}
	return s.Step + ": " + strings.Join(words, ", ")
}

// BindLDAP binds an LDAP server, and undoes that if the job fails or the server is not bound
// afterwards: this is what to copy.
func BindLDAP(ctx workflow.Context, share string, b Binding) (status.Job, error) {
	state := State{Step: "submit"}
	if err := workflow.SetQueryHandler(ctx, "state", func() (State, error) { return state, nil }); err != nil {
		return status.Job{}, err
	}
	await := func(ctx workflow.Context, jobID string) (status.Job, error) {
		state.Job = status.Job{ID: jobID}
		return temporalwait.Await(ctx, jobID, temporalwait.WithTimeout(time.Hour),
			temporalwait.OnTransition(func(_ workflow.Context, t status.Transition) { state.Job = status.Apply(state.Job, t) }))
	}
	undo := func(why error) error {
		state.Step = "undo"
		ctx, _ := workflow.NewDisconnectedContext(ctx) // also when the workflow is canceled meanwhile
		var jobID string
		if err := workflow.ExecuteActivity(once(ctx), (*Calls).Unbind, share).Get(ctx, &jobID); err != nil {
			return fmt.Errorf("%w; undoing that failed: %v", why, err) //nolint:errorlint // Temporal stores a chain, not a tree
		}
		if _, err := await(ctx, jobID); err != nil {
			return fmt.Errorf("%w; undoing that failed: %v", why, err) //nolint:errorlint // the same
		}
		return why
	}

	var jobID string
	if err := workflow.ExecuteActivity(once(ctx), (*Calls).Bind, share, b).Get(ctx, &jobID); err != nil {
		return status.Job{}, err
	}
	state.Step = "wait"
	job, err := await(ctx, jobID)
	if errors.Is(err, waiter.ErrJobFailed) {
		return job, undo(err)
	}
	if err != nil { // the job itself goes on: as long as it does, nothing can be undone
		return job, err
	}
	state.Step = "verify"
	if err := workflow.ExecuteActivity(often(ctx), (*Calls).Verify, share, b).Get(ctx, nil); err != nil {
		return job, undo(err)
	}
	state.Step = "done"
	return job, nil
}

// once is for calls that start a job: a second one could start another.
func once(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1},
	})
}

// often is for calls that change nothing.
func often(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second, ScheduleToCloseTimeout: 5 * time.Minute,
	})
}
