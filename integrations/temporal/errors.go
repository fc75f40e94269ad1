package temporalwait

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// The types of the application errors of the activity and of [Await]. The details of TypeFailed and
// TypeUnfinished, which are not retried, are the status.Job as last seen, with texts cut so that
// 1 MiB is enough, and where the wait stood. Details of a cancellation are the same.
const (
	TypeFailed     = "SFSTurboJobFailed"     // the job has failed
	TypeUnfinished = "SFSTurboJobUnfinished" // the wait ended without the job's end being seen
	TypeUsage      = "SFSTurboUsage"         // an option or the job id is wrong, or the Progress is of another job
	TypePending    = "SFSTurboJobPending"    // the job goes on, and is polled again: an attempt's error
)

// end is the second detail of an error.
type end struct {
	Progress waiter.Progress `json:"progress"` // without the job, which is the first one
	At       time.Time       `json:"at"`
	Canceled bool            `json:"canceled,omitempty"` // otherwise a Progress that is not Done is one that was not done in time
}

// pending is what an attempt fails with while the job goes on. Temporal keeps it, up to 4 KB, and
// shows it; what the next attempt needs is in the heartbeat.
func pending(p waiter.Progress, delay time.Duration) error {
	seen := "not seen yet"
	if p.Job.Status != "" {
		seen = brief(string(p.Job.Status))
	}
	message := fmt.Sprintf("job %s is %s, after %d polls. This is no failure: Temporal retries the activity when the next poll is due", brief(p.JobID), seen, p.Polls)
	if p.LastFailure != "" {
		message += ". Last failed poll: " + brief(p.LastFailure)
	}
	return temporal.NewApplicationErrorWithOptions(message, TypePending, temporal.ApplicationErrorOptions{
		NextRetryDelay: max(delay, time.Second), // Temporal makes no shorter pause
		Category:       temporal.ApplicationErrorCategoryBenign,
	})
}

func brief(text string) string {
	cut(&text, 500)
	return text
}

func usage(err error) error {
	return temporal.NewNonRetryableApplicationError(err.Error(), TypeUsage, err)
}

// ended is what the activity fails with when the wait has ended with err.
func ended(p waiter.Progress, err error, at time.Time) error {
	kind, message := TypeUnfinished, "the wait has ended: "+err.Error()
	if errors.Is(err, waiter.ErrJobFailed) {
		kind, message = TypeFailed, err.Error()
	}
	return carry(kind, message, p, end{At: at}, nil)
}

// timedOut is what the activity fails with at its deadline.
func timedOut(p waiter.Progress, at time.Time) error {
	e := end{Progress: p, At: at}
	return carry(TypeUnfinished, e.err(p.Job).Error(), p, e, nil)
}

// carry returns an application error that is not retried, with the details that err needs.
func carry(kind, message string, p waiter.Progress, e end, cause error) error {
	return temporal.NewApplicationErrorWithOptions(message, kind, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: details(p, e), Cause: cause,
	})
}

// details are the details of an error: what find reads.
func details(p waiter.Progress, e end) []any {
	p = fit(p)
	job := p.Job
	p.Job, p.Transitions = status.Job{}, nil
	e.Progress, e.At = p, e.At.Round(0)
	return []any{job, e}
}

// err returns the library's error for the end of a wait; nil if it succeeded.
func (e end) err(job status.Job) error {
	p := e.Progress
	p.Job = job
	ctx := canceled
	if !p.Done && !e.Canceled {
		ctx = expired
	}
	// Neither a Progress that is Done nor a context that has ended leads to a poll. What Step
	// returns says the same as it says anywhere.
	_, err := unable.Step(ctx, p)
	u, ok := err.(*waiter.UnfinishedError) //nolint:errorlint // Step's own
	switch {
	case !ok:
		return err
	case p.Done:
		u.Advice += ". Without WithProgress, Await does that"
		return u
	}
	// Step has used the clock, which a workflow must not see.
	u.LastSeen, u.Age, u.Elapsed, u.Unchanged = p.LastSeen, 0, 0, 0
	if !p.LastSeen.IsZero() {
		u.Age = max(0, e.At.Sub(p.LastSeen))
	}
	if !p.Started.IsZero() {
		u.Elapsed = max(0, e.At.Sub(p.Started))
	}
	return u
}

// canceled and expired are contexts that have ended.
var canceled, expired = func() (canceled, expired context.Context) {
	expired, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	stop() // it stays expired
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	return canceled, expired
}()

// unable is a Waiter for the errors of waits that have ended.
var unable = func() *waiter.Waiter {
	w, err := waiter.New(poller.Func(func(context.Context, string) (poller.Reply, error) {
		return poller.Reply{}, errors.New("temporalwait: polled after the end")
	}))
	if err != nil {
		panic(err)
	}
	return w
}()

// FromError returns the library's error that err holds: a *waiter.FailedError or a
// *waiter.UnfinishedError, for errors.Is, errors.As and waiter.Outcome. err is what a client or a
// parent gets of a workflow that has returned what [Await] returned, or what Await or the activity
// returned itself. If there is none in it, FromError returns err. It is pure.
func FromError(err error) error {
	if found, ok := find(err); ok {
		return found.err
	}
	return err
}

// carried is what find finds.
type carried struct {
	p    waiter.Progress
	at   end
	kind string // of the application error
	err  error  // the library's
}

func find(err error) (found carried, ok bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		c, job := carried{}, status.Job{}
		switch e := err.(type) { //nolint:errorlint // it walks the chain
		case *temporal.ApplicationError:
			c.kind = e.Type()
			if c.kind != TypeFailed && c.kind != TypeUnfinished || e.Details(&job, &c.at) != nil {
				continue
			}
		case *temporal.CanceledError:
			if e.Details(&job, &c.at) != nil {
				continue
			}
		default:
			continue
		}
		c.p = c.at.Progress
		c.p.Job = job
		if c.err = c.at.err(job); c.p.JobID != "" && c.err != nil {
			return c, true
		}
	}
	return carried{}, false
}
