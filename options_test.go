package waiter_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestOptions(t *testing.T) {
	s := responses(job("success"))
	for name, option := range map[string]waiter.Option{
		"OnTransition":       waiter.OnTransition(nil),
		"WithBackOff":        waiter.WithBackOff(nil),
		"WithFailureBackOff": waiter.WithFailureBackOff(nil),
		"WithLogger":         waiter.WithLogger(nil),
		"WithSlog":           waiter.WithSlog(nil),
		"WithLimiter":        waiter.WithLimiter((*rate.Limiter)(nil)),
		"WithPollTimeout":    waiter.WithPollTimeout(-1),
		"WithNotFoundGrace":  waiter.WithNotFoundGrace(-1),
		"WithStallLimit":     waiter.WithStallLimit(-1),
		"WithJobType":        waiter.WithJobType(""),
		"WithClassifier":     waiter.WithClassifier(nil),
		"WithTrace":          waiter.WithTrace(nil),
		"option 1":           nil,
	} {
		t.Run("that are wrong are named by the call that gets them: "+name, func(t *testing.T) {
			_, err := waiter.New(s, option)
			require.ErrorContains(t, err, name)

			w := newWaiter(t, s)
			got, err := w.Wait(t.Context(), id, option)
			require.ErrorContains(t, err, name)
			require.NotErrorIs(t, err, waiter.ErrUnfinished)
			require.Equal(t, id, got.ID)
			p, err := w.Step(t.Context(), waiter.Progress{JobID: id}, option)
			require.ErrorContains(t, err, name)
			require.Equal(t, waiter.Progress{JobID: id}, p)
			require.Empty(t, s.polls)
		})
	}

	for name, option := range map[string]waiter.Option{
		"WithBackOff":        waiter.WithBackOff(func() backoff.BackOff { return nil }),
		"WithFailureBackOff": waiter.WithFailureBackOff(func() backoff.BackOff { return (*backoff.ExponentialBackOff)(nil) }),
	} {
		bubble(t, "that make no BackOff are named by the call that needs it: "+name, func(t *testing.T) {
			_, err := newWaiter(t, responses(job("running"), httpError(503))).Wait(t.Context(), id, option)
			require.ErrorContains(t, err, name+":")
		})
	}

	bubble(t, "include From once, in a call, for the call's job", func(t *testing.T) {
		from := waiter.From(job("running"))
		_, err := waiter.New(responses(), from)
		require.ErrorContains(t, err, "From")
		w := newWaiter(t, responses(job("success")))
		_, err = w.Wait(t.Context(), id, from, from)
		require.ErrorContains(t, err, "From")
		_, err = w.Wait(t.Context(), "another", from)
		require.ErrorContains(t, err, "From")
		_, err = w.Wait(t.Context(), id, from)
		require.NoError(t, err)
	})

	bubble(t, "of a call override those of New, but callbacks add up", func(t *testing.T) {
		var order []string
		say := func(what string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { order = append(order, what) })
		}
		s := responses(job("running"), job("success"))
		w := newWaiter(t, s, say("new"), waiter.WithBackOff(constant(time.Hour)))
		_, err := w.Wait(t.Context(), id, say("call"), waiter.WithBackOff(constant(time.Second)))
		require.NoError(t, err)
		require.Equal(t, []string{"new", "call", "new", "call"}, order)
		require.Equal(t, seconds(0, 1), s.polls)

		order = nil
		_, err = w.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []string{"new"}, order, "a call's options are that call's")
	})

	bubble(t, "of a call are that call's, also when calls are nested", func(t *testing.T) {
		var order []string
		say := func(what string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { order = append(order, what) })
		}
		nothing := waiter.OnTransition(func(status.Transition) {})
		w := newWaiter(t, responses(job("running"), job("running"), job("success")), nothing, nothing, nothing) // a slice with room for a fourth
		for range w.Watch(t.Context(), id, say("outer")) {
			if len(order) == 1 {
				_, err := w.Wait(t.Context(), id, say("inner"))
				require.NoError(t, err)
			}
		}
		require.Equal(t, []string{"outer", "inner", "inner", "outer"}, order)
	})

	specify(t, "say the type of a job that was never seen, but the service knows better", func(t *testing.T, d driver) {
		got := d.wait(t.Context(), t, responses(httpError(403)), waiter.WithJobType("bind_ldap"))
		require.Equal(t, "bind_ldap", unfinished(t, got.err).Last.Type)
		require.ErrorContains(t, got.err, "bind_ldap job "+id)
		got = d.wait(t.Context(), t, responses(job("failed")), waiter.WithJobType("create_share"))
		require.Equal(t, "bind_ldap", got.job.Type)
	})

	bubble(t, "do not overrule the type of a checkpoint", func(t *testing.T) {
		got := wait(t.Context(), t, responses(httpError(403)), status.Job{ID: id, Type: "create_share"}, []waiter.Option{waiter.WithJobType("bind_ldap")})
		require.Equal(t, "create_share", unfinished(t, got.err).Last.Type)
	})
}

