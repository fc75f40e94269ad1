// Command otherclient waits through a client that the program already has, such as an SDK: a
// poller.Func makes a Poller of its call. The SDK here takes no context, and has errors of its own.
//
//	go run ./examples/otherclient
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// through makes a Poller of the SDK. The request id goes along: the service's support asks for it
// when a job has failed.
func through(s *sdk) poller.Func {
	return func(ctx context.Context, jobID string) (poller.Reply, error) {
		type response struct {
			job *jobDetail
			err error
		}
		responses := make(chan response, 1) // room for one that comes too late
		go func() {
			job, err := s.ShowJobDetail(jobID)
			responses <- response{job, err}
		}()
		select {
		case <-ctx.Done(): // a poll returns soon after its context has ended
			return poller.Reply{}, ctx.Err()
		case r := <-responses:
			if r.err != nil {
				return poller.Reply{}, translated(r.err)
			}
			return poller.Reply{Job: jobOf(r.job), RequestID: r.job.RequestID}, nil
		}
	}
}

func jobOf(d *jobDetail) status.Job {
	job := status.Job{
		ID: value(d.JobID), Type: value(d.JobType), Status: status.Status(value(d.Status)),
		BeginTime: status.Timestamp(value(d.BeginTime)), EndTime: status.Timestamp(value(d.EndTime)),
		ErrorCode: value(d.ErrorCode), FailReason: value(d.FailReason),
	}
	for _, sub := range d.SubJobs {
		job.SubJobs = append(job.SubJobs, jobOf(&sub))
	}
	return job
}

// translated turns the SDK's error into one that poller.Classify knows. Unknown errors are polled
// through: without this, a 403 would be polled until the deadline.
func translated(err error) error {
	if e, ok := errors.AsType[*sdkError](err); ok {
		return &poller.Error{StatusCode: e.StatusCode, Code: e.Code, Message: e.Message, RequestID: e.RequestID}
	}
	return err
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server := pollertest.New(pollertest.WithProject("demo-project")) // the built-in service
	defer server.Close()
	for id, end := range map[string]status.Job{
		"bind-1": {Status: status.Success},
		"bind-2": {Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"},
	} {
		server.Add(pollertest.Script{ID: id, Type: "bind_ldap", Steps: []pollertest.Step{
			{Job: status.Job{Status: status.Running}}, {After: time.Second, Job: end},
		}})
	}
	server.Fail(pollertest.Rule{Skip: 1, Times: 1, Status: 503}) // polled through

	for _, wait := range []struct{ id, project string }{
		{"bind-1", "demo-project"},
		{"bind-2", "demo-project"},
		{"bind-2", "other-project"}, // which has no such job
	} {
		fmt.Printf("Job %s, in %s:\n", wait.id, wait.project)
		w, err := waiter.New(through(&sdk{server.Start(), wait.project, "demo-token"}))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		job, err := w.Wait(ctx, wait.id, waiter.OnTransition(func(t status.Transition) {
			fmt.Println(" ", t)
		}))
		cancel()
		if err != nil {
			fmt.Println(" ", err)
			continue
		}
		fmt.Printf("  %s job %s has ended: %s\n", job.Type, job.ID, job.Status)
	}
	return nil
}
