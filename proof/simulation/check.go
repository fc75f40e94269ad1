package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
)

// Violation is something that a check found.
type Violation struct {
	Check string // transitions, outcome, pace, last look, goroutines, requests or panic
	Life  int
	Text  string
	rule  string // Text without what differs from case to case
}

// like reports whether it is the same mistake, in whichever case.
func (v Violation) like(other Violation) bool { return v.Check == other.Check && v.rule == other.rule }

func (v Violation) String() string { return fmt.Sprintf("%s, life %d: %s", v.Check, v.Life, v.Text) }

// Check says what is wrong with what became of a case; nil if nothing is. The walk
// beside the observer knows everything to the nanosecond; what follows it is said
// once more in a few lines each, so that a mistake in the one is found by the other.
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
	}
	checkServer(c, t, found)
	if t.Leaked != "" {
		found("goroutines", "left behind:\n%s", t.Leaked)
	}
	return all
}

// checkTruth: a job that is said to have ended has done so, by the service's script.
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

// checkLastLook: a wait that lasted until its deadline polled in the margin before it,
// or was polling, or telling, still.
func checkLastLook(c *Case, l *Life, run *Run, found func(check, format string, args ...any)) {
	if run.End != TimedOut || c.Step || c.Options.Limiter != nil || l.Verb == "Run" && l.Submit >= l.Deadline {
		return
	}
	var took []time.Duration
	told, deadline := 0, run.Began+l.Deadline
	for _, p := range run.Polls {
		slowest := time.Duration(0)
		if len(took) > 0 {
			slowest = slices.Max(took[max(0, len(took)-4):])
		}
		heard := p.End + time.Duration(p.Told-told)*c.Options.Listens
		if heard >= deadline || p.Start >= deadline-slowest*3/2-100*time.Millisecond {
			return
		}
		told = p.Told
		if k := kinds[p.Answer.Kind]; (p.Answer.Kind == "" || k.answered) && !c.late(&p) {
			took = append(took, p.End-p.Start)
		}
	}
	found("last look", "there was none before the deadline at %v", run.At)
}

// late reports whether a poll was cut rather than answered.
func (c *Case) late(p *Poll) bool {
	return p.End-p.Start < p.Answer.took()
}

// checkRequests: no more polls than fit, if each slept as little as its schedule
// allows at all, and every change came when it made for the most polls. After
// the last poll comes no sleep, and two may be cut short: at the grace's end, and for
// the last look.
func checkRequests(c *Case, run *Run, found func(check, format string, args ...any)) {
	good, resets := 0, len(run.Told)+1
	for _, p := range run.Polls {
		if p.Answer.Kind == "" && !c.late(&p) {
			good++
		}
	}
	failed := len(run.Polls) - good
	least := c.Options.shortest(0, good-2, resets) + c.Options.shortest(1, failed-3, failed)
	if run.At-run.Began < least {
		found("requests", "%d polls, %d of them good, in %v: they need %v", len(run.Polls), good, run.At-run.Began, least)
	}
}

// shortest is the least that n sleeps of a schedule can take that is reset so often. No delay counts
// more often than that. It may be any of the schedule's: the sleep that is cut short may be the first
// one, and the next delay a shorter one.
func (o *Options) shortest(which, n, resets int) (sum time.Duration) {
	var delays []time.Duration
	for i := range n + len(o.Progress) + len(o.Failure) {
		if d := o.delay(which, i).from; d > 0 {
			delays = append(delays, d)
		}
	}
	slices.Sort(delays)
	for i := range min(n, len(delays)) {
		sum += delays[i/resets]
	}
	return sum
}

// asksTwice reports whether such a poll may make a second request: a credential that
// can't be renewed is not sent again.
func (c *Case) asksTwice(k kind) bool {
	return k.twice && (k.means != poller.Unauthorized || c.Options.renews())
}

// checkServer: the server saw each poll once, but for those that never reached it,
// and those that net/http, or a credential, repeats at once.
func checkServer(c *Case, t *Trace, found func(check, format string, args ...any)) {
	least, most := 0, 0
	for _, run := range t.Runs {
		for _, p := range run.Polls {
			if k := kinds[p.Answer.Kind]; k.local == nil {
				least++
				if most++; c.asksTwice(k) || p.Answer.Rejected {
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
