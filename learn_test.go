package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// stamped is a timeline whose end comes with stamps: a job found ended teaches by them.
func stamped(end time.Duration) *service {
	s := timeline(end, 0)
	unstamped := s.answer
	s.answer = func(n int, age time.Duration) (poller.Reply, error) {
		reply, err := unstamped(n, age)
		if reply.Job.Status.Terminal() {
			reply.Job.BeginTime = "2026-01-02 10:00:00"
			reply.Job.EndTime = status.Timestamp(time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC).Add(end).Format(time.DateTime))
		}
		return reply, err
	}
	return s
}

// learned is a history of 30 jobs of 20 s.
func learned(ctx context.Context, t *testing.T, v verb) *pace.History {
	h := new(pace.History)
	for range 30 { // each by a waiter of its own
		require.NoError(t, v(ctx, t, newWaiter(t, stamped(20*time.Second), waiter.WithBackOff(h.BackOff))).err)
	}
	return h
}

func TestWaitsLearnFromEachOtherWhenToPoll(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		h := learned(t.Context(), t, v)
		median, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 30, jobs)
		require.InDelta(t, 20, median.Seconds(), 1)

		s := stamped(20 * time.Second)
		require.NoError(t, v(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(h.BackOff))).err)
		require.Len(t, s.polls, 2, "the first, at once, and one just after the end")
		require.InDelta(t, 21, s.polls[1].Seconds(), 2)
	})
}

func TestAWaitTeachesByItsOwnClockToo(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		h := new(pace.History)
		require.NoError(t, v(t.Context(), t, newWaiter(t, timeline(20*time.Second, 0), waiter.WithBackOff(h.BackOff))).err)
		median, _, jobs := h.Typical("bind_ldap") // between two polls of the exponential backoff
		require.Equal(t, 1, jobs)
		require.InDelta(t, 20, median.Seconds(), 5)
	})
}

func TestWithAJobTypeTheFirstPollIsPlannedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := learned(t.Context(), t, wait)
		for name, v := range map[string]verb{"Wait": wait, "Watch": watch} {
			start, s := time.Now(), stamped(20*time.Second)
			s.began = start
			require.NoError(t, v(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(h.BackOff), waiter.WithJobType("bind_ldap"))).err)
			require.Len(t, s.polls, 1, name)
			require.InDelta(t, 21, s.polls[0].Seconds(), 2, name)
		}
		s := stamped(time.Second)
		s.began = time.Now()
		got := wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(h.BackOff), waiter.WithJobType("bind_ldap")), waiter.From(job("running")))
		require.NoError(t, got.err)
		require.Zero(t, s.polls[0], "who knows how long it has been running")

		s = stamped(time.Second)
		s.began = time.Now()
		require.NoError(t, wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(new(pace.History).BackOff), waiter.WithJobType("bind_ldap"))).err)
		require.Zero(t, s.polls[0], "nothing is known")
	})
}

func TestAWaitThatEndsBeforeItsPlannedFirstPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := learned(t.Context(), t, wait)
		s := stamped(20 * time.Second)
		s.began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w := newWaiter(t, s, waiter.WithBackOff(h.BackOff), waiter.WithJobType("bind_ldap"))
		require.ErrorIs(t, wait(ctx, t, w).err, context.DeadlineExceeded)
		require.Equal(t, seconds(9.9), s.polls, "the last look")

		cancelled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, wait(cancelled, t, w).err, context.Canceled)
		require.Len(t, s.polls, 1)
	})
}

func TestFailedPollsDoNotAdvanceThePlan(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		h := learned(t.Context(), t, v)
		s := &service{answer: func(n int, age time.Duration) (poller.Reply, error) {
			switch {
			case n > 0 && age < 10*time.Second:
				return poller.Reply{}, httpError(503)
			case age < 20*time.Second:
				return poller.Reply{Job: job("running")}, nil
			}
			return poller.Reply{Job: job("success")}, nil
		}}
		w := newWaiter(t, s, waiter.WithBackOff(once(time.Second, h.BackOff)), waiter.WithFailureBackOff(constant(2*time.Second)))
		require.NoError(t, v(t.Context(), t, w).err)
		n := len(s.polls)
		require.Equal(t, seconds(0, 1, 3, 5, 7, 9, 11), s.polls[:min(7, n)])
		require.Equal(t, 8, n)
		require.InDelta(t, 21, s.polls[7].Seconds(), 2)
	})
}

// once has each wait's first delay be d: a poll off the plan.
func once(d time.Duration, f func() backoff.BackOff) func() backoff.BackOff {
	return func() backoff.BackOff { return &hasty{BackOff: f(), first: d} }
}

type hasty struct {
	backoff.BackOff
	first time.Duration
	age   time.Duration
}

func (h *hasty) Observe(o pace.Observation) {
	h.age = o.Age
	h.BackOff.(pace.Observer).Observe(o)
}

func (h *hasty) Start(job status.Job, age time.Duration) time.Duration {
	return h.BackOff.(pace.Starter).Start(job, age)
}

func (h *hasty) NextBackOff() time.Duration {
	if d := h.BackOff.NextBackOff(); h.age > 0 {
		return d
	}
	return h.first
}

func TestALatePollPlansFromItsRealAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := learned(t.Context(), t, wait)
		s := &service{answer: func(n int, age time.Duration) (poller.Reply, error) {
			if age >= 20*time.Second {
				return poller.Reply{Job: job("success")}, nil
			}
			return poller.Reply{Job: job("running"), RetryAfter: []time.Duration{17 * time.Second, 0}[min(n, 1)]}, nil
		}}
		slow := limiterFunc(func(context.Context) error {
			if len(s.polls) == 1 {
				time.Sleep(time.Until(s.began.Add(18 * time.Second)))
			}
			return nil
		})
		w := newWaiter(t, s, waiter.WithBackOff(once(time.Second, h.BackOff)), waiter.WithLimiter(slow))
		require.NoError(t, wait(t.Context(), t, w).err)
		require.Len(t, s.polls, 3)
		require.Equal(t, seconds(0, 18), s.polls[:2])
		require.InDelta(t, 20.5, s.polls[2].Seconds(), 1)
	})
}

func TestATransitionDoesNotThrowThePlanAway(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		h := learned(t.Context(), t, v)
		s := &service{answer: func(n int, age time.Duration) (poller.Reply, error) {
			now := []status.Status{"waiting", "running", "paused"}[min(n, 2)]
			if age >= 20*time.Second {
				now = "success"
			}
			return poller.Reply{Job: job(now)}, nil
		}}
		require.NoError(t, v(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(once(5*time.Second, h.BackOff)))).err)
		require.Len(t, s.polls, 3, "%v", s.polls)
		require.InDelta(t, 21, s.polls[2].Seconds(), 2)
	})
}

func TestAnAbandonedWaitTeachesNothing(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		h := new(pace.History)
		before, err := json.Marshal(h)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := v(ctx, t, newWaiter(t, stamped(time.Hour), waiter.WithBackOff(h.BackOff)))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		after, err := json.Marshal(h)
		require.NoError(t, err)
		require.JSONEq(t, string(before), string(after))
	})
}

func TestAWaitFromACheckpointTeachesByBeginAndEndOnly(t *testing.T) {
	begun := waiter.Progress{JobID: id, Job: job("running")}
	for name, v := range map[string]func(t *testing.T, w *waiter.Waiter){
		"Wait": func(t *testing.T, w *waiter.Waiter) {
			require.NoError(t, wait(t.Context(), t, w, waiter.From(job("running"))).err)
		},
		"Step": func(t *testing.T, w *waiter.Waiter) {
			for p := begun; !p.Done; time.Sleep(p.Next) {
				var err error
				p, err = w.Step(t.Context(), p)
				require.NoError(t, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := new(pace.History)
				v(t, newWaiter(t, timeline(5*time.Second, 0), waiter.WithBackOff(h.BackOff)))
				_, _, jobs := h.Typical("bind_ldap")
				require.Zero(t, jobs, "nobody knows when it began")

				s := stamped(5 * time.Second)
				answer := s.answer
				s.answer = func(n int, age time.Duration) (poller.Reply, error) {
					reply, err := answer(n, age)
					reply.Job.BeginTime = "2026-01-02 09:59:00"
					return reply, err
				}
				v(t, newWaiter(t, s, waiter.WithBackOff(h.BackOff)))
				median, _, jobs := h.Typical("bind_ldap")
				require.Equal(t, 1, jobs)
				require.InDelta(t, 65, median.Seconds(), 2)
			})
		})
	}
	require.True(t, follow.Begin(job("running"), time.Now()).Resumed)
}

// The whole way: the service for tests, over the real HTTP stack.
func TestABurstOfJobsOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		p, err := poller.New(endpoint, "p", poller.WithHTTPClient(client), poller.WithPlainHTTP(), poller.WithCredential(credential.Token("t")))
		require.NoError(t, err)
		defer p.CloseIdleConnections()
		h := new(pace.History)
		w := newWaiter(t, p, waiter.WithBackOff(h.BackOff), waiter.WithJobType("bind_ldap"))
		polls := func() int {
			before := len(server.Requests())
			var ids []string
			for i := range 20 {
				ids = append(ids, server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
					{Job: status.Job{Status: status.Running}},
					{After: 30*time.Second + time.Duration(i)*50*time.Millisecond, Job: status.Job{Status: []status.Status{"success", "failed"}[i%2]}},
				}}))
			}
			jobs, err := w.WaitAll(t.Context(), ids...)
			require.True(t, errors.Is(err, waiter.ErrJobFailed))
			for i, job := range jobs {
				require.True(t, job.Status.Terminal(), strconv.Itoa(i))
			}
			return len(server.Requests()) - before
		}
		first, then := polls(), 0
		for range 3 {
			then = polls()
		}
		require.Greater(t, first, 20*8)
		require.Less(t, then, 20*3)
		median, p90, jobs := h.Typical("bind_ldap")
		require.Equal(t, 80, jobs)
		require.InDelta(t, 30.5, median.Seconds(), 1.5)
		require.InDelta(t, 31, p90.Seconds(), 1.5)
	})
}
