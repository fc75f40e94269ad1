// Command errors distinguishes all the ways in which a wait can end. The switch in explain is what
// to copy. A built-in service produces the situations.
//
//	go run ./examples/errors
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// explain says what Wait's error means, and what to do. The specific cases come before the general
// ones: all but the first two and the last are waiter.ErrUnfinished too.
func explain(err error) string {
	failed, _ := errors.AsType[*waiter.FailedError](err)
	response, _ := errors.AsType[*poller.Error](err)
	switch {
	case err == nil:
		return "it succeeded: go on"
	case failed != nil: // or errors.Is(err, waiter.ErrJobFailed)
		return fmt.Sprintf("it failed, %s: %s. Fix that, then submit a new job", failed.Job.ErrorCode, failed.Job.FailReason)
	case errors.Is(err, waiter.ErrNotFound):
		return "the service never knew it: is the id, project or region wrong?"
	case errors.Is(err, waiter.ErrDisappeared):
		return "the service no longer knows it: check the share itself"
	case errors.Is(err, waiter.ErrUnauthorized):
		return "the token was rejected: get a new one, then wait again"
	case errors.Is(err, waiter.ErrStalled):
		return "no new status for too long: ask the service's support"
	case errors.Is(err, waiter.ErrSubJobFailed):
		return "a sub-job failed, and the job may go on: wait again without WithFailFast"
	case waiter.Outcome(err) == "checkpoint": // before the contexts' errors: the cause may be one
		return "a checkpoint could not be saved: fix that, then wait again from the last one"
	case errors.Is(err, context.DeadlineExceeded):
		return "it was not done in time, and may go on: wait again"
	case errors.Is(err, context.Canceled):
		return "the wait was canceled, and the job may go on: wait again"
	case response != nil: // permanent: otherwise the wait would have gone on
		return "waiting again does not help: " + response.Error()
	case errors.Is(err, waiter.ErrUnfinished):
		return "its end was not seen, for another reason: " + err.Error()
	default:
		return "an option is wrong: " + err.Error()
	}
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server := pollertest.New()
	defer server.Close()
	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client, waiter.WithBackOff(func() backoff.BackOff {
		return backoff.NewConstantBackOff(100 * time.Millisecond) // these jobs are quick
	}))
	if err != nil {
		return err
	}
	for _, s := range situations {
		id := server.Add(s.script)
		s.fault.JobID = id
		server.Fail(s.fault)
		var opts []waiter.Option
		if s.option != nil {
			opts = append(opts, s.option)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
		if s.canceled {
			cancel()
		}
		_, err := w.Wait(ctx, id, opts...)
		cancel()
		fmt.Printf("%-15s %s\n", s.name+":", explain(err))
	}
	return nil
}

var (
	running = pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}}
	failing = pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{
		Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond",
	}}}}
	subJobFailing = pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{
		Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Failed}},
	}}}}
	stop    backoff.StopBackOff
	unsaved = func(context.Context, status.Job, status.Transition) error { return context.DeadlineExceeded }
)

var situations = []struct {
	name     string
	script   pollertest.Script // of the job; the zero value succeeds at once
	fault    pollertest.Rule   // of its polls
	option   waiter.Option
	canceled bool
}{
	{name: "success"},
	{name: "job failed", script: failing},
	{name: "not found", fault: pollertest.Rule{Status: 404}, option: waiter.WithNotFoundGrace(0)},
	{name: "disappeared", script: running, fault: pollertest.Rule{Status: 404, Skip: 1}},
	{name: "unauthorized", fault: pollertest.Rule{Status: 401}},
	{name: "stalled", script: running, option: waiter.WithStallLimit(300 * time.Millisecond)},
	{name: "sub-job failed", script: subJobFailing, option: waiter.WithFailFast()},
	{name: "not saved", option: waiter.WithCheckpoints(unsaved)}, // a slow database
	{name: "deadline", fault: pollertest.Rule{Status: 503}},      // an outage alone does not end a wait
	{name: "canceled", script: running, canceled: true},
	{name: "no permission", fault: pollertest.Rule{Status: 403}},
	{name: "no more polls", script: running, option: waiter.WithBackOff(func() backoff.BackOff { return &stop })},
	{name: "wrong option", option: waiter.WithStallLimit(-1)},
}
