package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

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
