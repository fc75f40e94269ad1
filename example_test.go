package waiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// scripted stands for a poller.Client in the examples: it answers with these jobs in
// turn, the last for ever.
func scripted(jobs ...status.Job) poller.Func {
	return func(context.Context, string) (poller.Reply, error) {
		job := jobs[0]
		if len(jobs) > 1 {
			jobs = jobs[1:]
		}
		return poller.Reply{Job: job}, nil
	}
}

// quick has the examples poll every millisecond, where the default is a second and
// more.
var quick = waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) })

// A client, a Waiter and a wait; the service is a test's. For the real one the
// endpoint is poller.Endpoint("cn-north-4"), and there is no need of WithHTTPClient.
func Example() {
	service := pollertest.New()
	defer service.Close()
	id := service.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, httpClient := service.Memory()

	client, err := poller.New(endpoint, "0970dd7a1300f5672ff2c003c60ae115",
		poller.WithCredential(credential.Token("MIIQtgYJKoZIhvcNAQcC...")), poller.WithHTTPClient(httpClient))
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := waiter.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	job, err := w.Wait(ctx, id)
	if err != nil {
		fmt.Println(err) // why, and what to do next
		return
	}
	fmt.Println(job.Type, job.Status)
	// Output: bind_ldap success
}

// Options are checked where they are given.
func ExampleNew() {
	service := scripted(status.Job{Status: status.Success})

	_, err := waiter.New(service, waiter.WithStallLimit(30*time.Minute), waiter.WithPollTimeout(5*time.Second))
	fmt.Println(err)
	_, err = waiter.New(service, waiter.WithStallLimit(-1))
	fmt.Println(err)
	_, err = waiter.New(nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// waiter: WithStallLimit: -1ns is negative; 0 means none
	// waiter: the Poller is nil: was the error of its constructor looked at?
}

func ExampleWaiter_Wait() {
	service := scripted(
		status.Job{Type: "create_share", Status: status.Waiting},
		status.Job{Type: "create_share", Status: status.Running},
		status.Job{Type: "create_share", Status: status.Success},
	)
	w, err := waiter.New(service, quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	job, err := w.Wait(ctx, "26f6b565")
	fmt.Println(job.Type, job.ID, job.Status, err)
	// Output: create_share 26f6b565 success <nil>
}

// Run is given the call that starts the job. If the waiting fails, its error holds
// the job's id, so that nothing that was started is lost.
func ExampleWaiter_Run() {
	w, err := waiter.New(scripted(status.Job{Type: "bind_ldap", Status: status.Success}), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	bind := func(context.Context) (jobID string, err error) {
		answer := []byte(`{"jobId":"26f6b565"}`) // of POST .../fs/ldap
		return poller.JobID(200, answer)
	}
	job, err := w.Run(context.Background(), bind)
	fmt.Println(job.Type, job.ID, job.Status, err)
	// Output: bind_ldap 26f6b565 success <nil>
}
