package tracker

import (
	"container/list"
	"maps"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/status"
)

// A job is tracked. Its Follower belongs to the goroutine that polls it or delivers its changes, as
// long as there is a flight, and otherwise to the goroutine that holds the Tracker's mutex. It is
// just as large as an allocation can be without being twice as expensive: see TestMemory.
type job struct {
	wait.Follower
	number schedule.Job
	state  state
	tried  time.Duration // age of the wait when the last poll began; 0 if there was none
	due    time.Duration // age of the wait when the next one is to begin
	flight *flight       // see above
	place  *list.Element // in one of the Tracker's lists of finished jobs; nil if it has not finished
}

// idle is the Caller of a job without a flight.
var idle = &wait.Caller{Once: true}

type state uint8

const (
	reserved state = iota // the journal does not have it yet
	followed
	finished
	forgotten
)

// A flight begins with a poll and ends when all that it brought is delivered.
type flight struct {
	wait.Caller
	view      follow.State // what others see meanwhile
	began     time.Time    // the poll; zero once it has ended
	sent      time.Time    // the poll, after the limiter; zero before, and once it has ended
	asked     wait.Asked   // what it brought
	delivered status.Job   // what was delivered in all
}

// view returns what others see of a State that is about to be changed. It is a copy, except for
// what is never changed in place.
func view(s *follow.State) follow.State {
	v := *s
	v.Failures = maps.Clone(s.Failures)
	return v
}

// seen is the job's state to look at. The Tracker's mutex is held.
func (j *job) seen() *follow.State {
	if j.flight != nil {
		return &j.flight.view
	}
	return &j.State
}

// sent is when the poll in flight was sent; zero if there is none.
func (j *job) sent() time.Time {
	if j.flight == nil {
		return time.Time{}
	}
	return j.flight.sent
}

// mayGoOn reports whether the following has ended though the job itself has not, as far as is
// known.
func (j *job) mayGoOn() bool { return j.state == finished && j.State.End > follow.SubJobFailed }

// leaves reports whether a finished job leaves when its retention is over: the service has said how
// it ended, or that it does not know it.
func (j *job) leaves() bool {
	return !j.mayGoOn() || j.State.End == follow.NotFound || j.State.End == follow.Disappeared
}

// ended is when the following of a job ended.
func (j *job) ended() time.Time { return j.State.Started.Add(j.State.Ended) }

// reopen undoes the end of a job of which this was delivered.
func (j *job) reopen(delivered status.Job) {
	j.State.Job, j.State.End, j.State.Cause, j.State.Ended = delivered, follow.Open, nil, 0
}
