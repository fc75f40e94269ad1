package simulation

import (
	"fmt"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Trace is what became of a case.
type Trace struct {
	Runs     []Run
	Requests int    // of the HTTP tier: that the server saw
	Leaked   string // of the HTTP tier: the goroutines that were left
}

// Run is what became of one life.
type Run struct {
	Began  time.Duration // when its context did
	Polls  []Poll
	Told   []status.Transition
	End    End
	At     time.Duration // of the end
	Job    status.Job    // as it came back
	Folded bool          // Job is the fold of Told: a Watch that succeeds returns none
	Said   Said
	Wrong  []string // of the HTTP tier: what is wrong with the error itself
}

// Poll is one poll as the service and a clock saw it.
type Poll struct {
	N          int // over all lives, from 0
	Start, End time.Duration
	Answer     Answer
	RequestID  string // of a good answer
	Told       int    // transitions of the run so far, once it was digested
	Lost       bool   // of a Step: its Progress was not stored
}

// Said is what a wait says of itself, if it does.
type Said struct {
	Known       bool
	Began, Seen time.Time     // the wait, and the last good answer
	RequestID   string        // of that
	Age         time.Duration // of that; 0: there is none
	Polls       int
	Failures    map[string]int
}

// End is how a life ended.
type End string

// The ends.
const (
	Success      End = "success"
	Failed       End = "failed"
	NotFound     End = "not found"
	Disappeared  End = "disappeared"
	Unauthorized End = "unauthorized"
	Permanent    End = "permanent"
	Stalled      End = "stalled"
	Stopped      End = "stopped"
	Refused      End = "refused"   // by the limiter
	TimedOut     End = "timed out" // the context's deadline
	Cancelled    End = "cancelled"
	Crashed      End = "crashed"
)

// goesOn reports whether another life may begin after this end.
func (e End) goesOn() bool { return e == Crashed || e == TimedOut || e == Cancelled }

func (t *Trace) polls() int {
	n := 0
	for _, run := range t.Runs {
		n += len(run.Polls)
	}
	return n
}

// String is the case as a report: what was drawn, without what is not there.
func (c Case) String() string {
	var b strings.Builder
	for _, s := range c.Service.States {
		fmt.Fprintf(&b, "  %-14v the job is %s\n", s.At, describe(s.Job))
	}
	for _, f := range c.Service.Faults {
		fmt.Fprintf(&b, "  %-14v fault until %v: %s", f.From, f.Until, f.Kind)
		if f.Period > 0 {
			fmt.Fprintf(&b, ", every other %v", f.Period)
		}
		if f.Slow > 0 {
			fmt.Fprintf(&b, ", slower by %v", f.Slow)
		}
		if f.RetryAfter > 0 {
			fmt.Fprintf(&b, ", Retry-After %v (as a date: %v)", f.RetryAfter, f.AsDate)
		}
		if f.Odd != "" {
			fmt.Fprintf(&b, ", Retry-After %q", f.Odd)
		}
		b.WriteByte('\n')
	}
	for _, j := range c.Service.Jumps {
		fmt.Fprintf(&b, "  %-14v the server's clock jumps by %v\n", j.At, j.By)
	}
	fmt.Fprintf(&b, "  latency %v, replicas behind by %v\n", c.Service.Latency, c.Service.Lags)
	o := c.Options
	if o.Limiter != nil {
		fmt.Fprintf(&b, "  limiter: %+v\n", *o.Limiter)
		o.Limiter = nil
	}
	fmt.Fprintf(&b, "  options: %+v\n  cancelled as poll %d begins\n", o, c.Polls-1)
	for i, l := range c.Lives {
		fmt.Fprintf(&b, "  life %d (step: %v): %+v\n", i, c.Step, l)
	}
	return b.String()
}

// String is the trace as a report, poll by poll.
func (t *Trace) String() string {
	var b strings.Builder
	for i, run := range t.Runs {
		fmt.Fprintf(&b, "  life %d begins at %v\n", i, run.Began)
		told := 0
		tell := func(until int) {
			for ; told < min(until, len(run.Told)); told++ {
				fmt.Fprintf(&b, "    %-14v told %q: %q -> %q\n", run.Told[told].ObservedAt.Sub(Epoch),
					run.Told[told].SubJob, run.Told[told].From, run.Told[told].To)
			}
		}
		for _, p := range run.Polls {
			what := p.Answer.Kind
			if what == "" {
				what = describe(p.Answer.Job)
			}
			fmt.Fprintf(&b, "    %-14v poll %d: %s, after %v", p.Start, p.N, what, p.End-p.Start)
			if p.Answer.Rejected {
				b.WriteString(", once the credential was renewed")
			}
			if p.Answer.Spelling != "" {
				fmt.Fprintf(&b, ", spelt with %s", p.Answer.Spelling)
			}
			if p.Answer.RetryAfter > 0 {
				fmt.Fprintf(&b, ", Retry-After %v", p.Answer.RetryAfter)
			}
			if p.Lost {
				b.WriteString(", and its Progress was not stored")
			}
			b.WriteByte('\n')
			tell(p.Told)
		}
		tell(len(run.Told))
		fmt.Fprintf(&b, "    %-14v %s", run.At, run.End)
		if run.Said.Known {
			fmt.Fprintf(&b, ", %d polls, failed %v", run.Said.Polls, run.Said.Failures)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func describe(j status.Job) string {
	if j.Status == "" {
		return "gone"
	}
	var subs []string
	for _, s := range j.SubJobs {
		subs = append(subs, fmt.Sprintf("%s/%s=%s", s.ID, s.Type, s.Status))
	}
	return fmt.Sprintf("%s [%s]", j.Status, strings.Join(subs, " "))
}
