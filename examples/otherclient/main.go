// Command otherclient waits through a client that the program already has, an SDK
// for one: a poller.Func makes its call a Poller. The SDK here knows no context, and
// has errors of its own.
//
//	go run ./examples/otherclient
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
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// through makes a Poller of the SDK.
func through(s *sdk) poller.Func {
	return func(ctx context.Context, jobID string) (poller.Reply, error) {
		type answer struct {
			job *jobDetail
			err error
		}
		answered := make(chan answer, 1) // room for one that comes too late
		go func() {
			job, err := s.ShowJobDetail(jobID)
			answered <- answer{job, err}
		}()
		select {
		case <-ctx.Done(): // a poll returns soon after its context has ended
			return poller.Reply{}, ctx.Err()
		case a := <-answered:
			if a.err != nil {
				return poller.Reply{}, translated(a.err)
			}
			return poller.Reply{Job: jobOf(a.job)}, nil
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

// translated makes of the SDK's error one that poller.Classify knows. Any other
// error passes, so that without this a 403 would be polled until the deadline.
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
	id := server.Add(pollertest.Script{ID: "bind-1", Type: "bind_ldap", Steps: []pollertest.Step{
		{After: 500 * time.Millisecond, Job: status.Job{Status: status.Running}},
		{After: 3 * time.Second, Job: status.Job{Status: status.Success}},
	}})
	server.Fail(pollertest.Rule{Skip: 1, Times: 1, Status: 503}) // polled through

	for _, project := range []string{"demo-project", "other-project"} {
		fmt.Printf("Through the SDK, in %s:\n", project)
		w, err := waiter.New(through(&sdk{server.Start(), project, "demo-token"}))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		job, err := w.Wait(ctx, id, waiter.OnTransition(func(t status.Transition) {
			fmt.Printf("  %s %s -> %s\n", t.JobID, cmp.Or(t.From, "new"), t.To)
		}))
		cancel()
		if err != nil {
			fmt.Println(" ", err) // of the second project: it may not see this job
			continue
		}
		fmt.Printf("  %s job %s: %s\n", job.Type, job.ID, job.Status)
	}
	return nil
}
