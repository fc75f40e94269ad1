package tracker_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// demo starts a job service with three jobs, of which the last one fails, and returns a client.
func demo() (client *poller.Client, stop func()) {
	server := pollertest.New()
	for i, end := range []status.Job{
		{Status: status.Success},
		{Status: status.Success},
		{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"},
	} {
		server.Add(pollertest.Script{
			ID: fmt.Sprint("job-", i+1), Type: "bind_ldap",
			Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}, {After: time.Second / 2, Job: end}},
		})
	}
	endpoint, connections := server.Memory()
	client, err := poller.New(endpoint, "demo-project",
		poller.WithHTTPClient(connections), poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		log.Fatal(err)
	}
	return client, func() {
		client.CloseIdleConnections()
		server.Close()
	}
}

// Any number of jobs shares ten polls a second. Each is waited for by its id, where that is needed.
func Example() {
	client, stop := demo()
	defer stop()
	w, err := waiter.New(client)
	if err != nil {
		log.Fatal(err)
	}
	t, err := tracker.New(w, tracker.WithRate(10, 3))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- t.Run(ctx) }()

	if err := t.Track(status.Job{ID: "job-1"}, status.Job{ID: "job-2"}, status.Job{ID: "job-3"}); err != nil {
		log.Fatal(err)
	}
	for _, id := range []string{"job-1", "job-2", "job-3"} {
		job, err := t.Wait(ctx, id)
		fmt.Println(job.ID, waiter.Outcome(err))
	}
	cancel()
	fmt.Println("Run:", <-ended)
	// Output:
	// job-1 success
	// job-2 success
	// job-3 failed
	// Run: <nil>
}

// One loop handles what happens to all jobs.
func ExampleTracker_Events() {
	client, stop := demo()
	defer stop()
	w, err := waiter.New(client)
	if err != nil {
		log.Fatal(err)
	}
	t, err := tracker.New(w)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error)
	go func() { ended <- t.Run(ctx) }()

	events := t.Events(ctx)
	if err := t.Track(status.Job{ID: "job-1"}); err != nil {
		log.Fatal(err)
	}
	for e := range events {
		switch {
		case e.Missed > 0:
			fmt.Println("this loop is too slow: see t.Jobs() for what it missed")
		case e.Done:
			fmt.Println(e.JobID, waiter.Outcome(e.Err))
			cancel() // ends the loop, and Run
		default:
			fmt.Println(e.JobID, e.Transition)
		}
	}
	<-ended
	// Output:
	// job-1 job: running
	// job-1 job: running -> success
	// job-1 success
}
