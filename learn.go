package waiter

import (
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller/pace"
)

// What a schedule that learns is told, see [pace.Observer] and [pace.Starter].

// start tells the schedule what is known before the first poll of the run, and returns how
// long to sleep before that.
func (r *run) start() time.Duration {
	s, ok := r.schedules[follow.Progress].(pace.Starter)
	if !ok {
		return 0
	}
	age := max(0, r.state.LastSeen.Sub(r.state.Started))
	if r.state.Resumed {
		age = -1
	}
	return s.Start(r.state.Job.Clone(), age)
}

// paceOf is how fast it polls with this interval, which is what throttling slows down. One
// that was planned is no pace: it has the end of the job in view.
func (r *run) paceOf(asked time.Duration) time.Duration {
	if _, plans := r.schedules[follow.Progress].(pace.Observer); plans {
		return min(asked, usualPace)
	}
	return asked
}

const usualPace = 15 * time.Second // the most that pace.Exponential takes

// observe tells the schedule of a good poll.
func (r *run) observe(next follow.Next, serverTime time.Time) {
	if o, ok := r.schedules[follow.Progress].(pace.Observer); ok && next.Failure == nil {
		o.Observe(pace.Observation{
			Job: r.state.Job.Clone(), Age: r.state.LastSeen.Sub(r.state.Started),
			ServerTime: serverTime, Changed: len(next.Transitions) > 0,
		})
	}
}

// abandon tells the schedule that there are no more polls, unless it knows from the last one.
func (r *run) abandon() {
	if o, ok := r.schedules[follow.Progress].(pace.Observer); ok && !r.state.Job.Status.Terminal() {
		o.Observe(pace.Observation{Job: r.state.Job.Clone(), Age: time.Since(r.state.Started), Abandoned: true})
	}
}
