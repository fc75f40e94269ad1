// Package poller reads a job: it asks the service once and says what the answer means.
//
// A [Poller] is one question and one answer. [Client] asks the SFS Turbo endpoint
// over HTTP; a [Func] makes any other client's call into a Poller. [Classify] says
// what a failed poll means for somebody who waits, and [JobID] reads the id from
// the answer of a call that starts a job.
package poller

import (
	"context"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Poller asks once what a job looks like. Implementations are safe for concurrent
// use, and return soon after ctx has ended. What an error means is for [Classify].
type Poller interface {
	Poll(ctx context.Context, jobID string) (Reply, error)
}

// Reply is a good answer.
type Reply struct {
	Job        status.Job
	RequestID  string        // what the service's support asks for; "" if it sent none
	ServerTime time.Time     // the answer's Date, to the second; zero if it sent none
	RetryAfter time.Duration // do not ask again sooner; 0 if the answer says nothing
}

// Func is a Poller made of any SDK's call. One that takes no context needs a timeout
// of its own, since a wait can't return before it does. An error that [Classify] does not know is
// polled through: wrap what polling can't mend in an [*Error] with its StatusCode, or
// in backoff.Permanent. A request id or Retry-After of a good answer needs a type of
// your own with Poll.
type Func func(ctx context.Context, jobID string) (status.Job, error)

// Poll calls f.
func (f Func) Poll(ctx context.Context, jobID string) (Reply, error) {
	job, err := f(ctx, jobID)
	return Reply{Job: job}, err
}
