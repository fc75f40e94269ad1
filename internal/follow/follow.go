// Package follow is one job followed: a poll's outcome and a time go in; the transitions to
// deliver and what to do next come out.
//
// It is the one place that decides. It has no clock, does no I/O and starts no goroutine, so that
// a million polls run in seconds. What drives it polls, delivers, asks a schedule, and sleeps.
package follow

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Rules are the options of a wait that decide something. Zero durations mean: none.
type Rules struct {
	NotFoundGrace time.Duration                                            // how long after the start an unknown job may be not found
	StallLimit    time.Duration                                            // how long without a new status is a stall
	StrictSubJobs bool                                                     // success with a failed sub-job is a failure
	FailFast      bool                                                     // a failed sub-job ends the wait
	Classify      func(err error, byDefault poller.Verdict) poller.Verdict // nil: by default
}

// Poll is what one poll brought.
type Poll struct {
	Reply poller.Reply
	Err   error
	At    time.Time     // when its response, or its failure, arrived
	Took  time.Duration // from the request's start
}

// Schedule names one of a wait's two schedules.
type Schedule int

// The schedules.
const (
	Progress Schedule = iota // while the job goes on
	Failure                  // after a failed poll
)

// String returns the schedule's name in the stored form.
func (s Schedule) String() string { return [...]string{"progress", "failure"}[s] }

// Next is what a poll's outcome asks for.
type Next struct {
	Transitions []status.Transition // to deliver now, in this order
	Warnings    []string            // about the response
	Failure     error               // what the poll failed with; nil after a good response
	Verdict     poller.Verdict      // on Failure
	Kind        string              // of Failure, by poller.Kind
	NewFailure  bool                // Failure is of another kind than the failure before it
	End         End                 // Open: the wait goes on

	Schedule Schedule      // to ask when to poll again
	Reset    bool          // reset Schedule before asking it
	AtLeast  time.Duration // not sooner than this, whatever Schedule says
	AtMost   time.Duration // not later than this, unless AtLeast is later; 0: no bound
}

const (
	confirmAfter  = time.Second      // between the failure that makes a seen job suspect and the one that confirms it
	maxRetryAfter = 2 * time.Minute  // a proxy's idea of later is not the end of a wait
	askAgain      = 5 * time.Second  // a limiter that has refused
	usualPace     = 15 * time.Second // the longest interval of pace.Exponential
)

// Observe takes in what a poll brought and says what to do next.
func (s *State) Observe(p Poll, r Rules) Next {
	s.Polls++
	s.refused = false
	if p.Err == nil {
		p.Err = s.check(p.Reply)
	}
	if isResponse(p.Err) {
		if s.responses == 0 {
			s.took[0] = 0 // it was only expected
		}
		copy(s.took[1:], s.took[:])
		s.took[0], s.responses = p.Took, min(s.responses+1, int32(len(s.took)))
	}
	var n Next
	if p.Err != nil {
		n = s.failed(p, r)
	} else {
		n = s.answered(p, r)
	}
	s.End = n.End
	return n
}

// Plan takes in what the schedule that n names has said, and returns how long to sleep before
// the next poll. A negative delay, which is backoff.Stop, ends the wait. A schedule that learns
// plans for the job's end, and such an interval is no pace that throttling could slow down.
func (s *State) Plan(n Next, asked time.Duration, learns bool) time.Duration {
	if n.Reset {
		s.asked[n.Schedule] = 0
	}
	s.asked[n.Schedule]++
	if asked < 0 {
		s.End = Stopped
		return 0
	}
	if n.Schedule == Progress {
		s.interval = asked
		if learns {
			s.interval = min(asked, usualPace)
		}
	}
	if n.AtMost > 0 {
		asked = min(asked, n.AtMost)
	}
	return max(asked, n.AtLeast)
}

// Refuse takes in that the limiter let no poll through. Without a deadline that ends the wait.
// With one it does not, because the limiter may refuse because of the deadline, or for a while:
// it is asked again after the returned delay. first reports whether it is the first refusal
// since the last poll.
func (s *State) Refuse(err error, deadline time.Time) (delay time.Duration, first bool) {
	s.LastFailure = err
	if deadline.IsZero() {
		s.End = Refused
		return 0, true
	}
	first, s.refused = !s.refused, true
	return askAgain, first
}

// Cut takes in a poll that the end of the wait's context cut short: a poll without a response if
// that was the deadline, nobody's failure if the context was canceled.
func (s *State) Cut(err error, deadline bool) {
	s.Polls++
	if deadline {
		s.count("timeout", err)
	}
}

// Failed returns what a failure is, of a poll that decides nothing.
func Failed(err error) Next {
	return Next{Failure: err, Verdict: poller.Classify(err), Kind: poller.Kind(err)}
}

func (s *State) answered(p Poll, r Rules) Next {
	job := fold(p.Reply.Job)
	job.ID, job.Type = s.Job.ID, cmp.Or(job.Type, s.Job.Type)
	n := Next{
		Transitions: slices.DeleteFunc(status.Diff(s.Job, job, p.At), s.gone.back),
		AtLeast:     min(p.Reply.RetryAfter, maxRetryAfter),
	}
	for _, t := range n.Transitions {
		if rank(t.To) < rank(t.From) {
			n.Warnings = append(n.Warnings, fmt.Sprintf("status went back from %.64q to %.64q", t.From, t.To))
		}
		if s.isFirstUnknown(t.To) {
			warning := fmt.Sprintf("unknown status %.64q counts as not finished", t.To)
			if t.Job.EndTime != "" {
				warning += fmt.Sprintf(", though it has the end time %.64q", t.Job.EndTime)
			}
			n.Warnings = append(n.Warnings, warning)
		}
	}
	if s.areNew(n.Transitions) {
		n.Reset = true
		s.newStatus = max(0, p.At.Sub(s.Started))
	}
	if s.isFirstDropped(p.Reply.Dropped) {
		n.Warnings = append(n.Warnings, "left out of the response: "+wire.OneLine(p.Reply.Dropped))
	}
	merged := status.Merge(s.Job, job)
	s.Job = bound(merged, len(job.SubJobs))
	if !s.gone.drop(merged, len(s.Job.SubJobs)) && !s.full {
		s.full = true
		n.Warnings = append(n.Warnings, "too many sub-jobs to remember: those that come and go may be delivered again")
	}
	s.LastSeen, s.RequestID = p.At, Storable(p.Reply.RequestID)
	s.suspect, s.failureKind, s.asked[Failure] = false, "", 0

	n.End = s.Outcome(r)
	if n.End == Open && r.StallLimit > 0 && s.Unchanged() >= r.StallLimit {
		n.End = Stalled
	}
	return n
}
