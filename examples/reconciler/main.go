// Command reconciler waits for a job from a loop that must not block, such as that of a Kubernetes
// controller: each Reconcile reads the object, makes one Step, stores the object, and says when to
// come back. All state is in the object, so that the controller may restart between any two calls.
// A controller also calls Reconcile too early, because the object has changed: Step then makes no
// request.
//
//	go run ./examples/reconciler
package main

import (
	"context"
	"encoding/json"
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

// run is the controller of a [Reconciler], on the built-in service.
func run() error {
	server := pollertest.New()
	defer server.Close()
	server.Fail(pollertest.Rule{Skip: 2, Times: 1, Status: 503}) // the third poll finds the service down
	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	r := &Reconciler{waiter: w, stored: []byte(`{}`), submit: func(context.Context) (string, error) {
		return server.Add(bindLDAP), nil
	}}
	for n := 1; ; n++ {
		fmt.Printf("Reconcile %d\n", n)
		after, err := r.Reconcile(context.Background())
		if err != nil {
			return err
		}
		if after == 0 {
			break
		}
		polls := len(server.Requests())
		early, err := r.Reconcile(context.Background()) // because the object was stored
		if err != nil {
			return err
		}
		fmt.Printf("    too early: %d requests, again in %v\n", len(server.Requests())-polls, early.Round(100*time.Millisecond))
		time.Sleep(early)
	}
	var end LDAPBinding
	if err := json.Unmarshal(r.stored, &end); err != nil {
		return err
	}
	fmt.Printf("The binding is %s, after %d polls. Failed polls: %v\n", end.Phase, end.Progress.Polls, end.Progress.Failures)
	return nil
}

var bindLDAP = pollertest.Script{ID: "bind-1", Type: "bind_ldap", Steps: []pollertest.Step{
	{After: 500 * time.Millisecond, Job: status.Job{Status: status.Running}},
	{After: 3 * time.Second, Job: status.Job{Status: status.Success, SubJobs: []status.Job{
		{Type: "check_ldap", Status: status.Success},
	}}},
}}
