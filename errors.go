package waiter

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// How a wait can end other than in success. errors.Is finds them in what Wait, Watch, Run, WaitAll
// and Step return: ErrJobFailed in a [*FailedError]; ErrUnfinished in every [*UnfinishedError],
// together with the one below it that fits, if any, or with context.DeadlineExceeded or
// context.Canceled.
var (
	ErrJobFailed    = errors.New("job failed")
	ErrUnfinished   = errors.New("job's end was not seen")
	ErrNotFound     = errors.New("job not found")       // the service never knew it
	ErrDisappeared  = errors.New("job disappeared")     // the service knew it, and no longer does
	ErrUnauthorized = errors.New("credential rejected") // and renewing it did not help
	ErrStalled      = errors.New("job has stalled")     // no new status for as long as WithStallLimit allows
	ErrSubJobFailed = errors.New("sub-job failed")      // with WithFailFast; the job itself goes on
)

// FailedError is a job that ended in failure, or with [WithStrictSubJobs] one that succeeded with a
// failed sub-job. It is used as *FailedError, and is plain data: a test can build one.
type FailedError struct {
	Job       status.Job    // its code, reason and sub-jobs are here
	RequestID string        // of the response that showed the failure; "" from a checkpoint
	Elapsed   time.Duration // from the wait's beginning to that response; 0 from a checkpoint
}

// Is reports whether target is [ErrJobFailed].
func (e *FailedError) Is(target error) bool { return target == ErrJobFailed }

// Has reports whether the job, or a failed sub-job, has this error code, such as "SFS.TURBO.0100".
func (e *FailedError) Has(code string) bool {
	if code != "" && e.Job.ErrorCode == code {
		return true
	}
	for _, sub := range failedSubJobs(e.Job) {
		if code != "" && sub.ErrorCode == code {
			return true
		}
	}
	return false
}

// UnfinishedError is a wait that ended without the job's end being seen: the job itself may well go
// on. It is used as *UnfinishedError, and is plain data: a test can build one, with an Outcome.
type UnfinishedError struct {
	JobID       string         // to go on with
	Last        status.Job     // as last seen, a checkpoint for [From]; at least its ID
	LastSeen    time.Time      // when the last good response arrived; zero if there was none
	Age         time.Duration  // of Last when the wait ended; 0 if there was no good response
	Unchanged   time.Duration  // how long Last had gone without a new status when it was last seen
	RequestID   string         // of the last good response
	Polls       int            // sent
	Elapsed     time.Duration  // since the wait began
	Failures    map[string]int // failed polls by kind: see poller.Kind
	LastFailure error          // nil if no poll failed, and the limiter did not refuse
	Asked       string         // the endpoint and project of LastFailure; "" if unknown

	Outcome string // how the wait ended: see the function Outcome
	Cause   error  // why, in addition to Outcome: what the last poll failed with, a context's cause, ...; may be nil
	Advice  string // what to do next
}

