package waiter

import (
	"context"
	"errors"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

// How a wait can end other than in success. errors.Is finds them in what Wait and
// its kin return: ErrJobFailed in a [*FailedError]; ErrUnfinished in every
// [*UnfinishedError], together with the one below it that fits, if any, or with
// context.DeadlineExceeded or context.Canceled.
var (
	ErrJobFailed    = errors.New("job failed")
	ErrUnfinished   = errors.New("job's end was not seen")
	ErrNotFound     = errors.New("job not found")       // the service never knew it
	ErrDisappeared  = errors.New("job disappeared")     // it was there, and is no longer
	ErrUnauthorized = errors.New("credential rejected") // and renewing it did not help
	ErrStalled      = errors.New("job has stalled")     // no new status for as long as WithStallLimit allows
)

// FailedError is a job that ended in failure, or with [WithStrictSubJobs] one that
// succeeded with a failed sub-job. It is used as *FailedError.
type FailedError struct {
	Job       status.Job    // code, reason and sub-jobs are here
	RequestID string        // of the answer that showed the failure; "" from a checkpoint
	Elapsed   time.Duration // from the wait's begin to that answer; 0 from a checkpoint
}

// Is reports whether target is [ErrJobFailed].
func (e *FailedError) Is(target error) bool { return target == ErrJobFailed }

// UnfinishedError is a wait that ended without the job's end being seen: the job
// itself may well go on. It is used as *UnfinishedError.
type UnfinishedError struct {
	JobID       string        // to go on with
	Last        status.Job    // as last seen, a checkpoint for [From]; at least its ID
	LastSeen    time.Time     // when the last good answer arrived; zero if there was none
	Age         time.Duration // of Last when the wait ended; 0 if there was no good answer
	RequestID   string        // of the last good answer
	Polls       int
	Elapsed     time.Duration  // since the wait began
	Failures    map[string]int // failed polls by kind: see poller.Kind
	LastFailure error          // nil if no poll failed, or was refused by the limiter

	still  time.Duration // how long Last was seen to be so
	what   string        // how it ended, in words
	said   bool          // LastFailure is in what
	advice string        // what to do next
	causes []error       // besides ErrUnfinished
}

// Unwrap returns [ErrUnfinished] and why the wait ended. After the end of a context
// these are its error and its cause; the last poll's failure is then not among them,
// since a poll's own timeout would make a cancelled wait look like a missed deadline.
func (e *UnfinishedError) Unwrap() []error {
	return append([]error{ErrUnfinished}, e.causes...)
}

func failed(s *follow.State) *FailedError {
	e := &FailedError{Job: s.Job.Clone(), RequestID: s.RequestID}
	if !s.LastSeen.IsZero() {
		e.Elapsed = s.LastSeen.Sub(s.Started)
	}
	return e
}

func unfinished(s *follow.State, now time.Time, what, advice string, causes ...error) *UnfinishedError {
	snapshot := s.Clone()
	e := &UnfinishedError{
		JobID: s.Job.ID, Last: snapshot.Job, LastSeen: s.LastSeen, RequestID: s.RequestID,
		Polls: s.Polls, Elapsed: now.Sub(s.Started), Failures: snapshot.Failures, LastFailure: s.LastFailure,
		what: what, advice: advice, causes: causes,
	}
	if !s.LastSeen.IsZero() {
		e.Age = now.Sub(s.LastSeen)
		e.still = s.LastSeen.Sub(s.NewStatusAt)
	}
	return e
}

// unreadable is unfinished because of the last failure, which its text begins with.
func unreadable(s *follow.State, now time.Time, what, advice string, causes ...error) *UnfinishedError {
	e := unfinished(s, now, what+": "+oneLine(s.LastFailure), advice, causes...)
	e.said = true
	return e
}

const (
	waitAgain   = "The job itself may go on: wait again with its id"
	mendAndWait = "Mend that, then wait again with its id"
)

// ended returns the error for the end that s has come to; nil for success.
func ended(s *follow.State, now time.Time, rules follow.Rules) error {
	last := s.LastFailure
	switch s.End {
	case follow.Succeeded:
		return nil
	case follow.JobFailed:
		return failed(s)
	case follow.NotFound:
		return unreadable(s, now, "was not found",
			"If it is too new to be known, give it a longer WithNotFoundGrace", ErrNotFound, last)
	case follow.Disappeared:
		return unreadable(s, now, "has disappeared",
			"Finished jobs are deleted after a while: look at the resource itself", ErrDisappeared, last)
	case follow.Unauthorized:
		return unreadable(s, now, "can't be read",
			"The job itself may go on: get a new credential, then wait again with its id", ErrUnauthorized, last)
	case follow.Stalled:
		return unfinished(s, now, "has stalled: no new status for "+round(rules.StallLimit),
			"Waiting again is unlikely to help: look at the resource, or ask the service's support with the request id", ErrStalled)
	case follow.Stopped:
		return unfinished(s, now, "is not done, and the schedule has no next poll (backoff.Stop)", waitAgain)
	default:
		return unreadable(s, now, "can't be read", mendAndWait, last)
	}
}

// contextEnded judges by the context alone: what a poll failed with when it ended
// may be the context's error, its cause, or neither.
func contextEnded(ctx context.Context, s *follow.State, now time.Time) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	causes := []error{err}
	why := err.Error()
	if cause != err { //nolint:errorlint // the very same error says nothing more
		causes = append(causes, cause)
		why += ": " + oneLine(cause)
	}
	what := "is no longer waited for"
	if errors.Is(err, context.DeadlineExceeded) {
		what = "was not done in time"
	}
	return unfinished(s, now, what+": "+why, waitAgain, causes...)
}
