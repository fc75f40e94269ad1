// Command bindldap binds an LDAP server to an SFS Turbo file system and waits for the job: on a
// built-in service, or on a real one if the environment holds a credential. It takes the
// environment of poller.FromEnv: see docs/credentials.md.
//
//	go run ./examples/bindldap             # succeeds
//	go run ./examples/bindldap -fail       # fails, and says why
//	go run ./examples/bindldap -timeout 2s # is not done in time
//	go run ./examples/bindldap -share ... -ldap ldap://... -base-dn dc=...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout))
}

func run(ctx context.Context, args []string, out io.Writer) (exit int) {
	target, err := parse(args, out)
	if err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(out, "bindldap:", err)
		}
		return 2
	}
	defer target.close()
	if err := bind(ctx, target, out); err != nil {
		fmt.Fprintln(out, err)
		if unfinished, ok := errors.AsType[*waiter.UnfinishedError](err); ok && errors.Is(err, context.Canceled) {
			fmt.Fprintf(out, "Interrupted. The waiting has stopped, the job goes on: its id is %s\n", unfinished.JobID)
		}
		return 1
	}
	return 0
}

// bind submits the job and waits for it: this is what to copy.
func bind(ctx context.Context, target *target, out io.Writer) error {
	defer target.client.CloseIdleConnections()
	start := time.Now()
	w, err := waiter.New(target.client, waiter.OnTransition(func(t status.Transition) {
		what := "job"
		if t.IsSubJob() {
			what = "sub-job " + t.Job.Type
		}
		from := string(t.From)
		if from != "" {
			from += " -> "
		}
		fmt.Fprintf(out, "%7.1fs  %-22s %s%s\n", time.Since(start).Seconds(), what, from, t.To)
	}))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, target.timeout)
	defer cancel()
	endpoint, project, err := target.client.Project(ctx)
	if err != nil {
		return err
	}
	job, err := w.Run(ctx, func(ctx context.Context) (string, error) {
		id, err := target.submit(ctx, endpoint, project)
		if err == nil {
			fmt.Fprintf(out, "Submitted: job %s\n", id)
		}
		return id, err
	}, waiter.WithJobType("bind_ldap"))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Done: %s job %s succeeded in %.1f s\n", job.Type, job.ID, time.Since(start).Seconds())
	return nil
}
