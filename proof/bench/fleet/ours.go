package fleet

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// paced is the schedule of one wait that learns.
type paced interface {
	backoff.BackOff
	pace.Starter
	pace.Observer
	Odds(last, age time.Duration) float64
}

// A follower follows one job by this library's own decisions.
type follower struct {
	job   int
	kind  string
	begin time.Duration
	stamp status.Timestamp
	last  time.Duration // the age at the last call
	paced
}

// Learned polls by internal/schedule and the history, which learns from these jobs.
func Learned(list []Job, callsPerSecond float64, history *pace.History, r *rand.Rand) Result {
	t := newTally(list)
	var followers []*follower
	var free []schedule.Job
	s := schedule.New(schedule.Config{
		Rate: rate.Limit(callsPerSecond), Burst: 1, Random: r,
		Rank: func(n schedule.Job, now time.Time) float64 {
			f := followers[n]
			return f.Odds(f.last, now.Sub(epoch)-f.begin)
		},
	}, epoch)

	next := 0
	for now := time.Duration(0); t.left > 0; {
		for ; next < len(list) && list[next].Begin <= now; next++ {
			f := follow(next, list[next], history)
			n := schedule.Job(len(followers))
			if len(free) > 0 {
				n, free = free[len(free)-1], free[:len(free)-1]
				followers[n] = f
			} else {
				followers = append(followers, f)
			}
			s.Add(n, epoch.Add(f.begin+f.first()))
		}
		n, wake, ok := s.Next(epoch.Add(now))
		if !ok {
			now = wake.Sub(epoch)
			if next < len(list) && (wake.IsZero() || list[next].Begin < now) {
				now = list[next].Begin
			}
			continue
		}
		f := followers[n]
		f.last = now - f.begin
		ended := t.call(f.job, now)
		f.observe(now, ended, list[f.job].End)
		if ended {
			s.Done(n, epoch.Add(now), schedule.Outcome{})
			followers[n], free = nil, append(free, n)
			continue
		}
		s.Done(n, epoch.Add(now), schedule.Outcome{Due: epoch.Add(now + f.NextBackOff())})
	}
	return t.measured()
}

func follow(i int, j Job, history *pace.History) *follower {
	p, ok := history.BackOff().(paced)
	if !ok {
		panic("a History's schedule has another form")
	}
	return &follower{job: i, kind: j.Type, begin: j.Begin, stamp: stamp(j.Begin), last: max(0, -j.Begin), paced: p}
}

// first returns the age of the first call. A job that ran before the simulation was last seen when
// it began: only those that were still running are in it, and the history must not take them for a
// sample of all jobs at the ages before. The first call of a new job without a plan would be at age
// 0, and learn nothing but the type, which is known: so it is the second one.
func (f *follower) first() time.Duration {
	if f.last > 0 {
		f.Start(status.Job{ID: "1", Type: f.kind, Status: status.Running}, f.last)
		return f.last + f.NextBackOff()
	}
	if first := f.Start(status.Job{ID: "1", Type: f.kind}, 0); first > 0 {
		return first
	}
	return f.NextBackOff()
}

// observe shows the history what the service responds, to the second.
func (f *follower) observe(now time.Duration, ended bool, end time.Duration) {
	o := pace.Observation{
		Job: status.Job{ID: "1", Type: f.kind, Status: status.Running, BeginTime: f.stamp},
		Age: f.last, ServerTime: epoch.Add(now).Truncate(time.Second),
	}
	if ended {
		o.Job.Status, o.Job.EndTime = status.Success, stamp(end)
	}
	f.Observe(o)
}

// stamp returns the service's time with its resolution, one second.
func stamp(t time.Duration) status.Timestamp {
	return status.Timestamp(epoch.Add(t).Format(time.DateTime))
}
