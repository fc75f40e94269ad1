// Command sample binds an LDAP server in a workflow of Temporal: submit, wait, verify, and undo if
// the job fails. The service is built in; Temporal's server has to run already: see the README.
//
//	go run ./sample                            # the server is at localhost:7233
//	go run ./sample -address temporal:7233
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const queue = "bind-ldap"

func main() {
	address := flag.String("address", "localhost:7233", "where Temporal's server is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	if err := demo(ctx, *address, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sample:", err)
		os.Exit(1)
	}
}

// demo runs two workflows: one whose job succeeds, and one whose job fails.
func demo(ctx context.Context, address string, out io.Writer) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: address,
		Logger:   log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	service := pollertest.New(pollertest.WithToken("demo-token"))
	defer service.Close()
	w := worker.New(c, queue, worker.Options{WorkerStopTimeout: time.Second})
	if err := register(w, service.Start()); err != nil {
		return err
	}
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	for _, end := range []status.Job{
		{Status: status.Success},
		{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"},
	} {
		service.Script("bind_ldap", script(end))
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: queue}, BindLDAP, "share-1",
			Binding{URL: "ldap://192.168.0.10:389", BaseDN: "dc=example,dc=com"})
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "Workflow", run.GetID())
		if err := show(ctx, c, run, out); err != nil {
			return err
		}
	}
	return nil
}

// register is what a worker of one's own does, with poller.FromEnv.
func register(w worker.Registry, endpoint string, opts ...waiter.Option) error {
	token := credential.Token("demo-token")
	p, err := poller.New(endpoint, "demo-project", poller.WithCredential(token))
	if err != nil {
		return err
	}
	awaits, err := waiter.New(p, opts...)
	if err != nil {
		return err
	}
	w.RegisterWorkflow(BindLDAP)
	w.RegisterActivity(&temporalwait.Activity{Waiter: awaits})
	w.RegisterActivity(&Calls{Endpoint: endpoint, Project: "demo-project", Credential: token})
	return nil
}

// script is a job of six seconds.
func script(end status.Job) pollertest.Script {
	return pollertest.Script{Steps: []pollertest.Step{
		{After: time.Second, Job: status.Job{Status: status.Running}},
		{After: 3 * time.Second, Job: status.Job{SubJobs: []status.Job{{ID: "check", Type: "check_ldap", Status: status.Running}}}},
		{After: 6 * time.Second, Job: end},
	}}
}

// show prints what the query returns whenever that changes, and how the workflow ended.
func show(ctx context.Context, c client.Client, run client.WorkflowRun, out io.Writer) error {
	ended := make(chan error, 1)
	go func() { ended <- run.Get(ctx, nil) }()
	for last, over := "", false; ; {
		var err error
		select {
		case err = <-ended:
			over = true
		case <-time.After(200 * time.Millisecond):
		}
		if value, failed := c.QueryWorkflow(ctx, run.GetID(), run.GetRunID(), "state"); failed == nil {
			var state State
			if err := value.Get(&state); err != nil {
				return err
			}
			if line := "  " + state.String(); line != last {
				last = line
				fmt.Fprintln(out, line)
			}
		}
		if over {
			return report(err, out) //nolint:contextcheck // nothing is awaited there
		}
	}
}

func report(err error, out io.Writer) error {
	switch found := temporalwait.FromError(err); {
	case err == nil:
		fmt.Fprintln(out, "  succeeded")
	case errors.Is(found, waiter.ErrJobFailed):
		fmt.Fprintln(out, "  failed:", found)
	default:
		return err
	}
	return nil
}
