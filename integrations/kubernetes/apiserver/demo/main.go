// Command demo runs the example's controller on an API server and a service of its own, and shows
// what a kubectl would.
//
//	go run ./demo
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-logr/logr"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes/apiserver"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		log.Fatal(err) //nolint:gocritic // the context ends with the process
	}
}

func run(ctx context.Context) error {
	service := pollertest.New(pollertest.WithToken("demo-token"))
	defer service.Close()
	service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{After: time.Second, Job: status.Job{Status: status.Running}},
		{After: 3 * time.Second, Job: status.Job{Status: status.Failed, SubJobs: []status.Job{
			{Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "the LDAP server does not respond"},
		}}},
	}})
	server, err := apiserver.Start(ctx, ldapbinding.CRD)
	if err != nil {
		return err
	}
	defer server.Close()
	m, err := apiserver.Manager(server.Config, service.Start(), "demo-token")
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- m.Start(running) }()
	err = follow(ctx, server)
	stop()
	if e := <-stopped; err == nil {
		err = e
	}
	return err
}

// follow creates a binding and prints its conditions, until it has failed.
func follow(ctx context.Context, server *apiserver.Server) error {
	c, err := apiserver.Client(server.Config)
	if err != nil {
		return err
	}
	b := &ldapbinding.LDAPBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "home"},
		Spec:       ldapbinding.Spec{ShareID: "share-1", URL: "ldap://192.168.0.10", BaseDN: "dc=example,dc=com"},
	}
	if err := c.Create(ctx, b); err != nil {
		return err
	}
	for shown := ""; b.Status.Job.Outcome == ""; time.Sleep(100 * time.Millisecond) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(b), b); err != nil {
			return err
		}
		for _, condition := range b.Status.Conditions {
			if line := condition.Reason + ": " + condition.Message; condition.Type == "Ready" && line != shown {
				fmt.Printf("Ready=%s  %s\n", condition.Status, line)
				shown = line
			}
		}
	}
	var events eventsv1.EventList
	time.Sleep(200 * time.Millisecond) // they come after the status
	if err := c.List(ctx, &events); err != nil {
		return err
	}
	for _, e := range events.Items {
		fmt.Printf("%s  %s  %s\n", e.Type, e.Reason, e.Note)
	}
	return nil
}
