package waiter_test

import (
	"encoding/json"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// taughtOf is a history of n jobs of this length.
func taughtOf(n int, took time.Duration) *pace.History {
	h := new(pace.History)
	begin := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	for range n {
		h.BackOff().(pace.Observer).Observe(pace.Observation{Job: status.Job{
			Type: "bind_ldap", Status: status.Success,
			BeginTime: status.Timestamp(begin.Format(time.DateTime)), EndTime: status.Timestamp(begin.Add(took).Format(time.DateTime)),
		}})
	}
	return h
}

// older is a service whose job was this old when the wait began, and takes ten minutes.
func older(age time.Duration) *service {
	begin := time.Now().Add(-age)
	s := &service{began: time.Now()}
	s.answer = func(int, time.Duration) (poller.Reply, error) {
		j := job(status.Running)
		j.BeginTime = status.Timestamp(begin.UTC().Format(time.DateTime))
		if time.Since(begin) >= 10*time.Minute {
			j.Status = status.Success
			j.EndTime = status.Timestamp(begin.Add(10 * time.Minute).UTC().Format(time.DateTime))
		}
		return poller.Reply{Job: j, ServerTime: time.Now().Truncate(time.Second)}, nil
	}
	return s
}

func lateness(s *service, end time.Duration) time.Duration { return s.polls[len(s.polls)-1] - end }

// The grace is there for a job that is too new to be known, and for a name server that
// has a bad moment.
func TestAFirstPollThatWasPlannedHasTheGraceToo(t *testing.T) {
	for name, fail := range map[string]error{"unknown host": &net.DNSError{Err: "no such host", IsNotFound: true}, "not found": httpError(404)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{began: time.Now()}
				s.answer = func(n int, age time.Duration) (poller.Reply, error) {
					switch {
					case n == 0:
						return poller.Reply{}, fail
					case age < 20*time.Second:
						return poller.Reply{Job: job("running")}, nil
					}
					return poller.Reply{Job: job("success")}, nil
				}
				w := newWaiter(t, s, waiter.WithBackOff(taughtOf(30, 20*time.Second).BackOff), waiter.WithJobType("bind_ldap"))
				require.NoError(t, wait(t.Context(), t, w).err)
				require.Greater(t, s.polls[0], 15*time.Second, "or it was not planned")

				gone := answers(fail)
				gone.began = time.Now()
				require.ErrorIs(t, wait(t.Context(), t, newWaiter(t, gone, waiter.WithBackOff(taughtOf(30, 20*time.Second).BackOff), waiter.WithJobType("bind_ldap"))).err, waiter.ErrUnfinished)
				require.Equal(t, 10*time.Second, gone.polls[len(gone.polls)-1]-gone.polls[0])
			})
		})
	}
}

// Throttling slows polling down. A planned interval is no pace to slow down from.
func TestAThrottledPollDoesNotRepeatAPlannedInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, throttled := &service{began: time.Now()}, false
		s.answer = func(_ int, age time.Duration) (poller.Reply, error) {
			switch {
			case age > 550*time.Second && !throttled:
				throttled = true
				return poller.Reply{}, httpError(429)
			case age < 10*time.Minute:
				return poller.Reply{Job: job("running")}, nil
			}
			return poller.Reply{Job: job("success")}, nil
		}
		require.NoError(t, wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(taughtOf(100, 10*time.Minute).BackOff))).err)
		require.True(t, throttled)
		require.Less(t, lateness(s, 10*time.Minute), 40*time.Second)
	})
}

func TestAWaitForAJobThatIsOlderThanItPlansByTheJobsAge(t *testing.T) {
	for name, opts := range map[string][]waiter.Option{
		"by its id":         nil,
		"from a checkpoint": {waiter.From(job("running"))},
	} {
		for left := time.Second; left < 200*time.Second; left += 20 * time.Second {
			synctest.Test(t, func(t *testing.T) {
				h := taughtOf(100, 10*time.Minute)
				s := older(10*time.Minute - left)
				require.NoError(t, wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(h.BackOff)), opts...).err)
				require.Less(t, lateness(s, left), 30*time.Second, "%s, %v left", name, left)
				median, _, jobs := h.Typical("bind_ldap")
				require.Equal(t, 101, jobs)
				require.InDelta(t, 600, median.Seconds(), 30, "what it teaches is the job's length, not the wait's")
			})
		}
	}
}

// Without the service's time nobody knows how old a job was at its checkpoint.
func TestAJobOfUnknownAgeIsPolledAsIfNothingWereKnown(t *testing.T) {
	for left := time.Second; left < 200*time.Second; left += 20 * time.Second {
		synctest.Test(t, func(t *testing.T) {
			s := timeline(left, 0)
			s.began = time.Now()
			w := newWaiter(t, s, waiter.WithBackOff(taughtOf(100, 10*time.Minute).BackOff), waiter.WithJobType("bind_ldap"))
			require.NoError(t, wait(t.Context(), t, w, waiter.From(job("running"))).err)
			require.LessOrEqual(t, lateness(s, left), 18*time.Second)

			s.began = time.Now()
			for p := (waiter.Progress{JobID: id, Job: job("running")}); !p.Done; {
				stored, err := json.Marshal(p)
				require.NoError(t, err)
				p = waiter.Progress{} // a restart
				require.NoError(t, json.Unmarshal(stored, &p))
				p, err = w.Step(t.Context(), p)
				require.NoError(t, err)
				time.Sleep(p.Next)
			}
			require.LessOrEqual(t, lateness(s, left), 18*time.Second, "by Step")
		})
	}
}

// Its begin is hours off the service's clock: it is never later than the guard, and
// teaches the length by the wait's own clock.
func TestABeginThatCantBeRightHarmsLittle(t *testing.T) {
	for _, off := range []time.Duration{-8 * time.Hour, 8 * time.Hour, 100 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			h := taughtOf(100, time.Minute)
			for range 10 {
				s := older(9 * time.Minute) // a minute left
				honest := s.answer
				s.answer = func(n int, age time.Duration) (poller.Reply, error) {
					r, err := honest(n, age)
					r.ServerTime = r.ServerTime.Add(off)
					return r, err
				}
				require.NoError(t, wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(h.BackOff))).err)
				require.LessOrEqual(t, lateness(s, time.Minute), 2*time.Minute, off)
			}
			median, _, _ := h.Typical("bind_ldap")
			require.Less(t, median, 2*time.Minute, off)
		})
	}
}

func TestABackOffThatServesOneWaitAfterAnotherBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := taughtOf(100, 20*time.Second).BackOff()
		for range 4 {
			s := stamped(20 * time.Second)
			s.began = time.Now()
			w := newWaiter(t, s, waiter.WithBackOff(func() backoff.BackOff { return one }), waiter.WithJobType("bind_ldap"))
			require.NoError(t, wait(t.Context(), t, w).err)
			require.InDelta(t, 20, s.polls[0].Seconds(), 4)
		}
	})
}
