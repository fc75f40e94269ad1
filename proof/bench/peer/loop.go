package peer

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/gophercloud/gophercloud/v2"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/sfsturbo/waiter/status"
)

// These three know nothing of jobs: they are loops around a function of one's own.

var (
	errFailed = errors.New("the job failed")
	errGoesOn = errors.New("the job goes on")
)

// ended is how a predicate says what look has seen.
func ended(look func() status.Job) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) {
		switch look().Status {
		case status.Success:
			return true, nil
		case status.Failed:
			return false, errFailed
		}
		return false, nil
	}
}

// kubernetes looks every 2 s: the function has no default, and that is
// TimeoutContext.Poll, by which Kubernetes' own end-to-end tests wait.
func kubernetes(ctx context.Context, look func() status.Job) error {
	return wait.PollUntilContextCancel(ctx, 2*time.Second, true, ended(look))
}

func openStack(ctx context.Context, look func() status.Job) error {
	return gophercloud.WaitFor(ctx, ended(look))
}

// exponential is backoff/v4 with its defaults but for MaxElapsedTime, 15 minutes
// unless set: it would give up on jobs that the others see through.
func exponential(ctx context.Context, look func() status.Job) error {
	schedule := backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(0))
	return backoff.Retry(func() error {
		switch look().Status {
		case status.Success:
			return nil
		case status.Failed:
			return backoff.Permanent(errFailed)
		}
		return errGoesOn
	}, backoff.WithContext(schedule, ctx))
}
