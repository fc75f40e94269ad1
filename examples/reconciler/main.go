// Command reconciler awaits a job from a loop that may not block, as a Kubernetes
// controller's: each Reconcile reads the object, makes one Step, stores the object,
// and says when to come back. All there is to know is in the object, so that a
// restart between any two of them goes unnoticed.
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

// run is the controller around a [Reconciler], on the built-in service.
func run() error {
	server := pollertest.New()
	defer server.Close()
	server.Fail(pollertest.Rule{Skip: 2, Times: 1, Status: 503}) // the third poll meets an outage
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
		fmt.Printf("    again in %v; the object has %d bytes\n", after.Round(100*time.Millisecond), len(r.stored))
		time.Sleep(after)
	}
	var end LDAPBinding
	if err := json.Unmarshal(r.stored, &end); err != nil {
		return err
	}
	fmt.Printf("The binding is %s, after %d polls; failed ones: %v\n", end.Phase, end.Progress.Polls, end.Progress.Failures)
	return nil
}

var bindLDAP = pollertest.Script{ID: "bind-1", Type: "bind_ldap", Steps: []pollertest.Step{
	{After: 500 * time.Millisecond, Job: status.Job{Status: status.Running}},
	{After: 3 * time.Second, Job: status.Job{Status: status.Success, SubJobs: []status.Job{
		{Type: "check_ldap", Status: status.Success},
	}}},
}}
