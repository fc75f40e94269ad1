package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// scripted stands for a poller.Client in the examples: its responses are these jobs in turn, the
// last one forever.
func scripted(jobs ...status.Job) poller.Func { return failing(0, nil, jobs...) }

// failing is scripted after so many polls have failed.
func failing(times int, err error, jobs ...status.Job) poller.Func {
	return func(context.Context, string) (poller.Reply, error) {
		if err != nil && times > 0 {
			times--
			return poller.Reply{}, err
		}
		job := jobs[0]
		if len(jobs) > 1 {
			jobs = jobs[1:]
		}
		return poller.Reply{Job: job}, nil
	}
}

// quick has the examples poll every millisecond. The default is a second and more.
var quick = waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) })

// bindLDAP is a job in three polls.
var bindLDAP = []status.Job{
	{Type: "bind_ldap", Status: status.Waiting},
	{Type: "bind_ldap", Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Running}}},
	{Type: "bind_ldap", Status: status.Success, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Success}}},
}

// A client, a Waiter and a wait. The service is one for tests. For the real one, the endpoint is
// poller.Endpoint("cn-north-4"), and WithHTTPClient is not needed.
func Example() {
	service := pollertest.New()
	defer service.Close()
	id := service.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, httpClient := service.Memory()

	client, err := poller.New(endpoint, "0970dd7a1300f5672ff2c003c60ae115",
		poller.WithCredential(credential.Token("MIIQtgYJKoZIhvcNAQcC...")), poller.WithHTTPClient(httpClient))
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := waiter.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	job, err := w.Wait(ctx, id)
	if err != nil {
		fmt.Println(err) // why, and what to do next
		return
	}
	fmt.Println(job.Type, job.Status)
	// Output: bind_ldap success
}

// New checks its options.
func ExampleNew() {
	service := scripted(status.Job{Status: status.Success})

	_, err := waiter.New(service, waiter.WithStallLimit(30*time.Minute), waiter.WithPollTimeout(5*time.Second))
	fmt.Println(err)
	_, err = waiter.New(service, waiter.WithStallLimit(-1))
	fmt.Println(err)
	_, err = waiter.New(nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// waiter: WithStallLimit: -1ns is negative; 0 means none
	// waiter: the Poller is nil: did its constructor return an error?
}

func ExampleWaiter_Wait() {
	service := scripted(
		status.Job{Type: "create_share", Status: status.Waiting},
		status.Job{Type: "create_share", Status: status.Running},
		status.Job{Type: "create_share", Status: status.Success},
	)
	w, err := waiter.New(service, quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	job, err := w.Wait(ctx, "26f6b565")
	fmt.Println(job.Type, job.ID, job.Status, err)
	// Output: create_share 26f6b565 success <nil>
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

// After break nothing polls any more. The job goes on.
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
			fmt.Println("the job has begun")
			break
		}
	}
	// Output: the job has begun
}

