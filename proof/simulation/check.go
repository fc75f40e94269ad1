package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
)

// Violation is a mistake that a check found.
type Violation struct {
	Check string // transitions, outcome, pace, last look, goroutines, requests or panic
	Life  int
	Text  string
	rule  string // Text without what differs between cases
}

// like reports whether both are the same mistake, perhaps in different cases.
func (v Violation) like(other Violation) bool { return v.Check == other.Check && v.rule == other.rule }

func (v Violation) String() string { return fmt.Sprintf("%s, life %d: %s", v.Check, v.Life, v.Text) }

// Check returns what is wrong with the trace of a case; nil if nothing is. The walk beside the
// observer knows everything to the nanosecond. The checks after it state some of the rules again in
// a few lines each, so that a mistake in one is found by the other.
func Check(c *Case, t *Trace) []Violation {
	var all []Violation
	life := 0
	found := func(check, format string, args ...any) {
		all = append(all, Violation{check, life, fmt.Sprintf(format, args...), format})
	}
	o := newObserver(c)
	if len(t.Runs) == 0 {
		found("outcome", "nothing ran")
	}
	for life = range t.Runs {
		run, l := &t.Runs[life], &c.Lives[life]
		w := &walk{c: c, o: o, life: l, run: run, found: found}
		w.end, w.deadline, w.how = l.context(run.Began)
		start := run.Began
		if l.Verb == "Run" && !c.Step {
			start += l.Submit
		}
		if l.Fresh && o.stored {
			o.keep()
			o.stored = false
		}
		if !o.stored {
			o.begin(start)
		}
		if w.through(start); len(all) > 0 {
			break // what comes after follows from it
		}
		switch {
		case c.Step:
		case run.End == Crashed:
			o.crash()
		default:
			o.keep()
		}
	}
	for life = range t.Runs {
		checkTruth(c, &t.Runs[life], found)
		checkLastLook(c, &c.Lives[life], &t.Runs[life], found)
		checkRequests(c, &t.Runs[life], found)
		checkCost(c, &t.Runs[life], found)
	}
	checkServer(c, t, found)
	if t.Leaked != "" {
		found("goroutines", "left behind:\n%s", t.Leaked)
	}
	return all
}

// checkTruth checks that a job that was reported as ended has ended, by the service's script.
func checkTruth(c *Case, run *Run, found func(check, format string, args ...any)) {
	if run.End != Success && run.End != Failed {
		return
	}
	for _, s := range c.Service.States {
		is := End(lower(s.Job.Status))
		strict := is == Success && run.End == Failed && c.Options.Strict
		if s.At <= run.At && (is == run.End || strict) {
			return
		}
	}
	found("outcome", "%s at %v, which the job was not", run.End, run.At)
}

// checkLastLook checks that a wait that lasted until its deadline polled in the margin before it,
// or was still polling, or still delivering transitions.
func checkLastLook(c *Case, l *Life, run *Run, found func(check, format string, args ...any)) {
	if run.End != TimedOut || c.Step || c.Options.Limiter != nil || l.Verb == "Run" && l.Submit >= l.Deadline {
		return
	}
	var took []time.Duration
	delivered, deadline := 0, run.Began+l.Deadline
	for _, p := range run.Polls {
		slowest := time.Duration(0)
		if len(took) > 0 {
			slowest = slices.Max(took[max(0, len(took)-4):])
		}
		received := p.End + time.Duration(p.Delivered-delivered)*c.Options.Callback
		if received >= deadline || p.Start >= deadline-slowest*3/2-100*time.Millisecond {
			return
		}
		delivered = p.Delivered
		if k := kinds[p.Response.Kind]; (p.Response.Kind == "" || k.responded) && !c.late(&p) {
			took = append(took, p.End-p.Start)
		}
	}
	found("last look", "there was none before the deadline at %v", run.At)
}

// good returns how many polls brought the job.
func (r *Run) good(c *Case) (n int) {
	for _, p := range r.Polls {
		if p.Response.Kind == "" && !c.late(&p) {
			n++
		}
	}
	return n
}

// late reports whether a poll was cut before its response.
func (c *Case) late(p *Poll) bool {
	return p.End-p.Start < p.Response.took()
}

// checkRequests checks that there were no more polls than fit if each sleep was the shortest that
// its schedule allows, and every change came when it allowed the most polls. No sleep follows the
// last poll, and two may be cut short: at the end of the grace, and for the last look.
func checkRequests(c *Case, run *Run, found func(check, format string, args ...any)) {
	good, resets := run.good(c), len(run.Delivered)+1
	failed := len(run.Polls) - good
	least := c.Options.shortest(0, good-2, resets) + c.Options.shortest(1, failed-3, failed)
	if run.At-run.Began < least {
		found("requests", "%d polls, %d of them good, in %v: they need %v", len(run.Polls), good, run.At-run.Began, least)
	}
}

// checkCost checks that a schedule that learns did not poll needlessly often: at most twice as
// often as the exponential backoff that it replaces, and that it begins again with where it knows
// nothing.
func checkCost(c *Case, run *Run, found func(check, format string, args ...any)) {
	if !c.Options.History {
		return
	}
	took := run.At - run.Began
	most := 2*int(took/(12*time.Second)) + 13*(1+len(run.Delivered)) + 20
	if good := run.good(c); good > most {
		found("cost", "%d good polls in %v: a schedule that learns needs at most %d", good, took, most)
	}
}

// shortest returns the least time that n sleeps can take with a schedule that is reset this often.
// No delay counts more often than that. The sleeps may be any of the schedule's: the one that is
// cut short may be the first, and the next may be shorter.
func (o *Options) shortest(which, n, resets int) (sum time.Duration) {
	var delays []time.Duration
	for i := range n + len(o.Progress) + len(o.Failure) {
		if d := o.delay(which, i, 0).from; d > 0 {
			delays = append(delays, d)
		}
	}
	slices.Sort(delays)
	for i := range min(n, len(delays)) {
		sum += delays[i/resets]
	}
	return sum
}

// asksTwice reports whether such a poll may make a second request. A credential that cannot be
// renewed is not sent again.
func (c *Case) asksTwice(k kind) bool {
	return k.twice && (k.means != poller.Unauthorized || c.Options.renews())
}

// checkServer checks that the server saw each poll once, except polls that never reached it, and
// polls that net/http or a credential repeats at once.
func checkServer(c *Case, t *Trace, found func(check, format string, args ...any)) {
	least, most := 0, 0
	for _, run := range t.Runs {
		for _, p := range run.Polls {
			if k := kinds[p.Response.Kind]; k.local == nil {
				least++
				if most++; c.asksTwice(k) || p.Response.Rejected {
					most++
				}
			}
		}
	}
	if t.Requests >= 0 && (t.Requests < least || t.Requests > most) {
		found("requests", "the server saw %d, not %d to %d", t.Requests, least, most)
	}
	if n := t.polls(); n > c.Polls {
		found("requests", "%d polls", n)
	}
}