// Unwrap returns [ErrUnfinished], the error that stands for Outcome, such as [ErrNotFound] or
// context.Canceled, and Cause. After the end of a context, the last poll's failure is not among
// them: a poll's own timeout would make a canceled wait look like a missed deadline.
func (e *UnfinishedError) Unwrap() []error {
	all := []error{ErrUnfinished}
	for _, err := range []error{sentinel(e.Outcome), e.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// sentinel returns the error that stands for an outcome; nil if none does.
func sentinel(outcome string) error {
	for _, s := range sentinels {
		if s.outcome == outcome {
			return s.error
		}
	}
	return nil
}

var sentinels = []struct {
	outcome string
	error
}{
	{"failed", ErrJobFailed},
	{"not_found", ErrNotFound},
	{"disappeared", ErrDisappeared},
	{"unauthorized", ErrUnauthorized},
	{"stalled", ErrStalled},
	{"sub_job_failed", ErrSubJobFailed},
	{"timeout", context.DeadlineExceeded},
	{"canceled", context.Canceled},
}

// Outcome returns how a wait ended, by the error that it returned, as a word of a closed set, for
// metrics and logs:
//
//	success         the error is nil
//	failed          the job failed
//	timeout         the context's deadline passed
//	canceled        the context was canceled
//	not_found       the service never knew the job
//	disappeared     the service no longer knows the job
//	unauthorized    the credential was rejected
//	stalled         no new status for too long
//	sub_job_failed  a sub-job failed, and WithFailFast was given
//	stopped         the schedule or the limiter ended the wait
//	checkpoint      a checkpoint could not be saved
//	permanent       polling again cannot help, or Run's submit failed
//	usage           an option, a job id or anything else is wrong: nothing was awaited
//
// Of joined errors it is the first wait's: after [Waiter.WaitAll], ask it of each Result's Err. It
// is pure.
func Outcome(err error) string {
	if err == nil {
		return "success"
	}
	return cmp.Or(outcome(err), "usage")
}

// outcome returns the outcome of the first wait in err's tree; "" if there is none.
func outcome(err error) string {
	switch e := err.(type) { //nolint:errorlint // it walks the tree, in order
	case *UnfinishedError:
		if e.Outcome != "" {
			return e.Outcome
		}
		return cmp.Or(outcome(e.Cause), "permanent")
	case *submitError:
		return "permanent"
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			if found := outcome(wrapped); found != "" {
				return found
			}
		}
		return ""
	case interface{ Unwrap() error }:
		return outcome(e.Unwrap())
	}
	for _, s := range sentinels {
		if errors.Is(err, s.error) { // a FailedError is ErrJobFailed
			return s.outcome
		}
	}
	return ""
}

// publicError returns the error of an end; nil for success.
func publicError(end *wait.End) error {
	s := end.State
	switch end.How {
	case follow.Succeeded:
		return nil
	case follow.JobFailed:
		e := &FailedError{Job: s.Job.Clone(), RequestID: s.RequestID}
		if !s.LastSeen.IsZero() {
			e.Elapsed = s.LastSeen.Sub(s.Started)
		}
		return e
	}
	e := &UnfinishedError{
		JobID: s.Job.ID, Last: s.Job.Clone(), LastSeen: s.LastSeen, Unchanged: s.Unchanged(), RequestID: s.RequestID,
		Polls: s.Polls, Elapsed: end.At.Sub(s.Started), Failures: maps.Clone(s.Failures), LastFailure: s.LastFailure,
		Outcome: end.How.String(), Cause: s.Cause, Advice: advice[end.How],
	}
	if !s.LastSeen.IsZero() {
		e.Age = end.At.Sub(s.LastSeen)
	}
	switch end.How {
	case follow.NotFound, follow.Disappeared, follow.Unauthorized, follow.Permanent:
		e.Cause = s.LastFailure
	case follow.Unsaved:
		if s.Cause != nil { // a stored wait may lack it
			e.Cause = another{s.Cause} // a timeout of the store is not this wait's
		}
	case follow.TimedOut, follow.Canceled:
		e.Cause = notOurs(s.Cause)
		if s.Job.Status != "" && !s.Job.Status.Known() && s.Job.ErrorCode+s.Job.FailReason+string(s.Job.EndTime) != "" {
			e.Advice = mayBeOver
		}
	case follow.Stopped:
		e.Cause = errNoNextPoll
	case follow.Unusable:
		if s.Polls > 0 { // an option, found out late
			e.Advice = fixAndWait
		}
	}
	if e.Advice == waitAgain && s.LastSeen.IsZero() && (s.Polls == 0 && s.LastFailure != nil || slices.Contains(notTheJobs, poller.Kind(s.LastFailure))) {
		e.Advice = fixFailure
	}
	if asked, ok := errors.AsType[*poller.Error](s.LastFailure); ok && asked != nil {
		e.Asked = asked.Asked
	}
	return e
}

// notTheJobs are kinds of failures that waiting again does not help against if a wait has had no
// good response.
var notTheJobs = []string{"bad answer", "network", "credential"}

var errNoNextPoll = errors.New("the schedule has no next poll (backoff.Stop)")

// gone is the error of a wait whose goroutine a Poller, limiter or hook has ended.
func gone(last status.Job) error {
	return &UnfinishedError{
		JobID: last.ID, Last: last.Clone(), Outcome: follow.Abandoned.String(),
		Cause: errors.New("a Poller, limiter or hook ended the goroutine of this wait (runtime.Goexit)"), Advice: fixAndWait,
	}
}
