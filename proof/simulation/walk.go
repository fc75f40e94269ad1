package simulation

import "time"

// walk goes through a life poll by poll, beside the observer: each poll has to be where the
// schedules put it, and deliver what the rules require, until the wait ends when and how they
// require it. It stops at the first mistake.
type walk struct {
	c         *Case
	o         *observer
	life      *Life
	run       *Run
	found     func(check, format string, args ...any)
	end       time.Duration
	how       End
	deadline  time.Duration // 0: there is none
	polls     int           // so far
	delivered int
	looked    bool
	now       time.Duration // when the last poll's transitions were delivered
	renewed   time.Duration // when the credential was; 0: never
}

const never = time.Duration(1) << 62

func (w *walk) lastLook() time.Duration {
	if w.deadline == 0 || w.looked || w.c.Step {
		return never
	}
	return w.deadline - w.o.margin()
}

// sleep returns when a sleep ends that begins now.
func (w *walk) sleep(now time.Duration, d span) span {
	look := max(now, w.lastLook())
	return span{min(now+d.from, look), min(now+d.to, look)}
}

// through checks the life, whose wait began at start.
func (w *walk) through(start time.Duration) {
	if end := w.o.outcome(); end != "" {
		w.ends(end, start) // the checkpoint is already terminal
		return
	}
	due := exactly(start).atLeast(w.o.due) // no Step polls before it
	w.now = start
	for {
		if due.from >= w.end {
			w.ends(w.how, max(w.end, w.now))
			return
		}
		if w.c.Step && !w.o.stored {
			w.o.begin(due.from) // a Step that did not poll leaves nothing behind
		}
		isLook := !w.looked && due.to >= w.lastLook()
		if l := w.c.Options.Limiter; l != nil {
			w.looked = w.looked || isLook
			if l.refuses(due.from, w.deadline) {
				if w.deadline == 0 && !w.c.Step {
					w.ends(Refused, due.from)
					return
				}
				due = w.sleep(due.from, exactly(5*time.Second))
				continue
			}
			if due = exactly(due.from + l.Hold); due.from >= w.end {
				w.ends(w.how, w.end)
				return
			}
		}
		if w.polls == len(w.run.Polls) {
			switch {
			case due.to >= w.end:
				w.ends(w.how, w.end)
			case isLook:
				w.found("last look", "there was none at %v", due.to)
			default:
				w.found("pace", "no poll at %v, and the wait ended at %v: %s", due.to, w.run.At, w.run.End)
			}
			return
		}
		p := &w.run.Polls[w.polls]
		switch {
		case p.Start < due.from:
			w.found("pace", "poll %d at %v is too early: %v", p.N, p.Start, due.from)
			return
		case p.Start >= w.end:
			w.found("pace", "poll %d at %v, though the context ended at %v", p.N, p.Start, w.end)
			return
		case p.Start > due.to && isLook:
			w.found("last look", "poll %d at %v is too late for it: %v", p.N, p.Start, due.to)
			return
		case p.Start > due.to:
			w.found("pace", "poll %d at %v is too late: %v", p.N, p.Start, due.to)
			return
		}
		w.looked = w.looked || p.Start >= w.lastLook()
		delay, open := w.poll(p)
		if !open {
			return
		}
		if due = w.sleep(w.now, delay); w.c.Step {
			w.o.due = span{p.End + delay.from, p.End + delay.to}
		}
	}
}

