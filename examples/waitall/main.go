// Command waitall waits for several jobs at once. One of them fails; WaitAll still waits for the
// others, and returns a result for each.
//
//	go run ./examples/waitall
package main

import (
	"cmp"
	"context"
	"errors"
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
	ids := submit(server)

	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	// WaitAll calls it for one transition at a time, of whichever job: it needs no lock.
	w, err := waiter.New(client, waiter.OnTransition(func(t status.Transition) {
		fmt.Printf("%s  %-9s %s -> %s\n", t.ObservedAt.Format("15:04:05.0"), t.JobID, cmp.Or(t.From, "new"), t.To)
	}))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	results, err := w.WaitAll(ctx, ids)

	fmt.Println("\nThe results, in the order of the ids:")
	for _, r := range results {
		fmt.Printf("  %-9s %-8s", r.Job.ID, waiter.Outcome(r.Err))
		if failed, ok := errors.AsType[*waiter.FailedError](r.Err); ok {
			fmt.Print("  ", failed.Job.ErrorCode)
		}
		fmt.Println()
	}
	// For a log: the errors of all jobs that did not succeed, a line each.
	fmt.Printf("\nThe joined error:\n%v\n", err)
	return nil
}

// submit starts three jobs of a few seconds.
func submit(server *pollertest.Server) (ids []string) {
	ends := []pollertest.Step{
		{After: 3 * time.Second, Job: status.Job{Status: status.Success}},
		{After: time.Second, Job: status.Job{
			Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond",
		}},
		{After: 2 * time.Second, Job: status.Job{Status: status.Success}},
	}
	for i, end := range ends {
		ids = append(ids, server.Add(pollertest.Script{
			ID: fmt.Sprintf("job-%d", i+1), Type: "bind_ldap",
			Steps: []pollertest.Step{{After: time.Second / 2, Job: status.Job{Status: status.Running}}, end},
		}))
	}
	return ids
}
