package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Any schedule of backoff/v4 will do; the function makes one for each wait. Set
// MaxElapsedTime to 0: its default ends a wait after 15 minutes.
func ExampleWithBackOff() {
	w, err := waiter.New(scripted(bindLDAP...), waiter.WithBackOff(func() backoff.BackOff {
		return backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Millisecond),
			backoff.WithMaxInterval(20*time.Millisecond),
			backoff.WithMaxElapsedTime(0),
		)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output: success <nil>
}

// At most so many polls: backoff.Stop ends the wait.
func ExampleWithBackOff_stop() {
	w, err := waiter.New(scripted(status.Job{Status: status.Running}), waiter.WithBackOff(func() backoff.BackOff {
		return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Millisecond), 3)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	unfinished, ok := errors.AsType[*waiter.UnfinishedError](err)
	fmt.Println(job.Status, ok, unfinished.Polls)
	// Output: running true 4
}

// The gateway is out of order for two polls. Failures have a schedule of their own.
func ExampleWithFailureBackOff() {
	outage := 2
	service := poller.Func(func(context.Context, string) (poller.Reply, error) {
		if outage > 0 {
			outage--
			fmt.Println("502")
			return poller.Reply{}, &poller.Error{StatusCode: 502}
		}
		return poller.Reply{Job: status.Job{Status: status.Success}}, nil
	})
	w, err := waiter.New(service, waiter.WithFailureBackOff(func() backoff.BackOff {
		return backoff.NewConstantBackOff(time.Millisecond)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output:
	// 502
	// 502
	// success <nil>
}

// A poll that hangs is given up, and polling goes on.
func ExampleWithPollTimeout() {
	hang := true
	service := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
		if hang {
			hang = false
			<-ctx.Done()
			fmt.Println("given up:", ctx.Err())
			return poller.Reply{}, ctx.Err()
		}
		return poller.Reply{Job: status.Job{Status: status.Success}}, nil
	})
	w, err := waiter.New(service, waiter.WithPollTimeout(5*time.Millisecond), waiter.WithFailureBackOff(func() backoff.BackOff {
		return backoff.NewConstantBackOff(time.Millisecond)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output:
	// given up: context deadline exceeded
	// success <nil>
}
