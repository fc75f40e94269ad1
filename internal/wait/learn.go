package wait

import (
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller/pace"
)

// What a schedule that learns observes: see pace.Observer and pace.Starter.

// Start gives the schedule what is known before the first poll of this process, and returns how
// long to sleep before that poll. A schedule of a stored wait is then advanced to where it was.
func (f *Follower) Start() (delay time.Duration) {
	progress := f.schedules[follow.Progress]
	if s, ok := progress.(pace.Starter); ok {
		delay = s.Start(f.State.Job.Clone(), f.State.Age())
	}
	f.replay(follow.Progress)
	return delay
}

func (f *Follower) learns() bool {
	_, ok := f.schedules[follow.Progress].(pace.Observer)
	return ok
}

// observe passes a good poll to the schedule.
func (f *Follower) observe(n follow.Next, serverTime time.Time) {
	if o, ok := f.schedules[follow.Progress].(pace.Observer); ok && n.Failure == nil {
		o.Observe(pace.Observation{
			Job: f.State.Job.Clone(), Age: f.State.LastSeen.Sub(f.State.Started),
			ServerTime: serverTime, Changed: len(n.Transitions) > 0,
		})
	}
}

// Abandon ends the schedule: there are no more polls. After the poll that shows the job's end it
// does nothing.
func (f *Follower) Abandon() {
	if o, ok := f.schedules[follow.Progress].(pace.Observer); ok && !f.State.Job.Status.Terminal() {
		o.Observe(pace.Observation{Job: f.State.Job.Clone(), Age: time.Since(f.State.Started), Abandoned: true})
	}
}

// Odds returns how urgent a poll of the job is at now, whose last poll, good or not, began at the
// age tried of the wait; 0 if there was none. It is 0 for a schedule that does not learn.
func (f *Follower) Odds(tried time.Duration, now time.Time) float64 {
	s, ok := f.schedules[follow.Progress].(interface {
		Odds(last, age time.Duration) float64
	})
	if !ok {
		return 0
	}
	return s.Odds(max(0, tried), now.Sub(f.State.Started))
}

// Release frees the schedules of a wait that has ended.
func (f *Follower) Release() { f.schedules = [2]backoff.BackOff{} }
