package simulation

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

// Pure runs a case on internal/follow alone: a minimal driver, with a number as its clock. The
// result is an exact function of c.
func Pure(c *Case) *Trace {
	d := &driver{c: c, trace: &Trace{Requests: -1}, delivered: status.Job{ID: JobID}}
	for i := range c.Lives {
		d.live(&c.Lives[i])
		run := &d.trace.Runs[len(d.trace.Runs)-1]
		if !run.End.goesOn() || d.trace.polls() >= c.Polls {
			break
		}
		d.now = ceil(run.At) + c.Lives[i].Gap
	}
	return d.trace
}

type driver struct {
	c         *Case
	trace     *Trace
	now       time.Duration
	delivered status.Job    // the checkpoint: after a crash the fold of what was delivered
	saved     *follow.State // by Step, as it was stored
	due       time.Duration // the next poll, by what Step stored
}

var ends = map[follow.End]End{
	follow.Succeeded: Success, follow.JobFailed: Failed, follow.NotFound: NotFound, follow.Disappeared: Disappeared,
	follow.Unauthorized: Unauthorized, follow.Permanent: Permanent, follow.Stalled: Stalled, follow.Stopped: Stopped,
}

// context returns when the context of a life ends, and how.
func (l *Life) context(began time.Duration) (end, deadline time.Duration, how End) {
	end, how = never, Crashed
	for _, e := range []struct {
		after time.Duration
		how   End
	}{{l.Deadline, TimedOut}, {l.Cancel, Canceled}, {l.Crash, Crashed}} {
		if e.after > 0 && began+e.after < end {
			end, how = began+e.after, e.how
		}
	}
	if l.Deadline > 0 {
		deadline = began + l.Deadline
	}
	return end, deadline, how
}

func (d *driver) live(l *Life) {
	d.trace.Runs = append(d.trace.Runs, Run{Began: d.now})
	run := &d.trace.Runs[len(d.trace.Runs)-1]
	end, deadline, how := l.context(d.now)
	if l.Verb == "Run" && !d.c.Step {
		d.now += l.Submit
	}
	if l.Fresh && d.saved != nil {
		d.delivered, d.saved, d.due = d.saved.Job, nil, 0
	}
	checkpoint, s := d.delivered, d.begin()
	finish := func(e End) {
		run.End, run.At = e, d.now
		run.Job = s.Job.Clone()
		run.Said = Said{!d.c.Step || d.saved != nil, s.Started, s.LastSeen, s.RequestID, age(s.LastSeen, d.now), s.Polls, maps.Clone(s.Failures)}
	}
	if s.End = s.Outcome(d.c.rules()); s.End != follow.Open {
		finish(ends[s.End])
		return
	}
	d.now = max(d.now, min(d.due, end)) // no Step polls before it is due
	if d.now >= end {                   // while the job was being submitted, or before that
		finish(how)
		return
	}
	until := time.Time{} // of the last look
	if deadline > 0 && !d.c.Step {
		until = at(deadline)
	}
	sleep := func(delay time.Duration) (awake bool) {
		begun := d.now
		if d.now += s.Sleep(delay, at(d.now), until); d.now >= end {
			d.now = max(begun, end)
		}
		return d.now < end
	}
	for {
		if d.c.Step {
			s = d.begin()
		}
		s.Look(at(d.now), until)
		if limiter := d.c.Options.Limiter; limiter != nil {
			if limiter.refuses(d.now, deadline) {
				delay, _ := s.Refuse(errRefused, until)
				if s.End != follow.Open && !d.c.Step {
					finish(Refused)
					return
				}
				if d.c.Step {
					delay = 5 * time.Second // the caller's
				}
				if !sleep(delay) {
					break
				}
				continue
			}
			if d.now += limiter.Hold; d.now >= end {
				d.now = end
				break
			}
			s.Look(at(d.now), until)
		}
		before := s.Clone()
		outcome, p, responded := d.poll(&s, until, &end, &how)
		p.Delivered = len(run.Delivered)
		run.Polls = append(run.Polls, p)
		if !responded {
			break
		}
		last, had := &run.Polls[len(run.Polls)-1], len(run.Delivered)
		run.Delivered = append(run.Delivered, outcome.Transitions...)
		crashes := l.CrashAt > 0 && len(run.Delivered) >= l.CrashAt
		switch {
		case crashes && d.c.Step: // as if it had not happened
			s, last.Lost, run.Delivered = before, true, run.Delivered[:had]
		case crashes:
			run.Delivered = run.Delivered[:l.CrashAt]
		}
		d.now += time.Duration(len(run.Delivered)-had) * d.c.Options.Callback
		if last.Delivered = len(run.Delivered); crashes {
			how = Crashed
			break
		}
		delay := time.Duration(0)
		if s.End == follow.Open {
			n := s.Asked(outcome.Schedule)
			if outcome.Reset {
				n = 0
			}
			asked := nth([...][]time.Duration{d.c.Options.Progress, d.c.Options.Failure}[outcome.Schedule], n)
			if asked == 0 && d.now >= end && !d.c.Step {
				break
			}
			if asked == 0 && d.now < end { // otherwise the next Step has a context of its own
				asked = backoff.Stop
			}
			delay = s.Plan(outcome, asked, false)
		}
		if d.store(&s); d.c.Step {
			d.due = p.End + delay
		}
		if s.End != follow.Open {
			finish(ends[s.End])
			return
		}
		if !sleep(delay) {
			break
		}
	}
	finish(how)
	if d.delivered = s.Job.Clone(); how == Crashed {
		d.delivered = checkpoint
		for _, t := range run.Delivered {
			d.delivered = status.Apply(d.delivered, t)
		}
	}
}