// Run gets the call that starts the job. If the wait fails, the error holds the job's id.
func ExampleWaiter_Run() {
	w, err := waiter.New(scripted(status.Job{Type: "bind_ldap", Status: status.Success}), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	bind := func(context.Context) (jobID string, err error) {
		response := `{"jobId":"26f6b565"}` // to POST .../fs/ldap
		return poller.JobID(http.StatusOK, []byte(response))
	}
	job, err := w.Run(context.Background(), bind)
	fmt.Println(job.Type, job.ID, job.Status, err)
	// Output: bind_ldap 26f6b565 success <nil>
}

// One of three jobs fails. WaitAll waits for the others too.
func ExampleWaiter_WaitAll() {
	service := poller.Func(func(_ context.Context, jobID string) (poller.Reply, error) {
		job := status.Job{Type: "bind_ldap", Status: status.Success}
		if jobID == "second" {
			job.Status, job.ErrorCode = status.Failed, "SFS.TURBO.0100"
		}
		return poller.Reply{Job: job}, nil
	})
	w, err := waiter.New(service)
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := w.WaitAll(context.Background(), []string{"first", "second", "third"})
	for _, r := range results {
		fmt.Println(r.Job.ID, r.Job.Status)
	}
	if failed, ok := errors.AsType[*waiter.FailedError](err); ok {
		fmt.Println("code of the first to fail:", failed.Job.ErrorCode)
	}
	// Output:
	// first success
	// second failed
	// third success
	// code of the first to fail: SFS.TURBO.0100
}

// Step polls once. Its Progress is plain JSON: a reconciler stores it after each Step.
func ExampleWaiter_Step() {
	w, err := waiter.New(scripted(bindLDAP...), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := []byte(`{"job_id":"26f6b565"}`)
	for {
		var p waiter.Progress
		if err := json.Unmarshal(stored, &p); err != nil {
			fmt.Println(err)
			return
		}
		p, err = w.Step(context.Background(), p)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("poll %d: %s, %d transitions\n", p.Polls, p.Job.Status, len(p.Transitions))
		if p.Done {
			break
		}
		if stored, err = json.Marshal(p); err != nil {
			fmt.Println(err)
			return
		}
		time.Sleep(p.Next) // a reconciler returns p.Next instead
	}
	// Output:
	// poll 1: waiting, 1 transitions
	// poll 2: running, 2 transitions
	// poll 3: success, 2 transitions
}

// The more specific errors come first. ./examples/errors has all of them.
func Example_errors() {
	for _, failure := range []error{
		nil,
		&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"},
		&poller.Error{StatusCode: 401, Code: "APIGW.0301"},
		&poller.Error{StatusCode: 403, Code: "SFS.TURBO.9000"},
	} {
		service := failing(1, failure, status.Job{Status: status.Success})
		w, err := waiter.New(service, waiter.WithNotFoundGrace(0))
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = w.Wait(context.Background(), "26f6b565")
		switch {
		case err == nil:
			fmt.Println("success")
		case errors.Is(err, waiter.ErrJobFailed):
			fmt.Println("the job failed")
		case errors.Is(err, waiter.ErrNotFound), errors.Is(err, waiter.ErrDisappeared):
			fmt.Println("no such job")
		case errors.Is(err, waiter.ErrUnauthorized):
			fmt.Println("a new token is needed")
		case errors.Is(err, waiter.ErrUnfinished):
			fmt.Println("its end was not seen")
		default:
			fmt.Println("a wrong option")
		}
	}
	// Output:
	// success
	// no such job
	// a new token is needed
	// its end was not seen
}

func ExampleFailedError() {
	w, err := waiter.New(scripted(status.Job{
		Type: "bind_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "binding LDAP failed",
		SubJobs: []status.Job{{Type: "check_ldap", Status: status.Failed, FailReason: "the LDAP server does not respond"}},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	if failed, ok := errors.AsType[*waiter.FailedError](err); ok {
		fmt.Println(failed.Job.ErrorCode, failed.Job.FailReason)
		for _, sub := range failed.Job.SubJobs {
			fmt.Println(sub.Type, sub.FailReason)
		}
	}
	fmt.Println(errors.Is(err, waiter.ErrJobFailed))
	// Output:
	// SFS.TURBO.0100 binding LDAP failed
	// check_ldap the LDAP server does not respond
	// true
}

// The wait ends, and the job goes on. The error has its id and how it was last seen, to wait again.
func ExampleUnfinishedError() {
	ctx, cancel := context.WithCancelCause(context.Background())
	shutdown := errors.New("the server is shutting down")
	w, err := waiter.New(scripted(status.Job{Type: "create_share", Status: status.Running}),
		waiter.OnTransition(func(status.Transition) { cancel(shutdown) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(ctx, "26f6b565")
	if unfinished, ok := errors.AsType[*waiter.UnfinishedError](err); ok {
		fmt.Println(unfinished.JobID, unfinished.Last.Type, unfinished.Last.Status)
	}
	fmt.Println(errors.Is(err, waiter.ErrUnfinished), errors.Is(err, context.Canceled), errors.Is(err, shutdown))
	// Output:
	// 26f6b565 create_share running
	// true true true
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

// A program that was restarted goes on from its checkpoint: see status.Apply for how to keep one.
func ExampleFrom() {
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.OnTransition(func(t status.Transition) {
		fmt.Printf("%q %q -> %q\n", t.SubJob, t.From, t.To)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	var checkpoint status.Job
	stored := `{"job_id":"26f6b565","status":"running"}` // from a file
	if err := json.Unmarshal([]byte(stored), &checkpoint); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), checkpoint.ID, waiter.From(checkpoint)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// "check_ldap" "" -> "running"
	// "check_ldap" "running" -> "success"
	// "" "running" -> "success"
}

// A checkpoint that is terminal needs no request.
func ExampleFrom_ended() {
	w, err := waiter.New(scripted(status.Job{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	done := status.Job{ID: "26f6b565", Type: "bind_ldap", Status: status.Success}
	job, err := w.Wait(context.Background(), done.ID, waiter.From(done))
	fmt.Println(job.Status, err)
	// Output: success <nil>
}

// One limiter serves all waits, since all calls of a user share one limit.
func ExampleWithLimiter() {
	limiter := rate.NewLimiter(rate.Every(10*time.Millisecond), 1)
	service := scripted(
		status.Job{Status: status.Waiting},
		status.Job{Status: status.Running},
		status.Job{Status: status.Success},
	)
	w, err := waiter.New(service, waiter.WithLimiter(limiter), quick)
	if err != nil {
		fmt.Println(err)
		return
	}
	began := time.Now()
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	fmt.Println("the limiter delayed two polls:", time.Since(began) > 15*time.Millisecond)
	// Output:
	// success <nil>
	// the limiter delayed two polls: true
}

// A job that is not found has a grace of ten seconds by default, since the service may not know a
// new job at once. This job is not new.
func ExampleWithNotFoundGrace() {
	service := failing(1, &poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"})
	w, err := waiter.New(service, waiter.WithNotFoundGrace(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	fmt.Println(errors.Is(err, waiter.ErrNotFound))
	// Output: true
}

func ExampleWithStallLimit() {
	w, err := waiter.New(scripted(status.Job{Status: status.Running}), quick, waiter.WithStallLimit(5*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, errors.Is(err, waiter.ErrStalled))
	// Output: running true
}

// A job may succeed although one of its sub-jobs failed.
func ExampleWithStrictSubJobs() {
	w, err := waiter.New(scripted(status.Job{Type: "create_share", Status: status.Success, SubJobs: []status.Job{
		{Type: "create_network", Status: status.Success},
		{Type: "tag_servers", Status: status.Failed, ErrorCode: "SFS.TURBO.0400"},
	}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Wait(context.Background(), "26f6b565")
	fmt.Println("by default:", err)
	_, err = w.Wait(context.Background(), "26f6b565", waiter.WithStrictSubJobs())
	fmt.Println("strict:", errors.Is(err, waiter.ErrJobFailed))
	// Output:
	// by default: <nil>
	// strict: true
}

// The job was never seen. Its report has its type all the same.
func ExampleWithJobType() {
	service := failing(1, &poller.Error{StatusCode: 403})
	w, err := waiter.New(service)
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565", waiter.WithJobType("bind_ldap"))
	fmt.Println(job.Type, job.ID, err != nil)
	// Output: bind_ldap 26f6b565 true
}

// Permissions that were granted a moment ago may not be effective yet: here a 403 passes.
func ExampleWithClassifier() {
	service := failing(1, &poller.Error{StatusCode: 403}, status.Job{Status: status.Success})
	w, err := waiter.New(service,
		waiter.WithClassifier(func(err error, byDefault poller.Verdict) poller.Verdict {
			if e, ok := errors.AsType[*poller.Error](err); ok && e.StatusCode == 403 {
				return poller.Passing
			}
			return byDefault
		}),
		waiter.WithFailureBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output: success <nil>
}

// Any schedule of backoff/v4 fits. The function makes one for each wait. Set MaxElapsedTime to 0:
// its default ends a wait after 15 minutes.
func ExampleWithBackOff() {
	w, err := waiter.New(scripted(bindLDAP...), waiter.WithBackOff(func() backoff.BackOff {
		return backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(time.Millisecond),
			backoff.WithMaxInterval(20*time.Millisecond),
			backoff.WithMaxElapsedTime(0),
		)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output: success <nil>
}

// backoff.Stop ends the wait: here after the first poll and three more.
func ExampleWithBackOff_stop() {
	w, err := waiter.New(scripted(status.Job{Status: status.Running}), waiter.WithBackOff(func() backoff.BackOff {
		return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Millisecond), 3)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	unfinished, ok := errors.AsType[*waiter.UnfinishedError](err)
	fmt.Println(job.Status, ok, unfinished.Polls)
	// Output: running true 4
}

// Two polls fail. Polls that fail have a schedule of their own.
func ExampleWithFailureBackOff() {
	service := failing(2, &poller.Error{StatusCode: 502}, status.Job{Status: status.Success})
	w, err := waiter.New(service, waiter.WithFailureBackOff(func() backoff.BackOff {
		fmt.Println("made for this wait")
		return backoff.NewConstantBackOff(time.Millisecond)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output:
	// made for this wait
	// success <nil>
}

// A poll that hangs is canceled, and polling goes on.
func ExampleWithPollTimeout() {
	hang := true
	service := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
		if hang {
			hang = false
			<-ctx.Done()
			fmt.Println("canceled:", ctx.Err())
			return poller.Reply{}, ctx.Err()
		}
		return poller.Reply{Job: status.Job{Status: status.Success}}, nil
	})
	w, err := waiter.New(service, waiter.WithPollTimeout(5*time.Millisecond), waiter.WithFailureBackOff(func() backoff.BackOff {
		return backoff.NewConstantBackOff(time.Millisecond)
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := w.Wait(context.Background(), "26f6b565")
	fmt.Println(job.Status, err)
	// Output:
	// canceled: context deadline exceeded
	// success <nil>
}

// Programs use zap.NewProduction. Here the encoder leaves out what differs from run to run.
func ExampleWithLogger() {
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		MessageKey: "msg", LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: func(_ time.Duration, e zapcore.PrimitiveArrayEncoder) { e.AppendString("...") },
	})
	logger := zap.New(zapcore.NewCore(encoder, os.Stdout, zap.InfoLevel))
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.WithLogger(logger))
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
	// {"level":"info","msg":"wait ended","job_id":"26f6b565","outcome":"success","status":"success","polls":2,"elapsed":"..."}
}

func ExampleWithSlog() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // leaves out what differs from run to run
			if a.Key == slog.TimeKey || a.Key == "elapsed" {
				return slog.Attr{}
			}
			return a
		},
	}))
	w, err := waiter.New(scripted(bindLDAP[2:]...), quick, waiter.WithSlog(logger.WithGroup("sfsturbo")))
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=INFO msg=transition sfsturbo.job_id=26f6b565 sfsturbo.sub_job=check_ldap sfsturbo.job_type=check_ldap sfsturbo.from="" sfsturbo.to=success
	// level=INFO msg=transition sfsturbo.job_id=26f6b565 sfsturbo.sub_job="" sfsturbo.job_type=bind_ldap sfsturbo.from="" sfsturbo.to=success
	// level=INFO msg="wait ended" sfsturbo.job_id=26f6b565 sfsturbo.outcome=success sfsturbo.status=success sfsturbo.polls=1
}

// A start hook may put a span into the context, which the poll and the end hook get.
func ExampleWithTrace() {
	w, err := waiter.New(scripted(bindLDAP[1:]...), quick, waiter.WithTrace(&waiter.Trace{
		WaitStart: func(ctx context.Context, start waiter.WaitStart) context.Context {
			fmt.Println("waiting for", start.JobID)
			return ctx
		},
		PollEnd: func(_ context.Context, poll waiter.PollEnd) {
			fmt.Println("polled:", poll.Reply.Job.Status, len(poll.Transitions), "changes")
		},
		WaitEnd: func(_ context.Context, end waiter.WaitEnd) {
			fmt.Println("ended:", end.Outcome, "after", end.Polls, "polls")
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
	// polled: running 2 changes
	// polled: success 2 changes
	// ended: success after 2 polls
}
