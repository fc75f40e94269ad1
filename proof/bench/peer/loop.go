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

// These three know nothing of jobs: they are loops around the caller's function.

var (
	errFailed = errors.New("the job failed")
	errRuns   = errors.New("the job is running")
)

// ended returns poll as a predicate.
func ended(poll func() status.Job) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) {
		switch poll().Status {
		case status.Success:
			return true, nil
		case status.Failed:
			return false, errFailed
		}
		return false, nil
	}
}

// kubernetes polls every 2 s. The function has no default; this is TimeoutContext.Poll, by which
// Kubernetes' own end-to-end tests wait.
func kubernetes(ctx context.Context, poll func() status.Job) error {
	return wait.PollUntilContextCancel(ctx, 2*time.Second, true, ended(poll))
}

func openStack(ctx context.Context, poll func() status.Job) error {
	return gophercloud.WaitFor(ctx, ended(poll))
}

// exponential is backoff/v4 with its defaults, except for MaxElapsedTime, 15 minutes unless set: it
// would end the wait for jobs that the others wait for.
func exponential(ctx context.Context, poll func() status.Job) error {
	schedule := backoff.NewExponentialBackOff(backoff.WithMaxElapsedTime(0))
	return backoff.Retry(func() error {
		switch poll().Status {
		case status.Success:
			return nil
		case status.Failed:
			return backoff.Permanent(errFailed)
		}
		return errRuns
	}, backoff.WithContext(schedule, ctx))
}