// backoff.ExponentialBackOff has no useful zero value: without a Clock it panics, and without a
// Multiplier, or a Stop beside MaxElapsedTime, it polls without a pause.
func TestOptionsRefuseExponentialBackOffWithoutItsFields(t *testing.T) {
	literal := func(edit func(*backoff.ExponentialBackOff)) func() backoff.BackOff {
		return func() backoff.BackOff {
			b := &backoff.ExponentialBackOff{
				InitialInterval: time.Second, Multiplier: 1.5, MaxInterval: 10 * time.Second,
				MaxElapsedTime: 20 * time.Second, Stop: backoff.Stop, Clock: backoff.SystemClock,
			}
			edit(b)
			return b
		}
	}
	broken := map[string]func() backoff.BackOff{
		"its Clock is nil":                           literal(func(b *backoff.ExponentialBackOff) { b.Clock = nil }),
		"its Multiplier is 0":                        literal(func(b *backoff.ExponentialBackOff) { b.Multiplier = 0 }),
		"its Multiplier is 0.5":                      literal(func(b *backoff.ExponentialBackOff) { b.Multiplier = 0.5 }),
		"its Stop is 0s, not backoff.Stop":           literal(func(b *backoff.ExponentialBackOff) { b.Stop = 0 }),
		"its InitialInterval is 0s":                  literal(func(b *backoff.ExponentialBackOff) { b.InitialInterval = 0 }),
		"its MaxInterval is 0s":                      literal(func(b *backoff.ExponentialBackOff) { b.MaxInterval = 0 }),
		"its RandomizationFactor is 1.5":             literal(func(b *backoff.ExponentialBackOff) { b.RandomizationFactor = 1.5 }),
		"its RandomizationFactor is -0.5":            literal(func(b *backoff.ExponentialBackOff) { b.RandomizationFactor = -0.5 }),
		"WithBackOff: backoff.ExponentialBackOff: i": func() backoff.BackOff { return &backoff.ExponentialBackOff{} },
	}
	for want, f := range broken {
		t.Run(want, func(t *testing.T) {
			s := responses(job("running"))
			_, err := newWaiter(t, s, waiter.WithBackOff(f)).Wait(t.Context(), id)
			require.ErrorContains(t, err, "waiter: WithBackOff: backoff.ExponentialBackOff: ")
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, ": use backoff.NewExponentialBackOff")
			require.NotErrorIs(t, err, waiter.ErrUnfinished)
			require.Empty(t, s.polls)
		})
	}
	t.Run("for failures too", func(t *testing.T) {
		s := responses(httpError(503))
		_, err := newWaiter(t, s, waiter.WithFailureBackOff(broken["its Clock is nil"])).Wait(t.Context(), id)
		require.ErrorContains(t, err, "WithFailureBackOff: backoff.ExponentialBackOff: its Clock is nil")
		require.Equal(t, "usage", waiter.Outcome(err))
		require.NotContains(t, err.Error(), "No request was sent")
		require.Len(t, s.polls, 1, "it is made when it is first needed")
	})
	t.Run("one that has them polls, and stops", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := responses(job("running"))
			_, err := newWaiter(t, s, waiter.WithBackOff(literal(func(*backoff.ExponentialBackOff) {}))).Wait(t.Context(), id)
			require.ErrorContains(t, err, "backoff.Stop")
			require.Equal(t, seconds(0, 1, 2.5, 4.75, 8.125, 13.1875), s.polls)
		})
	})
}

var jobType = waiter.WithJobType("bind_ldap")