// poll polls once; responded is false if the context ended first.
func (d *driver) poll(s *follow.State, until time.Time, end *time.Duration, how *End) (n follow.Next, p Poll, responded bool) {
	p = Poll{N: d.trace.polls(), Start: d.now}
	if p.N == d.c.Polls-1 && p.Start+offCancel < *end {
		*end, *how = p.Start+offCancel, Canceled
	}
	p.Response = d.c.Response(p.N, p.Start)
	reply, err := p.Response.reply(p.N)
	took := p.Response.took()
	p.RequestID = reply.RequestID
	if limit := s.PollLimit(d.c.Options.Timeout, at(p.Start), until); limit > 0 && took > limit {
		took, err = limit, errLate
	}
	p.End = min(p.Start+took, *end)
	d.now = p.End
	switch {
	case p.End < *end:
	case d.c.Step && *how == TimedOut: // a failure like any other
		err = errLate
	default:
		if !d.c.Step {
			s.Cut(errLate, *how == TimedOut)
		}
		return n, p, false
	}
	return s.Observe(follow.Poll{Reply: reply, Err: err, At: at(p.End), Took: took}, d.c.rules()), p, true
}

// age returns how long ago the job was seen; 0 if it was not.
func age(seen time.Time, now time.Duration) time.Duration {
	if seen.IsZero() {
		return 0
	}
	return at(now).Sub(seen)
}

func at(d time.Duration) time.Time { return Epoch.Add(d) }

// begin begins a life: from the checkpoint, or from a stored Progress.
func (d *driver) begin() follow.State {
	if d.c.Step && d.saved != nil {
		return d.saved.Clone()
	}
	delivered := d.delivered.Clone()
	delivered.Type = cmp.Or(delivered.Type, d.c.Options.Type)
	return follow.Begin(delivered, at(d.now))
}

// store stores the state as Step does: through JSON.
func (d *driver) store(s *follow.State) {
	if !d.c.Step {
		return
	}
	s.LastFailure = nil
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	d.saved = &follow.State{}
	if err := json.Unmarshal(data, d.saved); err != nil {
		panic(err)
	}
	if err := d.saved.Remember(s.Memory()); err != nil {
		panic(err)
	}
	*s = d.saved.Clone()
}

// errLate is the error of a poll that was cut.
var errLate = context.DeadlineExceeded
