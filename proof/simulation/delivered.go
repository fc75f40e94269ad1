package simulation

import (
	"maps"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// deliveries checks the transitions that were delivered for one response.
func (w *walk) deliveries(want []change, now time.Duration) (ok bool) {
	got := w.run.Delivered[w.delivered:w.run.Polls[w.polls-1].Delivered]
	w.delivered += len(got)
	w.now += time.Duration(len(got)) * w.c.Options.Callback
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			w.found("transitions", "at %v %q: %q -> %q was not delivered", now, want[i].name, want[i].from, want[i].to)
			return false
		case i >= len(want):
			w.found("transitions", "at %v %+v was delivered", now, got[i])
			return false
		case !w.same(want[i], got[i], now):
			w.found("transitions", "at %v %+v was delivered\n  instead of %+v", now, got[i], want[i])
			return false
		}
	}
	w.o.deliver(want)
	return true
}

func (w *walk) same(want change, got status.Transition, now time.Duration) bool {
	if got.JobID != JobID || got.SubJob != want.name || got.From != want.from || got.To != want.to || !got.ObservedAt.Equal(at(now)) {
		return false
	}
	if want.name == "" && w.o.loose {
		return alike(want.job, want.subs, got.Job)
	}
	return equal(want.job, got.Job)
}

// ends checks how and when the wait ended, and what it returned.
func (w *walk) ends(end End, at time.Duration) {
	run, said := w.run, w.o.says(at)
	job, subs := w.o.snapshot(run.Folded)
	same := equal(job, run.Job)
	if w.o.loose || run.Folded {
		same = alike(job, subs, run.Job)
	}
	switch {
	case run.End != end || run.At != at:
		w.found("outcome", "%s at %v, not %s at %v %v", run.End, run.At, end, at, run.Wrong)
	case len(run.Polls) > w.polls:
		w.found("pace", "poll %d at %v, though the wait had ended at %v", run.Polls[w.polls].N, run.Polls[w.polls].Start, at)
	case len(run.Delivered) > w.delivered:
		w.found("transitions", "%+v was delivered after the end", run.Delivered[w.delivered])
	case end == Crashed:
	case !same:
		w.found("outcome", "the returned job is %+v, not %+v", run.Job, job)
	case run.Said.Known && !said.equal(run.Said):
		w.found("outcome", "it reports %+v, not %+v", run.Said, said)
	case len(run.Wrong) > 0:
		w.found("outcome", "%s: %v", end, run.Wrong)
	}
}

// says returns what the wait has to report about its polls.
func (o *observer) says(end time.Duration) Said {
	r := Said{Known: true, Began: at(o.began), Polls: o.polls, Failures: o.failures, RequestID: o.requestID}
	if o.seen > 0 {
		r.Seen, r.Age = at(o.seen), end-o.seen
	}
	return r
}

func (r Said) equal(other Said) bool {
	return r.Began.Equal(other.Began) && r.Seen.Equal(other.Seen) && r.RequestID == other.RequestID && r.Age == other.Age &&
		r.Polls == other.Polls && maps.Equal(r.Failures, other.Failures)
}