func learning(h *pace.History) waiter.Option { return waiter.WithBackOff(h.BackOff) }

// stamps returns when a job began and ended that took so long.
func stamps(took time.Duration) (begin, end status.Timestamp) {
	at := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
	return status.Timestamp(at.Format(time.DateTime)), status.Timestamp(at.Add(took).Format(time.DateTime))
}

// taughtOf is a history of n jobs that took so long.
func taughtOf(n int, took time.Duration) *pace.History {
	h := new(pace.History)
	begin, end := stamps(took)
	for range n {
		h.BackOff().(pace.Observer).Observe(pace.Observation{
			Job: status.Job{Type: "bind_ldap", Status: status.Success, BeginTime: begin, EndTime: end},
		})
	}
	return h
}

// stamped is a timeline whose end comes with the service's times of begin and end.
func stamped(took time.Duration) *service {
	s := timeline(took, 0)
	respond := s.respond
	s.respond = func(n int, age time.Duration) (poller.Reply, error) {
		reply, err := respond(n, age)
		if reply.Job.Status.Terminal() {
			reply.Job.BeginTime, reply.Job.EndTime = stamps(took)
		}
		return reply, err
	}
	return s
}

// learned is a history of 30 waits of 20 s, each by a Waiter of its own.
func learned(t *testing.T, d driver) *pace.History {
	h := new(pace.History)
	for range 30 {
		require.NoError(t, d.wait(t.Context(), t, stamped(20*time.Second), learning(h)).err)
	}
	return h
}

// beginNow has the age count from now, not from the first poll.
func beginNow(s *service) *service {
	s.began = time.Now()
	return s
}

// older is a service whose job was this old when the wait began, and takes ten minutes.
func older(age time.Duration) *service {
	begin := time.Now().Add(-age)
	return beginNow(byAge(func(time.Duration) (poller.Reply, error) {
		j := job(status.Running)
		j.BeginTime = status.Timestamp(begin.UTC().Format(time.DateTime))
		if time.Since(begin) >= 10*time.Minute {
			j.Status = status.Success
			j.EndTime = status.Timestamp(begin.Add(10 * time.Minute).UTC().Format(time.DateTime))
		}
		return poller.Reply{Job: j, ServerTime: time.Now().Truncate(time.Second)}, nil
	}))
}

