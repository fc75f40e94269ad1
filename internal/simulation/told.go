package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// tells checks what was told of one answer.
func (w *walk) tells(want []change, now time.Duration) (ok bool) {
	got := w.run.Told[w.told:w.run.Polls[w.polls-1].Told]
	w.told += len(got)
	w.now += time.Duration(len(got)) * w.c.Options.Listens
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			w.found("transitions", "at %v %q: %q -> %q was not told", now, want[i].name, want[i].from, want[i].to)
			return false
		case i >= len(want):
			w.found("transitions", "at %v was told %+v", now, got[i])
			return false
		case !w.same(want[i], got[i], now):
			w.found("transitions", "at %v was told %+v\n  and not %+v", now, got[i], want[i].job)
			return false
		}
	}
	return true
}

func (w *walk) same(want change, got status.Transition, now time.Duration) bool {
	if got.JobID != JobID || got.SubJob != want.name || got.From != want.from || got.To != want.to || !got.ObservedAt.Equal(at(now)) {
		return false
	}
	if want.name == "" && !w.exact { // what came before the crash is known by its statuses only
		return got.Job.Status == want.to && maps.Equal(known(want.all), statuses(got.Job.SubJobs))
	}
	return equal(want.job, got.Job)
}

// ends checks how and when the wait ended, and what came back of it.
func (w *walk) ends(end End, at time.Duration) {
	run := w.run
	switch {
	case run.End != end || run.At != at:
		w.found("outcome", "%s at %v, not %s at %v", run.End, run.At, end, at)
	case len(run.Polls) > w.polls:
		w.found("pace", "poll %d at %v, though the wait had ended at %v", run.Polls[w.polls].N, run.Polls[w.polls].Start, at)
	case len(run.Told) > w.told:
		w.found("transitions", "after the end was told %+v", run.Told[w.told])
	case end == Crashed:
	case run.Job.ID != JobID || run.Job.Status != w.o.own || !maps.Equal(known(w.o.known), statuses(run.Job.SubJobs)):
		w.found("outcome", "the job came back as %+v, not as %s %+v", run.Job, w.o.own, w.o.known)
	case run.Counts.Known && (run.Counts.Polls != w.o.polls || !maps.Equal(run.Counts.Failures, w.o.failures)):
		w.found("outcome", "it reports %v, not %v %v", run.Counts, w.o.polls, w.o.failures)
	case len(run.Wrong) > 0:
		w.found("outcome", "%s: %v", end, run.Wrong)
	}
}

// statuses are the sub-jobs that have one, by name.
func statuses(subs []status.Job) map[string]status.Status { return known(named(subs)) }

func known(list []thing) map[string]status.Status {
	all := map[string]status.Status{}
	for _, t := range list {
		if t.job.Status != "" {
			all[t.name] = t.job.Status
		}
	}
	return all
}

func equal(a, b status.Job) bool {
	if !slices.EqualFunc(a.SubJobs, b.SubJobs, equal) {
		return false
	}
	a.SubJobs, b.SubJobs = nil, nil
	return fmt.Sprint(a) == fmt.Sprint(b)
}
