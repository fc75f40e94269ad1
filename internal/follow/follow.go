// Package follow is one job followed: a poll's outcome and a time go in, the
// transitions to tell and what to do next come out.
//
// It is the one place that decides. It has no clock, does no I/O and starts no
// goroutine, so that a million polls run in seconds; whoever drives it polls,
// tells, asks a schedule, and sleeps.
package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Rules are what a wait was told to do. Zero durations mean: none.
type Rules struct {
	NotFoundGrace time.Duration                                            // how long after the start an unknown job may be not found
	StallLimit    time.Duration                                            // how long without a new status is a stall
	StrictSubJobs bool                                                     // success with a failed sub-job is a failure
	Classify      func(err error, byDefault poller.Verdict) poller.Verdict // nil: by default
}

// Poll is what one poll brought.
type Poll struct {
	Reply poller.Reply
	Err   error
	At    time.Time     // when its answer, or its failure, arrived
	Took  time.Duration // from the request's start
}

// Schedule names one of a wait's two schedules.
type Schedule int

const (
	Progress Schedule = iota // while the job goes on
	Failure                  // after a failed poll
)

// End says how a wait ended.
type End int

const (
	Open End = iota // not yet
	Succeeded
	JobFailed
	NotFound     // the service never knew the job
	Disappeared  // the service no longer knows the job
	Unauthorized // the credential was rejected
	Permanent    // polling again can't help
	Stalled      // no new status for too long
	Stopped      // the schedule has no next poll
)

// Next is what a poll's outcome asks for.
type Next struct {
	Transitions []status.Transition // to tell now, in this order
	Warnings    []string            // about the answer
	Failure     error               // what the poll failed with; nil after a good answer
	NewFailure  bool                // Failure is of another kind than the poll's before
	End         End                 // Open: ask Schedule when to poll again

	Schedule Schedule
	Reset    bool          // reset Schedule before asking it
	AtLeast  time.Duration // not sooner than this, whatever Schedule says
	AtMost   time.Duration // not later than this, unless AtLeast is later; 0: no bound
}

// Delay returns how long to sleep when the schedule says asked.
func (n Next) Delay(asked time.Duration) time.Duration {
	if n.AtMost > 0 {
		asked = min(asked, n.AtMost)
	}
	return max(asked, n.AtLeast, 0)
}

const (
	confirmAfter  = time.Second     // between the 404 that makes a seen job suspect and the one that confirms it
	maxRetryAfter = 2 * time.Minute // a proxy's idea of later is not the end of a wait
)

// Observe takes in what a poll brought and says what to do next.
func (s *State) Observe(p Poll, r Rules) Next {
	s.Polls++
	if p.Err == nil {
		p.Err = s.check(p.Reply)
	}
	if isAnswer(p.Err) {
		s.Answers = append(s.Answers[max(0, len(s.Answers)-3):], p.Took)
	}
	var n Next
	if p.Err != nil {
		n = s.failed(p, r)
	} else {
		n = s.answered(p, r)
	}
	if s.End = n.End; n.End == Open {
		if n.Reset {
			s.Asked[n.Schedule] = 0
		}
		s.Asked[n.Schedule]++
	}
	return n
}

// Cut takes in a poll that the end of the wait's context cut short: a poll without
// an answer if that was the deadline, no failure of anybody's if it was cancelled.
func (s *State) Cut(err error, deadline bool) {
	s.Polls++
	if deadline {
		s.count("timeout", err)
	}
}

func (s *State) answered(p Poll, r Rules) Next {
	job := fold(p.Reply.Job)
	job.ID, job.Type = s.Job.ID, cmp.Or(job.Type, s.Job.Type)
	n := Next{
		Transitions: status.Diff(s.Job, job, p.At),
		AtLeast:     min(p.Reply.RetryAfter, maxRetryAfter),
	}
	for _, t := range n.Transitions {
		if rank(t.To) < rank(t.From) {
			n.Warnings = append(n.Warnings, fmt.Sprintf("status went back from %.64q to %.64q", t.From, t.To))
		}
		if s.isNew(t.SubJob, t.To) {
			n.Reset = true
			s.NewStatusAt = p.At
			if t.To != "" && !t.To.Known() && s.firstUnknown(t.To) {
				n.Warnings = append(n.Warnings, fmt.Sprintf("unknown status %.64q is taken for not finished", t.To))
			}
		}
	}
	s.Job = bound(status.Merge(s.Job, job), len(job.SubJobs))
	s.LastSeen, s.RequestID = p.At, p.Reply.RequestID
	s.MissingSince, s.FailureKind, s.Asked[Failure] = time.Time{}, "", 0

	n.End = s.Outcome(r)
	if n.End == Open && r.StallLimit > 0 && p.At.Sub(s.NewStatusAt) >= r.StallLimit {
		n.End = Stalled
	}
	return n
}

