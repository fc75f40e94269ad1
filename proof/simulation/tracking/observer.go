package tracking

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Check returns what is wrong with what happened.
func Check(c *Case, entries []Entry) []string {
	o := &observer{c: c, entries: entries}
	for n := range c.Jobs {
		o.deliveries(n)
		o.polls(n)
		o.waits(n)
	}
	o.commits()
	o.budget()
	return o.wrong
}

type observer struct {
	c       *Case
	entries []Entry
	wrong   []string
}

func (o *observer) reportf(format string, args ...any) {
	o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
}

// of returns the entries of a kind about a job, in the order in which they ended.
func (o *observer) of(n int, what string) (list []Entry) {
	for _, e := range o.entries {
		if e.Job == n && e.What == what {
			list = append(list, e)
		}
	}
	return list
}

// deliveries checks that each transition follows from the one before it, or after a crash from what
// was committed, and that none comes after the job was forgotten.
func (o *observer) deliveries(n int) {
	delivered, durable := map[string]status.Status{}, map[string]status.Status{}
	var forgotten *Entry
	ended := false
	for _, e := range o.entries {
		switch records, committed := e.Records[n]; {
		case e.What == "commit" && committed:
			if durable = maps.Clone(records); ended && o.left(records) {
				clear(delivered)
				ended = false
			}
		case e.ends() && e.Job == n:
			ended = true
		case e.What == "crash":
			delivered = map[string]status.Status{}
			maps.Copy(delivered, durable)
			forgotten = nil // it may not have been committed
		case e.What == "forget" && e.Job == n:
			clear(delivered)
			forgotten = &e
		case e.What == "delivery" && e.Job == n:
			t := e.Transition
			if forgotten != nil && e.From <= forgotten.To {
				continue // the one that was being delivered
			}
			if forgotten != nil && !o.wanted(n, *forgotten, e.From) {
				o.reportf("job %d: %v is delivered at %v, after it was forgotten at %v", n, t, e.From, forgotten.To)
			}
			if ended && t.From == "" && o.c.Retention < horizon { // it had left
				clear(delivered)
				ended = false
			}
			if delivered[t.SubJob] != t.From {
				o.reportf("job %d: at %v %v does not follow from %q", n, e.To, t, delivered[t.SubJob])
			}
			if want := o.c.Jobs[n].statuses(t.SubJob); !slices.Contains(want, t.To) {
				o.reportf("job %d: at %v %v was never so: %v", n, e.To, t, want)
			}
			delivered[t.SubJob] = t.To
		}
	}
}

// ends reports whether a job is no longer polled after e.
func (e *Entry) ends() bool {
	return e.What == "end" && e.Outcome != "canceled" && e.Outcome != "stopped"
}

// left reports whether a record shows that a job's retention was over: nothing was delivered.
func (o *observer) left(record map[string]status.Status) bool {
	return o.c.Retention < horizon && record[""] == ""
}

func (j *Job) statuses(sub string) (list []status.Status) {
	for _, s := range j.States {
		if sub == "" {
			list = append(list, s.Job.Status)
		}
		for _, part := range s.Job.SubJobs {
			if part.ID == sub {
				list = append(list, part.Status)
			}
		}
	}
	return list
}

// wanted reports whether a job that was forgotten may be followed at this time: a call that had not
// returned before has tracked it.
func (o *observer) wanted(n int, forgotten Entry, at time.Duration) bool {
	for _, e := range o.entries {
		if e.Job == n && (e.What == "track" || e.What == "call") && e.To >= forgotten.From && e.From <= at {
			return true
		}
	}
	return false
}

