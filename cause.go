package waiter

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

// What others failed with: a submit, a store, another wait.

// notOurs returns a context's cause, without the identity of what another wait returned: this
// package's errors, and the contexts', must only say what happened to this job. The cause is still
// found as the value that it is, and so is all else that it wraps.
func notOurs(cause error) error {
	for _, ours := range []error{ErrJobFailed, ErrUnfinished, ErrNotFound, ErrDisappeared, ErrUnauthorized, ErrStalled, ErrSubJobFailed} {
		if errors.Is(cause, ours) {
			return another{otherWait{cause}}
		}
	}
	return cause
}

// otherWait is the error of another wait. Its text leaves out what to do about that one's job: a
// reader would take it for what to do about this one.
type otherWait struct{ error }

func (e otherWait) Error() string {
	text := wire.Text(e.error)
	if u, ok := errors.AsType[*UnfinishedError](e.error); ok && u != nil {
		text = strings.Replace(text, u.Error(), u.said(), 1)
	}
	if f, ok := errors.AsType[*FailedError](e.error); ok && f != nil {
		text = strings.Replace(text, f.Error(), f.said(), 1)
	}
	return `another wait has ended: "` + text + `"`
}

func (e otherWait) Unwrap() error { return e.error }

// another is the error of something other than this wait.
type another struct{ error }

func (e another) Is(target error) bool {
	for _, s := range sentinels {
		if target == s.error {
			return false
		}
	}
	return target != ErrUnfinished && errors.Is(e.error, target)
}

func (e another) As(target any) bool {
	switch target.(type) {
	case **FailedError, **UnfinishedError, **poller.Error, **credential.Error:
		return false
	}
	return errors.As(e.error, target)
}

// submitError is a submit that failed, and says what that leaves behind.
type submitError struct {
	jobType string // "" if unknown
	err     error
}

func (e *submitError) Error() string {
	if refused, ok := errors.AsType[*poller.Error](e.err); ok && refused != nil && refused.StatusCode/100 == 4 && refused.StatusCode != http.StatusRequestTimeout {
		return "waiter: no " + name(status.Job{Type: e.jobType}) + " was started: " + wire.OneLine(e.err) + // a 4xx proves it
			". When that is resolved, submit again"
	}
	return "waiter: submitting the " + name(status.Job{Type: e.jobType}) + ": " + wire.OneLine(e.err) +
		". If the request got through, a job may have started: check the resource itself before submitting again"
}

func (e *submitError) Unwrap() error { return e.err }