func (s *State) failed(p Poll, r Rules) Next {
	kind := poller.Kind(p.Err)
	n := Next{
		Failure:    p.Err,
		NewFailure: kind != s.FailureKind,
		Schedule:   Failure,
		Reset:      s.Asked[Failure] == 0,
	}
	s.FailureKind = kind
	s.count(kind, p.Err)
	if answer, ok := errors.AsType[*poller.Error](p.Err); ok {
		n.AtLeast = min(answer.RetryAfter, maxRetryAfter)
	}

	verdict := poller.Classify(p.Err)
	if r.Classify != nil {
		verdict = r.Classify(p.Err, verdict)
	}
	switch {
	case verdict == poller.Throttled:
		n.AtLeast = max(n.AtLeast, s.Interval) // the schedule after failures may have begun anew, below it
	case verdict == poller.Permanent:
		n.End = Permanent
	case verdict == poller.Unauthorized:
		n.End = Unauthorized
	case verdict == poller.NotFound && s.Job.Status != "":
		s.missing(p.At, &n)
	case verdict == poller.NotFound:
		s.grace(p.At, r, &n, NotFound)
	case verdict == poller.Passing && s.LastSeen.IsZero() && noSuchHost(p.Err):
		s.grace(p.At, r, &n, Permanent) // a mistyped region must not hang
	}
	return n
}

// grace tolerates a failure for a while after the start, or the first poll that was
// planned, and ends the wait then.
func (s *State) grace(at time.Time, r Rules, n *Next, end End) {
	from := s.Started
	if s.Planned.After(from) {
		from = s.Planned
	}
	if n.AtMost = from.Add(r.NotFoundGrace).Sub(at); n.AtMost <= 0 {
		n.End = end
	}
}

// missing tolerates one stale replica: only a second 404 says that the job is gone.
func (s *State) missing(at time.Time, n *Next) {
	if s.MissingSince.IsZero() {
		s.MissingSince = at
	}
	since := max(0, at.Sub(s.MissingSince)) // between two polls the clock may have been set back
	if since >= confirmAfter {
		n.End = Disappeared
	}
	n.AtLeast = max(n.AtLeast, confirmAfter-since)
}

// check tells a bad answer, whichever Poller it came from.
func (s *State) check(r poller.Reply) error {
	var wrong error
	switch {
	case r.Job.Status == "":
		wrong = errors.New("the answer has no status")
	case r.Job.ID != "" && !status.SameID(r.Job.ID, s.Job.ID):
		wrong = errors.New("the answer is for another job")
	default:
		return nil
	}
	return &poller.Error{StatusCode: 200, RequestID: r.RequestID, RetryAfter: r.RetryAfter, Err: wrong}
}

// bound forgets of the sub-jobs that the last answer lacked those last seen longest
// ago, where they are too many: a service that invents ever new ones would else fill
// any memory. Merge has them last. The own ones of the answer stay.
func bound(merged status.Job, own int) status.Job {
	size := text(status.Job{SubJobs: merged.SubJobs[:own]})
	for n := own; n < len(merged.SubJobs); n++ {
		if size += text(merged.SubJobs[n]); n >= maxNames || size > maxText {
			merged.SubJobs = slices.Clone(merged.SubJobs[:n]) // or the rest would stay in memory
		}
	}
	return merged
}

func text(job status.Job) int {
	n := len(job.ID) + len(job.Type) + len(job.Status) + len(job.BeginTime) + len(job.EndTime) + len(job.ErrorCode) + len(job.FailReason)
	for _, sub := range job.SubJobs {
		n += text(sub)
	}
	return n
}

// isAnswer reports whether the service, or a proxy, answered in time, if badly.
func isAnswer(err error) bool {
	answer, ok := errors.AsType[*poller.Error](err)
	return err == nil || ok && answer.StatusCode != 0 && !errors.Is(err, context.DeadlineExceeded)
}

func noSuchHost(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}