// polls checks that a job is polled by one poll at a time, not while a change is delivered, not
// after its end, and not after it was forgotten.
func (o *observer) polls(n int) {
	polls := o.of(n, "poll")
	slices.SortStableFunc(polls, func(a, b Entry) int { return cmp.Compare(a.From, b.From) })
	for i, p := range polls {
		if i > 0 && p.Life == polls[i-1].Life && p.From < polls[i-1].To && !o.again(n, polls[i-1].From, p.From) {
			o.reportf("job %d is polled at %v, though a poll is in flight until %v", n, p.From, polls[i-1].To)
		}
		for _, d := range o.of(n, "delivery") {
			if d.Life == p.Life && d.From < p.From && p.From < d.To && !o.again(n, d.From, p.From) {
				o.reportf("job %d is polled at %v, while a change is delivered until %v", n, p.From, d.To)
			}
		}
		for _, e := range o.of(n, "end") {
			if p.Life == e.Life && p.From > e.To && e.ends() && !o.again(n, e.From, p.From) {
				o.reportf("job %d is polled at %v, after its end at %v", n, p.From, e.To)
			}
		}
		for _, f := range o.of(n, "forget") {
			if p.Life == f.Life && p.From > f.To && !o.wanted(n, f, p.From) {
				o.reportf("job %d is polled at %v, after it was forgotten at %v", n, p.From, f.To)
			}
		}
	}
}

// again reports whether a call in this time may have had the job followed again.
func (o *observer) again(n int, from, to time.Duration) bool {
	for _, e := range o.entries {
		if e.Job == n && (e.What == "track" || e.What == "call" || e.What == "forget") && e.To >= from && e.From <= to {
			return true
		}
	}
	return false
}

// waits checks when calls of Wait return, and with what.
func (o *observer) waits(n int) {
	for _, w := range o.of(n, "wait") {
		switch w.Outcome {
		case "timeout":
			if w.To != w.Deadline {
				o.reportf("job %d: a wait with the deadline %v times out at %v", n, w.Deadline, w.To)
			}
			if !o.bound() && !o.looked(n, w) {
				o.reportf("job %d: no last look before the deadline %v", n, w.Deadline)
			}
		case "stopped": // forgotten
		default:
			if !slices.ContainsFunc(o.of(n, "end"), func(e Entry) bool { return e.Outcome == w.Outcome && e.To <= w.To }) {
				o.reportf("job %d: a wait returns %q at %v, which was not its end", n, w.Outcome, w.To)
			}
		}
	}
}

// bound reports whether a budget may hold up polls: a 429 brings one.
func (o *observer) bound() bool {
	return o.c.Rate > 0 || o.c.Throttle > 0 || slices.ContainsFunc(o.c.Jobs, func(j Job) bool { return j.Fault == 429 })
}

// looked reports whether there was a last look, or a reason why not.
func (o *observer) looked(n int, w Entry) bool {
	earliest := w.Deadline - o.c.Latency*3/2 - 100*time.Millisecond
	for _, e := range o.entries {
		theJob := e.Job == n && (e.What == "poll" || e.What == "delivery") // also a poll that was in flight
		if (theJob || e.What == "run" || e.What == "stop") && e.To >= earliest && e.From <= w.Deadline && !(e.What == "run" && e.To > w.Deadline) {
			return true
		}
	}
	return o.c.Jobs[n].Callback > 0 || o.c.Full[1] > 0 || o.c.Commit > 0 && w.Deadline-w.From < 4*o.c.Commit
}

// commits checks that a commit has all that was delivered before it began.
func (o *observer) commits() {
	for n := range o.c.Jobs {
		var delivered []Entry
		var forgotten time.Duration
		ended := false
		durable := map[string]status.Status{}
		for _, e := range o.entries {
			records, committed := e.Records[n]
			switch {
			case e.What == "crash", e.What == "forget" && e.Job == n:
				delivered, forgotten = nil, e.To
			case e.What == "delivery" && e.Job == n && e.From > forgotten:
				delivered = append(delivered, e)
			case e.What == "commit" && committed:
				if durable = records; ended && o.left(records) {
					delivered, ended = nil, false
				}
			case e.ends() && e.Job == n:
				ended = true
			}
			if e.What != "commit" || durable == nil {
				continue
			}
			for i, d := range delivered {
				sub := d.Transition.SubJob
				since := delivered[i:]
				if d.To < e.From && !slices.ContainsFunc(since, func(s Entry) bool {
					return s.Transition.SubJob == sub && s.Transition.To == durable[sub]
				}) {
					o.reportf("job %d: %v was delivered at %v, and the commit that began at %v does not have it: %v", n, d.Transition, d.To, e.From, durable)
				}
			}
		}
	}
}
