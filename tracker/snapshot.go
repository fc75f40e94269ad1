package tracker

import (
	"iter"
	"maps"
	"time"

	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter/status"
)

// Snapshot is where a tracked job stands.
type Snapshot struct {
	Job         status.Job     // as last seen; at least its ID
	Started     time.Time      // when it was tracked
	LastSeen    time.Time      // when the last good response arrived; zero if there was none
	Due         time.Time      // when the next poll is due; zero while one is in flight or delivered, and when Done
	Polls       int            // sent
	Failures    map[string]int // failed polls by kind: see poller.Kind
	LastFailure error          // nil if no poll has failed
	Waits       int            // calls of Wait that wait for it
	Done        bool           // it is no longer polled
	Err         error          // with Done: what Wait returns
}

// Jobs yields all tracked jobs, in no particular order. Each Snapshot is taken when it is yielded;
// a job that is tracked or forgotten meanwhile may be yielded or not.
func (t *Tracker) Jobs() iter.Seq[Snapshot] {
	return func(yield func(Snapshot) bool) {
		for n := 0; ; n++ {
			t.mu.Lock()
			if n >= len(t.jobs) {
				t.mu.Unlock()
				return
			}
			j := t.jobs[n]
			if j == nil || j.state == reserved || j.state == forgotten {
				t.mu.Unlock()
				continue
			}
			s := t.snapshot(j)
			t.mu.Unlock()
			if !yield(s) {
				return
			}
		}
	}
}

func (t *Tracker) snapshot(j *job) Snapshot {
	seen := j.seen()
	s := Snapshot{
		Job: seen.Job.Clone(), Started: seen.Started, LastSeen: seen.LastSeen, Polls: seen.Polls,
		Failures: maps.Clone(seen.Failures), LastFailure: seen.LastFailure, Waits: len(t.waits[j]),
	}
	switch {
	case j.state == finished:
		s.Done, s.Err = true, j.Outcome().Err
	case j.flight == nil:
		s.Due = j.State.Started.Add(j.due)
	}
	return s
}

// Stats is what a Tracker does, in numbers.
type Stats struct {
	Followed    int        // jobs that have not ended
	Done        int        // jobs that have, and are kept: see WithRetention
	Unseen      int        // of these, jobs that are not polled though their own end was not seen
	Due         int        // jobs whose poll is due but has not begun
	InFlight    int        // polls
	Undelivered int        // jobs with changes that wait for one of 64 goroutines
	Delivering  int        // jobs whose changes are being delivered
	Uncommitted int        // records that the journal does not have yet
	Rate        rate.Limit // polls a second at most now; rate.Inf if there is no limit
	Polls       uint64     // begun since New
	Throttled   uint64     // of these, refused because there were too many
}

// Stats returns what the Tracker does now.
func (t *Tracker) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.schedule.Stats(time.Now())
	done := t.finished.Len() + t.unseen.Len()
	queued, committing := t.journal.uncommitted()
	return Stats{
		Followed: len(t.byID) - done, Done: done, Unseen: t.unseen.Len(), Due: s.Due, InFlight: s.Polled,
		Undelivered: len(t.undelivered), Delivering: t.delivering, Uncommitted: queued + committing,
		Rate: s.Rate, Polls: t.polls, Throttled: t.throttled,
	}
}
