// Package poller reads a job: it asks the service once and says what the response means.
//
// A [Poller] asks one question. [Client] asks the SFS Turbo endpoint over HTTP; a [Func]
// makes a Poller of any other client's call. [Classify] says what a failed poll means for
// a wait, and [JobID] reads the id from the response of a call that starts a job.
package poller

import (
	"context"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Poller asks once what a job looks like. Implementations are safe for concurrent use and
// return soon after ctx has ended. [Classify] must know the errors that polling again
// can't fix. [conformance.Test] tests an implementation.
//
// [conformance.Test]:
// https://pkg.go.dev/github.com/sfsturbo/waiter/poller/pollertest/conformance#Test
type Poller interface {
	Poll(ctx context.Context, jobID string) (Reply, error)
}

// Reply is a good response.
type Reply struct {
	Job        status.Job
	RequestID  string        // for the service's support; "" if there is none
	ServerTime time.Time     // the response's Date, to the second; zero if there is none
	RetryAfter time.Duration // do not ask again sooner; 0 if the response does not say
	Dropped    string        // what of the response could not be read and was left out, to be logged; "" if nothing
}

// Func makes a Poller of any client's call. A call that takes no context needs a timeout
// of its own, because a wait can't return before it does. Known statuses may have any
// case: a wait folds them to lower case. An error that [Classify] does not know is
// polled through: for an HTTP response return an [*Error] with its StatusCode, and with what
// was Asked; for anything else that polling again can't fix, wrap the error in
// backoff.Permanent.
type Func func(ctx context.Context, jobID string) (Reply, error)

// Poll calls f.
func (f Func) Poll(ctx context.Context, jobID string) (Reply, error) { return f(ctx, jobID) }
