package temporalwait_test

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/status"
)

// A workflow sees each change, tells a failed job from one that goes on, and is not held up for
// more than an hour.
func ExampleAwait() {
	_ = func(ctx workflow.Context, jobID string) error {
		var seen status.Job // what a query handler returns
		_, err := temporalwait.Await(ctx, jobID,
			temporalwait.WithTimeout(time.Hour),
			temporalwait.OnTransition(func(_ workflow.Context, t status.Transition) { seen = status.Apply(seen, t) }))
		if failed, ok := errors.AsType[*waiter.FailedError](err); ok {
			return fmt.Errorf("binding failed, code %s: %w", failed.Job.ErrorCode, err) // Temporal keeps a chain
		}
		return err
	}
	// Output:
}

// A workflow that has had enough history continues as new, with where its wait stands.
func ExampleWithProgress() {
	var flow func(ctx workflow.Context, jobID string, p waiter.Progress) error
	flow = func(ctx workflow.Context, jobID string, p waiter.Progress) error {
		waiting, stop := workflow.WithCancel(ctx)
		_, err := temporalwait.Await(waiting, jobID, temporalwait.WithProgress(&p),
			temporalwait.OnTransition(func(ctx workflow.Context, _ status.Transition) {
				if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
					stop()
				}
			}))
		if waiting.Err() != nil && ctx.Err() == nil && !p.Done {
			return workflow.NewContinueAsNewError(ctx, flow, jobID, p)
		}
		return err
	}
	_ = flow
	// Output:
}
