// Command errors tells apart all the ways in which a wait can end. The switch in
// explain is what to copy; the situations are played by the built-in service.
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

// explain says what Wait's error means, and what to do. The special comes before
// the general: all but the first two and the last are waiter.ErrUnfinished too.
func explain(err error) string {
	failed, _ := errors.AsType[*waiter.FailedError](err)
	answer, _ := errors.AsType[*poller.Error](err)
	switch {
	case err == nil:
		return "it succeeded: go on"
	case failed != nil: // or errors.Is(err, waiter.ErrJobFailed)
		return fmt.Sprintf("it failed, %s: %s. Mend that, submit anew", failed.Job.ErrorCode, failed.Job.FailReason)
	case errors.Is(err, waiter.ErrNotFound):
		return "it never was there: a wrong id, project or region?"
	case errors.Is(err, waiter.ErrDisappeared):
		return "it was there and is gone: look at the share itself"
	case errors.Is(err, waiter.ErrUnauthorized):
		return "the token was rejected: get a new one, wait again"
	case errors.Is(err, waiter.ErrStalled):
		return "nothing moves any more: ask the service's support"
	case errors.Is(err, context.DeadlineExceeded):
		return "it was not done in time and may go on: wait again"
	case errors.Is(err, context.Canceled):
		return "we were interrupted; the job may go on"
	case answer != nil: // permanent, or the wait would have gone on
		return "waiting again does not help: " + answer.Error()
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
		if s.cancelled {
			cancel()
		}
		_, err := w.Wait(ctx, id, opts...)
		cancel()
		fmt.Printf("%-14s %s\n", s.name+":", explain(err))
	}
	return nil
}

var (
	running = pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}}
	failing = pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{
		Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not answer",
	}}}}
	stop backoff.StopBackOff
)

var situations = []struct {
	name      string
	script    pollertest.Script // of the job: unless given, it succeeds at once
	fault     pollertest.Rule   // of its polls
	option    waiter.Option
	cancelled bool
}{
	{name: "success"},
	{name: "job failed", script: failing},
	{name: "not found", fault: pollertest.Rule{Status: 404}, option: waiter.WithNotFoundGrace(0)},
	{name: "disappeared", script: running, fault: pollertest.Rule{Status: 404, Skip: 1}},
	{name: "unauthorized", fault: pollertest.Rule{Status: 401}},
	{name: "stalled", script: running, option: waiter.WithStallLimit(300 * time.Millisecond)},
	{name: "deadline", fault: pollertest.Rule{Status: 503}}, // an outage alone ends no wait
	{name: "cancelled", script: running, cancelled: true},
	{name: "no permission", fault: pollertest.Rule{Status: 403}},
	{name: "no more polls", script: running, option: waiter.WithBackOff(func() backoff.BackOff { return &stop })},
	{name: "wrong option", option: waiter.WithStallLimit(-1)},
}
