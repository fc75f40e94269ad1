package tracker

import (
	"context"
	"iter"

	"github.com/sfsturbo/waiter/status"
)

// Event is something that happened to a tracked job, or says how many events a reader has Missed.
type Event struct {
	JobID      string
	Transition status.Transition // after its callbacks have returned; zero unless it is one
	Done       bool              // the job has ended, or its wait has; no event says that it was forgotten
	Err        error             // with Done: what Wait returns
	Missed     int               // events that were dropped here; the other fields are then zero
}

// buffered is how many events wait for a reader.
const buffered = 4096

// A reader is one call of Events.
type reader struct {
	events []Event
	missed int
	more   chan struct{}
}

// Events yields what happens to the tracked jobs from this call on, until ctx ends. It is for one
// range: a break ends it, and a second range yields nothing. A reader that falls 4,096 events
// behind loses those that follow, and gets an Event that says how many it has Missed;
// [Tracker.Jobs] then says where all jobs are. No reader holds up a job.
func (t *Tracker) Events(ctx context.Context) iter.Seq[Event] {
	r := &reader{more: make(chan struct{}, 1)}
	t.mu.Lock()
	t.readers[r] = struct{}{}
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		delete(t.readers, r)
		t.mu.Unlock()
	}
	stop := context.AfterFunc(ctx, leave)
	return func(yield func(Event) bool) {
		t.mu.Lock()
		_, ok := t.readers[r]
		t.mu.Unlock()
		if !ok {
			return
		}
		defer stop()
		defer leave()
		for ctx.Err() == nil {
			for _, e := range t.take(r) {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			select {
			case <-ctx.Done():
			case <-r.more:
			}
		}
	}
}

// take returns the events that a reader has not been given yet.
func (t *Tracker) take(r *reader) []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := r.events
	if r.missed > 0 {
		events = append(events, Event{Missed: r.missed})
	}
	r.events, r.missed = nil, 0
	return events
}

// send gives an event to each reader. t.mu is held.
func (t *Tracker) send(e Event) {
	for r := range t.readers {
		if len(r.events) == buffered {
			r.missed++
			continue
		}
		own := e
		own.Transition.Job = e.Transition.Job.Clone()
		r.events = append(r.events, own)
		select {
		case r.more <- struct{}{}:
		default:
		}
	}
}
