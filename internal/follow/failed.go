package follow

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func (s *State) failed(p Poll, r Rules) Next {
	n := Failed(p.Err)
	n.NewFailure = n.Kind != s.failureKind
	n.Schedule, n.Reset = Failure, s.asked[Failure] == 0
	s.failureKind = n.Kind
	s.count(n.Kind, p.Err)
	if e, ok := errors.AsType[*poller.Error](p.Err); ok && e != nil {
		n.AtLeast = min(e.RetryAfter, maxRetryAfter)
	}
	if r.Classify != nil {
		n.Verdict = r.Classify(p.Err, n.Verdict)
	}
	seen := s.Job.Status != ""
	switch n.Verdict {
	case poller.Throttled:
		n.AtLeast = max(n.AtLeast, s.interval) // the schedule after failures may begin below it
	case poller.Unauthorized:
		n.End = Unauthorized // confirming it could lock the key
	case poller.Permanent:
		if n.End = Permanent; seen && !saysPermanent(p.Err) {
			s.confirm(p.At, &n)
		}
	case poller.NotFound:
		if n.End = Disappeared; seen {
			s.confirm(p.At, &n)
		} else {
			s.grace(p.At, r, &n, NotFound)
		}
	case poller.Passing:
		if s.LastSeen.IsZero() && noSuchHost(p.Err) {
			s.grace(p.At, r, &n, Permanent) // a mistyped region must not hang
		}
	}
	return n
}

// grace tolerates a failure for a while after the start, or after the first poll if that was
// planned, and ends the wait then.
func (s *State) grace(at time.Time, r Rules, n *Next, end End) {
	n.End = Open
	if n.AtMost = s.Started.Add(s.planned + r.NotFoundGrace).Sub(at); n.AtMost <= 0 {
		n.End = end
	}
}

// confirm tolerates one stale replica, or one proxy in reload: only a second such failure, with no
// good response in between, ends the wait of a job that was seen.
func (s *State) confirm(at time.Time, n *Next) {
	age := max(0, at.Sub(s.Started))
	if !s.suspect || s.suspected > age { // a stored age that lies ahead counts as now
		s.suspect, s.suspected = true, age
	}
	since := age - s.suspected
	if since < confirmAfter {
		n.End = Open
	}
	n.AtLeast = max(n.AtLeast, confirmAfter-since)
}

// check finds a bad response, whichever Poller it came from.
func (s *State) check(r poller.Reply) error {
	var wrong error
	switch {
	case foldStatus(r.Job.Status) == "":
		wrong = errors.New("the response has no status")
	case r.Job.ID != "" && !status.SameID(trim(r.Job.ID), s.Job.ID):
		wrong = errors.New("the response is for another job")
	default:
		return nil
	}
	return &poller.Error{StatusCode: 200, RequestID: r.RequestID, RetryAfter: r.RetryAfter, Err: wrong}
}

// isResponse reports whether the service, or a proxy, responded in time, even if badly.
func isResponse(err error) bool {
	e, ok := errors.AsType[*poller.Error](err)
	return err == nil || ok && e != nil && e.StatusCode != 0 && !errors.Is(err, context.DeadlineExceeded)
}

// saysPermanent reports whether the Poller itself says that polling again cannot help.
func saysPermanent(err error) bool {
	_, ok := errors.AsType[*backoff.PermanentError](err)
	return ok
}

func noSuchHost(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
