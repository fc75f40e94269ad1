package tracker

import (
	"context"
	"iter"

	"github.com/sfsturbo/waiter/status"
)

// Event is something that happened to a tracked job, or that Missed of them were dropped.
type Event struct {
	JobID      string
	Transition status.Transition // after its callbacks have returned; zero unless it is one
	Done       bool              // the job is no longer polled
	Err        error             // with Done: what Wait returns
	Missed     int               // events that were dropped here, because this reader is slow
}

// buffered is how many events wait for a reader.
const buffered = 4096

// A reader is one range over Events.
type reader struct {
	events []Event
	missed int
	more   chan struct{}
}

// Events yields what happens to the tracked jobs from the beginning of the range on, until ctx
// ends. A reader that falls behind by more than 4,096 events loses those that come, and is yielded
// an Event that says how many it has Missed: [Tracker.Jobs] says where all jobs are then. No reader
// holds up any job. Each range is a reader of its own.
func (t *Tracker) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		r := &reader{more: make(chan struct{}, 1)}
		t.mu.Lock()
		t.readers[r] = struct{}{}
		t.mu.Unlock()
		defer func() {
			t.mu.Lock()
			delete(t.readers, r)
			t.mu.Unlock()
		}()
		for {
			t.mu.Lock()
			events, missed := r.events, r.missed
			r.events, r.missed = nil, 0
			t.mu.Unlock()
			if missed > 0 {
				events = append(events, Event{Missed: missed})
			}
			for _, e := range events {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			if len(events) > 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-r.more:
			}
		}
	}
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
