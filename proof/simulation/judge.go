package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// sentinels are the errors that errors.Is finds, each with the end that it means.
var sentinels = []struct {
	end End
	err error
}{
	{Failed, waiter.ErrJobFailed}, {NotFound, waiter.ErrNotFound}, {Disappeared, waiter.ErrDisappeared},
	{Unauthorized, waiter.ErrUnauthorized}, {Stalled, waiter.ErrStalled}, {Refused, errRefused},
	{TimedOut, context.DeadlineExceeded}, {Canceled, context.Canceled},
}

// byContext returns how an ended context ends a life, and its cause.
func byContext(ctx context.Context) (end End, cause error) {
	cause = context.Cause(ctx)
	switch {
	case errors.Is(cause, errCrash):
		return Crashed, cause
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return TimedOut, cause
	}
	return Canceled, cause
}

// neverReached reports whether the request did not reach the server for a reason that the case
// drew.
func neverReached(err error) bool {
	for _, k := range kinds {
		if k.local != nil && errors.Is(err, k.local) {
			return true
		}
	}
	return false
}

// judge returns the end that an error means, and what is wrong with the error.
func judge(ctx context.Context, err error) (end End, wrong []string) {
	if err == nil {
		return Success, nil
	}
	complain := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	var has []End
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			has = append(has, s.end)
		}
	}
	_, isFailed := errors.AsType[*waiter.FailedError](err)
	e, isUnfinished := errors.AsType[*waiter.UnfinishedError](err)
	response, isResponse := errors.AsType[*poller.Error](err)
	isResponse = isResponse && response.StatusCode != 0
	switch {
	case len(has) == 1:
		end = has[0]
	case len(has) > 1:
		complain(true, "it matches all of %v", has)
	case isResponse || neverReached(err):
		end = Permanent
	default:
		end = Stopped
	}
	_, isCredential := errors.AsType[*credential.Error](err)
	responded := end == NotFound || end == Disappeared || end == Unauthorized
	complain(responded && !isResponse && !isCredential, "it lacks the response that it ended with")
	complain(isFailed != (end == Failed), "a FailedError: %v", isFailed)
	complain(isUnfinished == isFailed, "both, or neither, of FailedError and UnfinishedError")
	complain(isUnfinished != errors.Is(err, waiter.ErrUnfinished), "errors.Is ErrUnfinished: %v", !isUnfinished)
	text := err.Error()
	complain(strings.ContainsAny(text, "\n\r") || !strings.Contains(text, JobID), "its text is not a line about the job: %q", text)
	if isUnfinished {
		complain(e.JobID != JobID || e.Last.ID != JobID, "it has no job id: %+v", *e)
	}
	if ctx.Err() != nil && slices.Contains([]End{TimedOut, Canceled}, end) {
		own, cause := byContext(ctx)
		complain(!errors.Is(err, ctx.Err()) || !errors.Is(err, cause), "it lacks the context's %v and %v", ctx.Err(), cause)
		complain(isResponse, "it has the last poll's failure in it")
		end = own
	}
	return end, wrong
}

// judgeFailure returns what is wrong with what the error reports about the response that showed the
// failure, the last one of the run if there was any. The wait began at start.
func judgeFailure(e *waiter.FailedError, run *Run, start time.Duration) (wrong []string) {
	elapsed, requestID := time.Duration(0), ""
	if n := len(run.Polls); n > 0 {
		elapsed, requestID = run.Polls[n-1].End-start, run.Polls[n-1].RequestID
	}
	if e.Elapsed != elapsed || e.RequestID != requestID {
		wrong = []string{fmt.Sprintf("it failed after %v in %q, not %v in %q", e.Elapsed, e.RequestID, elapsed, requestID)}
	}
	return wrong
}
