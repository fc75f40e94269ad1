package waiter_test

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// bindLDAP is what a job looks like in three polls.
var bindLDAP = []status.Job{
	{Type: "bind_ldap", Status: status.Waiting},
	{Type: "bind_ldap", Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Running}}},
	{Type: "bind_ldap", Status: status.Success, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Success}}},
}

func ExampleWaiter_Watch() {
	w, err := waiter.New(scripted(bindLDAP...), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	for t, err := range w.Watch(context.Background(), "26f6b565") {
		switch {
		case err != nil: // it comes last
			fmt.Println(err)
		case t.IsSubJob():
			fmt.Println("  sub-job", t.SubJob, t.To)
		default:
			fmt.Println("job", t.JobID, t.To)
		}
	}
	// Output:
	// job 26f6b565 waiting
	// job 26f6b565 running
	//   sub-job check_ldap running
	//   sub-job check_ldap success
	// job 26f6b565 success
}

// A break ends the watching, and nothing polls any more.
func ExampleWaiter_Watch_break() {
	w, err := waiter.New(scripted(bindLDAP...), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	for t, err := range w.Watch(context.Background(), "26f6b565") {
		if err != nil {
			fmt.Println(err)
			return
		}
		if t.To == status.Running {
			fmt.Println("it has begun")
			break
		}
	}
	// Output: it has begun
}

func ExampleOnTransition() {
	w, err := waiter.New(scripted(bindLDAP...), quick, waiter.OnTransition(func(t status.Transition) {
		fmt.Printf("%q %q -> %q\n", t.SubJob, t.From, t.To)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// "" "" -> "waiting"
	// "" "waiting" -> "running"
	// "check_ldap" "" -> "running"
	// "check_ldap" "running" -> "success"
	// "" "running" -> "success"
}

// zap.NewExample leaves out the time; zap.NewProduction is what a program has.
func ExampleWithLogger() {
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.WithLogger(zap.NewExample(zap.IncreaseLevel(zap.InfoLevel))))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"level":"info","msg":"transition","job_id":"26f6b565","sub_job":"","job_type":"bind_ldap","from":"","to":"running"}
	// {"level":"info","msg":"transition","job_id":"26f6b565","sub_job":"check_ldap","job_type":"check_ldap","from":"","to":"running"}
	// {"level":"info","msg":"transition","job_id":"26f6b565","sub_job":"check_ldap","job_type":"check_ldap","from":"running","to":"success"}
	// {"level":"info","msg":"transition","job_id":"26f6b565","sub_job":"","job_type":"bind_ldap","from":"running","to":"success"}
}

// A start hook may put a span into the context: the end hook, and the poll itself,
// get that.
func ExampleWithTrace() {
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.WithTrace(&waiter.Trace{
		WaitStart: func(ctx context.Context, jobID string) context.Context {
			fmt.Println("waiting for", jobID)
			return ctx
		},
		PollEnd: func(_ context.Context, reply poller.Reply, err error) {
			fmt.Println("polled:", reply.Job.Status, err)
		},
		WaitEnd: func(_ context.Context, job status.Job, err error) {
			fmt.Println("ended:", job.Status, err)
		},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// waiting for 26f6b565
	// polled: running <nil>
	// polled: success <nil>
	// ended: success <nil>
}
