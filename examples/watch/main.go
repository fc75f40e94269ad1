// Command watch reads the transitions of a job and its sub-jobs in a range loop. The loop body runs
// between two polls. A break would stop the polls; the job would go on.
//
//	go run ./examples/watch
package main

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
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server := pollertest.New() // the built-in service
	defer server.Close()
	id := server.Add(createShare)

	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	for t, err := range w.Watch(ctx, id) {
		if err != nil {
			return err // the last iteration, unless the job succeeded
		}
		at := t.ObservedAt.Format("15:04:05.0")
		switch {
		case t.IsSubJob() && t.From == "":
			fmt.Printf("%s    %s appears: %s\n", at, t.SubJob, t.To)
		case t.IsSubJob():
			fmt.Printf("%s    %s: %s, was %s\n", at, t.SubJob, t.To, t.From)
		default:
			fmt.Printf("%s  job %s: %s\n", at, t.JobID, t.To)
		}
	}
	fmt.Println("The loop ended without an error: the share is ready.")
	return nil
}

// createShare is a job of four seconds, with sub-jobs that appear as it goes on.
var createShare = pollertest.Script{ID: "create-1", Type: "create_share", Steps: []pollertest.Step{
	{After: 500 * time.Millisecond, Job: status.Job{Status: status.Running, SubJobs: []status.Job{
		{Type: "create_network", Status: status.Running},
	}}},
	{After: 2 * time.Second, Job: status.Job{Status: status.Running, SubJobs: []status.Job{
		{Type: "create_network", Status: status.Success},
		{Type: "create_servers", Status: status.Running},
	}}},
	{After: 4 * time.Second, Job: status.Job{Status: status.Success, SubJobs: []status.Job{
		{Type: "create_network", Status: status.Success},
		{Type: "create_servers", Status: status.Success},
	}}},
}}
