package simulation

import (
	"fmt"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Trace is what happened in a case.
type Trace struct {
	Runs     []Run
	Requests int    // HTTP tier: that the server saw
	Leaked   string // HTTP tier: the goroutines that were left
}

// Run is what happened in one life.
type Run struct {
	Began     time.Duration // when its context began
	Polls     []Poll
	Delivered []status.Transition
	End       End
	At        time.Duration // of the end
	Job       status.Job    // as it was returned
	Folded    bool          // Job is the fold of Delivered: a Watch that succeeds returns none
	Said      Said
	Wrong     []string // HTTP tier: what is wrong with the error itself
}

// Poll is one poll as the service and a clock saw it.
type Poll struct {
	N          int // over all lives, from 0
	Start, End time.Duration
	Response   Response
	RequestID  string // of a good response
	Delivered  int    // transitions of the run so far, after this poll's
	Lost       bool   // by Step: its Progress was not stored
}

// Said is what a wait reports about itself, if it does.
type Said struct {
	Known       bool
	Began, Seen time.Time     // the wait, and the last good response
	RequestID   string        // of the last good response
	Age         time.Duration // of the last good response; 0: there is none
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
	Canceled     End = "canceled"
	Crashed      End = "crashed"
)

// goesOn reports whether another life may begin after this end.
func (e End) goesOn() bool { return e == Crashed || e == TimedOut || e == Canceled }

func (t *Trace) polls() int {
	n := 0
	for _, run := range t.Runs {
		n += len(run.Polls)
	}
	return n
}

// String returns the case as a report of what was drawn.
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
	fmt.Fprintf(&b, "  options: %+v\n  canceled as poll %d begins\n", o, c.Polls-1)
	for i, l := range c.Lives {
		fmt.Fprintf(&b, "  life %d (step: %v): %+v\n", i, c.Step, l)
	}
	return b.String()
}

// String returns the trace as a report, poll by poll.
func (t *Trace) String() string {
	var b strings.Builder
	for i, run := range t.Runs {
		fmt.Fprintf(&b, "  life %d begins at %v\n", i, run.Began)
		delivered := 0
		deliver := func(until int) {
			for ; delivered < min(until, len(run.Delivered)); delivered++ {
				fmt.Fprintf(&b, "    %-14v delivered %q: %q -> %q\n", run.Delivered[delivered].ObservedAt.Sub(Epoch),
					run.Delivered[delivered].SubJob, run.Delivered[delivered].From, run.Delivered[delivered].To)
			}
		}
		for _, p := range run.Polls {
			what := p.Response.Kind
			if what == "" {
				what = describe(p.Response.Job)
			}
			fmt.Fprintf(&b, "    %-14v poll %d: %s, after %v", p.Start, p.N, what, p.End-p.Start)
			if p.Response.Rejected {
				b.WriteString(", once the credential was renewed")
			}
			if p.Response.Spelling != "" {
				fmt.Fprintf(&b, ", spelled with %s", p.Response.Spelling)
			}
			if p.Response.RetryAfter > 0 {
				fmt.Fprintf(&b, ", Retry-After %v", p.Response.RetryAfter)
			}
			if p.Lost {
				b.WriteString(", and its Progress was not stored")
			}
			b.WriteByte('\n')
			deliver(p.Delivered)
		}
		deliver(len(run.Delivered))
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