func TestHistory(t *testing.T) {
	specify(t, "of one wait plans the polls of the next", func(t *testing.T, d driver) {
		h := learned(t, d)
		median, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 30, jobs)
		require.InDelta(t, 20, median.Seconds(), 1)

		s := stamped(20 * time.Second)
		require.NoError(t, d.wait(t.Context(), t, s, learning(h)).err)
		require.Len(t, s.polls, 2, "the first, at once, and one just after the end")
		require.InDelta(t, 21, s.polls[1].Seconds(), 2)
	})

	specify(t, "learns from jobs without times by the wait's clock", func(t *testing.T, d driver) {
		h := new(pace.History)
		require.NoError(t, d.wait(t.Context(), t, timeline(20*time.Second, 0), learning(h)).err)
		median, _, jobs := h.Typical("bind_ldap") // between two polls of the exponential backoff
		require.Equal(t, 1, jobs)
		require.InDelta(t, 20, median.Seconds(), 5)
	})

	specify(t, "plans the first poll too when the job's type is given", func(t *testing.T, d driver) {
		s := beginNow(stamped(20 * time.Second))
		require.NoError(t, d.wait(t.Context(), t, s, learning(taughtOf(30, 20*time.Second)), jobType).err)
		require.Len(t, s.polls, 1)
		require.InDelta(t, 21, s.polls[0].Seconds(), 2)
	}, blocking)

	specify(t, "that is empty plans nothing", func(t *testing.T, d driver) {
		s := beginNow(stamped(time.Second))
		require.NoError(t, d.wait(t.Context(), t, s, learning(new(pace.History)), jobType).err)
		require.Zero(t, s.polls[0])
	})

	specify(t, "plans no first poll from a checkpoint, whose age is unknown", func(t *testing.T, d driver) {
		s := beginNow(stamped(time.Second))
		require.NoError(t, d.resume(t.Context(), t, s, job("running"), learning(taughtOf(30, 20*time.Second)), jobType).err)
		require.Zero(t, s.polls[0])
	}, resuming)

	specify(t, "plans no first poll beyond the deadline", func(t *testing.T, d driver) {
		s, h := beginNow(stamped(20*time.Second)), taughtOf(30, 20*time.Second)
		require.ErrorIs(t, d.wait(withDeadline(t, 10*time.Second), t, s, learning(h), jobType).err, context.DeadlineExceeded)
		require.Equal(t, seconds(9.9), s.polls, "the last look")

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		require.ErrorIs(t, d.wait(ctx, t, s, learning(h), jobType).err, context.Canceled)
		require.Len(t, s.polls, 1)
	}, blocking)

	specify(t, "is not advanced by polls that fail", func(t *testing.T, d driver) {
		h := learned(t, d)
		s := &service{respond: func(n int, age time.Duration) (poller.Reply, error) {
			switch {
			case n > 0 && age < 10*time.Second:
				return failure(httpError(503))
			case age < 20*time.Second:
				return reply(job("running"))
			}
			return reply(job("success"))
		}}
		require.NoError(t, d.wait(t.Context(), t, s,
			waiter.WithBackOff(hastily(time.Second, h.BackOff)), waiter.WithFailureBackOff(constant(2*time.Second))).err)
		require.Len(t, s.polls, 8)
		require.Equal(t, seconds(0, 1, 3, 5, 7, 9, 11), s.polls[:7])
		require.InDelta(t, 21, s.polls[7].Seconds(), 2)
	})

	specify(t, "plans a late poll by its real age", func(t *testing.T, d driver) {
		s := &service{respond: func(n int, age time.Duration) (poller.Reply, error) {
			if age >= 20*time.Second {
				return reply(job("success"))
			}
			return poller.Reply{Job: job("running"), RetryAfter: []time.Duration{17 * time.Second, 0}[min(n, 1)]}, nil
		}}
		slow := limiterFunc(func(context.Context) error {
			if len(s.polls) == 1 {
				time.Sleep(time.Until(s.began.Add(18 * time.Second)))
			}
			return nil
		})
		h := taughtOf(30, 20*time.Second)
		require.NoError(t, d.wait(t.Context(), t, s, waiter.WithBackOff(hastily(time.Second, h.BackOff)), waiter.WithLimiter(slow)).err)
		require.Len(t, s.polls, 3)
		require.Equal(t, seconds(0, 18), s.polls[:2])
		require.InDelta(t, 20.5, s.polls[2].Seconds(), 1)
	}, alone)

	specify(t, "keeps its plan through a transition", func(t *testing.T, d driver) {
		h := learned(t, d)
		s := &service{respond: func(n int, age time.Duration) (poller.Reply, error) {
			now := []status.Status{"waiting", "running", "paused"}[min(n, 2)]
			if age >= 20*time.Second {
				now = "success"
			}
			return reply(job(now))
		}}
		require.NoError(t, d.wait(t.Context(), t, s, waiter.WithBackOff(hastily(5*time.Second, h.BackOff))).err)
		require.Len(t, s.polls, 3, "%v", s.polls)
		require.InDelta(t, 21, s.polls[2].Seconds(), 2)
	})

	specify(t, "learns nothing from a wait that is abandoned", func(t *testing.T, d driver) {
		h := new(pace.History)
		before, err := json.Marshal(h)
		require.NoError(t, err)
		got := d.wait(withDeadline(t, time.Minute), t, stamped(time.Hour), learning(h))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		after, err := json.Marshal(h)
		require.NoError(t, err)
		require.JSONEq(t, string(before), string(after))
	}, alone)

	specify(t, "learns from a checkpoint by the service's times only", func(t *testing.T, d driver) {
		h := new(pace.History)
		require.NoError(t, d.resume(t.Context(), t, timeline(5*time.Second, 0), job("running"), learning(h)).err)
		_, _, jobs := h.Typical("bind_ldap")
		require.Zero(t, jobs, "it is unknown when the job began")

		s := stamped(5 * time.Second)
		respond := s.respond
		s.respond = func(n int, age time.Duration) (poller.Reply, error) {
			reply, err := respond(n, age)
			reply.Job.BeginTime = "2026-01-02 09:59:00"
			return reply, err
		}
		require.NoError(t, d.resume(t.Context(), t, s, job("running"), learning(h)).err)
		median, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 1, jobs)
		require.InDelta(t, 65, median.Seconds(), 2)
	}, resuming)

	specify(t, "does not have throttling repeat a planned interval", func(t *testing.T, d driver) {
		throttled := false
		s := beginNow(byAge(func(age time.Duration) (poller.Reply, error) {
			switch {
			case age > 550*time.Second && !throttled:
				throttled = true
				return failure(httpError(429))
			case age < 10*time.Minute:
				return reply(job("running"))
			}
			return reply(job("success"))
		}))
		require.NoError(t, d.wait(t.Context(), t, s, learning(taughtOf(100, 10*time.Minute))).err)
		require.True(t, throttled)
		require.Less(t, s.last()-10*time.Minute, 40*time.Second)
	})

	for behavior, from := range map[string]status.Job{
		"plans by the age of a job that is older than the wait":                    {},
		"plans by the age of a job that is older than the wait, from a checkpoint": job("running"),
	} {
		specify(t, behavior, func(t *testing.T, d driver) {
			for left := time.Second; left < 200*time.Second; left += 20 * time.Second {
				h, s := taughtOf(100, 10*time.Minute), older(10*time.Minute-left)
				require.NoError(t, d.resume(t.Context(), t, s, from, learning(h)).err)
				require.Less(t, s.last()-left, 30*time.Second, "%v left", left)
				median, _, jobs := h.Typical("bind_ldap")
				require.Equal(t, 101, jobs)
				require.InDelta(t, 600, median.Seconds(), 30, "the job's length, not the wait's")
			}
		}, resuming)
	}

	specify(t, "plans nothing for a job of unknown age", func(t *testing.T, d driver) {
		for left := time.Second; left < 200*time.Second; left += 20 * time.Second {
			s := beginNow(timeline(left, 0))
			require.NoError(t, d.resume(t.Context(), t, s, job("running"), learning(taughtOf(100, 10*time.Minute)), jobType).err)
			require.LessOrEqual(t, s.last()-left, 18*time.Second)
		}
	}, resuming)

	for _, off := range []time.Duration{-8 * time.Hour, 8 * time.Hour, 100 * 24 * time.Hour} {
		specify(t, "does little harm when the service's clock is off by "+off.String(), func(t *testing.T, d driver) {
			h := taughtOf(100, time.Minute)
			for range 10 {
				s := older(9 * time.Minute) // a minute is left
				respond := s.respond
				s.respond = func(n int, age time.Duration) (poller.Reply, error) {
					r, err := respond(n, age)
					r.ServerTime = r.ServerTime.Add(off)
					return r, err
				}
				require.NoError(t, d.wait(t.Context(), t, s, learning(h)).err)
				require.LessOrEqual(t, s.last()-time.Minute, 2*time.Minute)
			}
			median, _, _ := h.Typical("bind_ldap")
			require.Less(t, median, 2*time.Minute)
		})
	}

	specify(t, "begins again in a BackOff that serves one wait after another", func(t *testing.T, d driver) {
		one := taughtOf(100, 20*time.Second).BackOff()
		for range 4 {
			s := beginNow(stamped(20 * time.Second))
			require.NoError(t, d.wait(t.Context(), t, s, waiter.WithBackOff(func() backoff.BackOff { return one }), jobType).err)
			require.InDelta(t, 20, s.polls[0].Seconds(), 4)
		}
	}, blocking, alone)

	bubble(t, "halves the polls of a burst of jobs, over HTTP", func(t *testing.T) {
		server := pollertest.New()
		h := new(pace.History)
		w := newWaiter(t, inMemory(t, server), learning(h), jobType)
		polls := func() int {
			before := len(server.Requests())
			var ids []string
			for i := range 20 {
				ids = append(ids, server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
					{Job: status.Job{Status: status.Running}},
					{After: 30*time.Second + time.Duration(i)*50*time.Millisecond, Job: status.Job{Status: []status.Status{"success", "failed"}[i%2]}},
				}}))
			}
			results, err := w.WaitAll(t.Context(), ids)
			require.ErrorIs(t, err, waiter.ErrJobFailed)
			for _, r := range results {
				require.True(t, r.Job.Status.Terminal())
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

// hastily has the first delay of each wait be d: a poll that is off the plan.
func hastily(d time.Duration, f func() backoff.BackOff) func() backoff.BackOff {
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
