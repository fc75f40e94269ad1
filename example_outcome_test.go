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

func ExampleFailedError() {
	w, err := waiter.New(scripted(status.Job{
		Type: "bind_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "binding LDAP failed",
		SubJobs: []status.Job{{Type: "check_ldap", Status: status.Failed, FailReason: "the LDAP server does not answer"}},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	if failed, ok := errors.AsType[*waiter.FailedError](err); ok {
		fmt.Println(failed.Job.ErrorCode, failed.Job.FailReason)
		for _, sub := range failed.Job.SubJobs {
			fmt.Println(sub.Type, sub.FailReason)
		}
	}
	fmt.Println(errors.Is(err, waiter.ErrJobFailed))
	// Output:
	// SFS.TURBO.0100 binding LDAP failed
	// check_ldap the LDAP server does not answer
	// true
}

// The waiting ends, and the job goes on: its id and the last snapshot are there to
// wait again.
func ExampleUnfinishedError() {
	ctx, cancel := context.WithCancelCause(context.Background())
	shutdown := errors.New("the server shuts down")
	w, err := waiter.New(scripted(status.Job{Type: "create_share", Status: status.Running}),
		waiter.OnTransition(func(status.Transition) { cancel(shutdown) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(ctx, "26f6b565")
	if unfinished, ok := errors.AsType[*waiter.UnfinishedError](err); ok {
		fmt.Println(unfinished.JobID, unfinished.Last.Type, unfinished.Last.Status)
	}
	fmt.Println(errors.Is(err, waiter.ErrUnfinished), errors.Is(err, context.Canceled), errors.Is(err, shutdown))
	// Output:
	// 26f6b565 create_share running
	// true true true
}

// The special comes before the general. ./examples/errors has all of them.
func Example_errors() {
	for _, answer := range []error{
		nil,
		&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"},
		&poller.Error{StatusCode: 401, Code: "APIGW.0301"},
		&poller.Error{StatusCode: 403, Code: "SFS.TURBO.9000"},
	} {
		service := poller.Func(func(context.Context, string) (poller.Reply, error) {
			return poller.Reply{Job: status.Job{Status: status.Success}}, answer
		})
		w, err := waiter.New(service, waiter.WithNotFoundGrace(0))
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = w.Wait(context.Background(), "26f6b565")
		switch {
		case err == nil:
			fmt.Println("success")
		case errors.Is(err, waiter.ErrJobFailed):
			fmt.Println("the job failed")
		case errors.Is(err, waiter.ErrNotFound), errors.Is(err, waiter.ErrDisappeared):
			fmt.Println("no such job")
		case errors.Is(err, waiter.ErrUnauthorized):
			fmt.Println("a new token is needed")
		case errors.Is(err, waiter.ErrUnfinished):
			fmt.Println("its end was not seen")
		default:
			fmt.Println("a wrong option")
		}
	}
	// Output:
	// success
	// no such job
	// a new token is needed
	// its end was not seen
}

// A job that is not found is given ten seconds, unless told otherwise: a new one may
// not be known yet. This id is not new.
func ExampleWithNotFoundGrace() {
	service := poller.Func(func(context.Context, string) (poller.Reply, error) {
		return poller.Reply{}, &poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"}
	})
	w, err := waiter.New(service, waiter.WithNotFoundGrace(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	fmt.Println(errors.Is(err, waiter.ErrNotFound))
	// Output: true
}

func ExampleWithStallLimit() {
	w, err := waiter.New(scripted(status.Job{Status: status.Running}), quick, waiter.WithStallLimit(5*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, errors.Is(err, waiter.ErrStalled))
	// Output: running true
}

// A job may succeed although one of its sub-jobs has not.
func ExampleWithStrictSubJobs() {
	w, err := waiter.New(scripted(status.Job{Type: "create_share", Status: status.Success, SubJobs: []status.Job{
		{Type: "create_network", Status: status.Success},
		{Type: "tag_servers", Status: status.Failed, ErrorCode: "SFS.TURBO.0400"},
	}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	fmt.Println("as it is:", err)
	_, err = w.Wait(context.Background(), "26f6b565", waiter.WithStrictSubJobs())
	fmt.Println("strictly:", errors.Is(err, waiter.ErrJobFailed))
	// Output:
	// as it is: <nil>
	// strictly: true
}

// The report on a job that was never seen has its type nevertheless.
func ExampleWithJobType() {
	service := poller.Func(func(context.Context, string) (poller.Reply, error) {
		return poller.Reply{}, &poller.Error{StatusCode: 403}
	})
	w, err := waiter.New(service)
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565", waiter.WithJobType("bind_ldap"))
	fmt.Println(job.Type, job.ID, err != nil)
	// Output: bind_ldap 26f6b565 true
}

// In a project whose permissions have just been granted, a 403 passes.
func ExampleWithClassifier() {
	granted := false
	service := poller.Func(func(context.Context, string) (poller.Reply, error) {
		if !granted {
			granted = true
			return poller.Reply{}, &poller.Error{StatusCode: 403}
		}
		return poller.Reply{Job: status.Job{Status: status.Success}}, nil
	})
	w, err := waiter.New(service,
		waiter.WithClassifier(func(err error, byDefault poller.Verdict) poller.Verdict {
			if e, ok := errors.AsType[*poller.Error](err); ok && e.StatusCode == 403 {
				return poller.Passing
			}
			return byDefault
		}),
		waiter.WithFailureBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output: success <nil>
}
