package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// One of three jobs fails; the others are awaited all the same.
func ExampleWaiter_WaitAll() {
	service := poller.Func(func(_ context.Context, jobID string) (poller.Reply, error) {
		if jobID == "second" {
			return poller.Reply{Job: status.Job{Type: "bind_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0100"}}, nil
		}
		return poller.Reply{Job: status.Job{Type: "bind_ldap", Status: status.Success}}, nil
	})
	w, err := waiter.New(service)
	if err != nil {
		fmt.Println(err)
		return
	}
	jobs, err := w.WaitAll(context.Background(), "first", "second", "third")
	for _, job := range jobs {
		fmt.Println(job.ID, job.Status)
	}
	if failed, ok := errors.AsType[*waiter.FailedError](err); ok {
		fmt.Println("code of the first to fail:", failed.Job.ErrorCode)
	}
	// Output:
	// first success
	// second failed
	// third success
	// code of the first to fail: SFS.TURBO.0100
}

// One limiter for all waits, since a user's calls share one limit.
func ExampleWithLimiter() {
	limiter := rate.NewLimiter(rate.Every(10*time.Millisecond), 1)
	service := scripted(
		status.Job{Status: status.Waiting},
		status.Job{Status: status.Running},
		status.Job{Status: status.Success},
	)
	w, err := waiter.New(service, waiter.WithLimiter(limiter), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	began := time.Now()
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	fmt.Println("two polls waited for their turn:", time.Since(began) > 15*time.Millisecond)
	// Output:
	// success <nil>
	// two polls waited for their turn: true
}