// poll checks when and how a poll ended, what it delivered, and whether the wait had to go on. It
// returns the delay before the next poll.
func (w *walk) poll(p *Poll) (delay span, open bool) {
	w.polls++
	w.now = p.End
	a, k := &p.Response, kinds[p.Response.Kind]
	if p.N == w.c.Polls-1 && p.Start+offCancel < w.end {
		w.end, w.how = p.Start+offCancel, Canceled
	}
	took, useless := w.takes(p)
	limit := w.c.Options.Timeout
	if left := w.lastLookFrom(p.Start); left > w.o.margin() && len(w.o.took) > 0 && (limit == 0 || left < limit) {
		limit = left // by then it looks hung
	}
	late := limit > 0 && took > limit
	if late {
		took = limit
	}
	if p.Start+took > w.end && w.c.Step && w.how == TimedOut { // of a Step: a failure like any other
		late, took = true, w.end-p.Start
	}
	if p.Start+took > w.end { // cut, which is a failure only at a deadline
		if !w.c.Step {
			w.o.polls++
			if w.how == TimedOut {
				w.o.failures["timeout"]++
			}
		}
		if p.End != w.end {
			w.found("pace", "poll %d ended at %v, not with its context at %v", p.N, p.End, w.end)
			return span{}, false
		}
		w.ends(w.how, w.end)
		return span{}, false
	}
	if p.End != p.Start+took {
		w.found("pace", "poll %d ended at %v, not at %v", p.N, p.End, p.Start+took)
		return span{}, false
	}

	before := w.o.clone()
	w.o.polls++
	w.o.stored = w.c.Step
	if useless {
		w.o.failures["credential"]++
		w.ends(Unauthorized, p.End)
		return span{}, false
	}
	if !late && (a.Kind == "" || k.responded) {
		w.o.took = append(w.o.took, took)
	}
	if late || a.Kind != "" {
		atLeast, atMost, end := w.o.failed(a, late, p.End)
		if end != "" {
			w.ends(end, p.End)
			return span{}, false
		}
		return w.asks(1, p.End, atLeast, atMost)
	}

	changes, progress, end := w.o.good(p)
	if crash := w.life.CrashAt - w.delivered; w.life.CrashAt > 0 && len(changes) >= crash {
		if w.c.Step {
			*w.o, crash = before, 0
		}
		if w.deliveries(changes[:crash], p.End) {
			w.ends(Crashed, w.now)
		}
		return span{}, false
	}
	if !w.deliveries(changes, p.End) {
		return span{}, false
	}
	if end != "" {
		w.ends(end, w.now)
		return span{}, false
	}
	if progress {
		w.o.asked[0] = 0
	}
	w.o.asked[1] = 0
	return w.asks(0, w.now, exactly(min(a.RetryAfter, 2*time.Minute)), 0)
}

// takes returns how long a poll takes that nothing cuts short. The poll is useless if it ends with
// a credential that was renewed a moment ago and is rejected again.
func (w *walk) takes(p *Poll) (took time.Duration, useless bool) {
	took = p.Response.took()
	if w.c.asksTwice(kinds[p.Response.Kind]) && p.End > p.Start+took { // the request was repeated
		took *= 2
	}
	if w.c.Options.Credential != password || !p.Response.rejection() {
		return took, false
	}
	at := p.Start + p.Response.Latency
	if w.renewed > 0 && at-w.renewed < time.Minute {
		return p.Response.Latency, true
	}
	w.renewed = at
	return took, false
}

// lastLookFrom returns the time until the last look; never if none comes.
func (w *walk) lastLookFrom(now time.Duration) time.Duration {
	if w.deadline == 0 || w.c.Step {
		return never
	}
	return w.deadline - w.o.margin() - now
}

// asks returns the delay that a schedule gives before the next poll.
func (w *walk) asks(which int, now time.Duration, atLeast span, atMost time.Duration) (delay span, open bool) {
	delay = w.c.Options.delay(which, w.o.asked[which], w.o.seen-w.o.began)
	w.o.asked[which]++
	if delay.to == 0 && now >= w.end {
		w.ends(w.how, now)
		return delay, false
	}
	if delay.to == 0 {
		w.ends(Stopped, now)
		return delay, false
	}
	if which == 0 {
		w.o.interval = delay
	}
	if which == 0 && w.c.Options.History { // throttling repeats no planned interval
		w.o.interval.to = min(delay.to, 15*time.Second)
	}
	if atMost > 0 {
		delay = span{min(delay.from, atMost), min(delay.to, atMost)}
	}
	return delay.atLeast(atLeast), true
}
