package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
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

func TestTrace(t *testing.T) {
	specify(t, "passes the contexts of its start hooks on", func(t *testing.T, d driver) {
		type key struct{}
		var seen []string
		polls := 0
		trace := traced(waiter.Trace{
			WaitStart: func(ctx context.Context, e waiter.WaitStart) context.Context {
				require.Equal(t, waiter.WaitStart{JobID: id, JobType: "bind_ldap", Tracked: d.shared}, e)
				return context.WithValue(ctx, key{}, "wait")
			},
			PollStart: func(ctx context.Context, e waiter.PollStart) context.Context {
				polls++
				require.Equal(t, waiter.PollStart{JobID: id, N: polls}, e)
				return context.WithValue(ctx, key{}, ctx.Value(key{}).(string)+" poll")
			},
			PollEnd: func(ctx context.Context, e waiter.PollEnd) {
				require.Equal(t, id, e.JobID)
				seen = append(seen, fmt.Sprintf("%s %s %v %v %q %v", ctx.Value(key{}), e.Reply.Job.Status, e.Err, e.Verdict, e.Kind, e.Transitions))
			},
			WaitEnd: func(ctx context.Context, e waiter.WaitEnd) {
				seen = append(seen, fmt.Sprintf("%v %v %s %d %v %v", ctx.Value(key{}), e.Job.Status, e.Outcome, e.Polls, e.Failures, e.Elapsed > 0))
				require.ErrorIs(t, e.Err, waiter.ErrJobFailed)
			},
		})
		polled, list := "", responses(job("running"), errors.New("reset"), job("failed"))
		p := fn(func(ctx context.Context, id string) (poller.Reply, error) {
			polled = ctx.Value(key{}).(string)
			return list.Poll(ctx, id)
		})
		got := d.wait(t.Context(), t, p, trace, traced(waiter.Trace{}), waiter.WithJobType("bind_ldap")) // hooks may be nil
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		require.Equal(t, "wait poll", polled)
		require.Equal(t, []string{
			`wait poll running <nil> passing "" [job: running]`, `wait poll  reset passing "other" []`,
			`wait poll failed <nil> passing "" [job: running -> failed]`, `wait failed failed 3 map[other:1] true`,
		}, seen)
	}, blocking, alone)

	specify(t, "has every field of each hook", func(t *testing.T, d driver) {
		server := time.Date(2026, 1, 2, 3, 4, 12, 0, time.UTC)
		failed := poller.Reply{Job: job("failed", sub("a", "failed")), RequestID: "req-3", ServerTime: server}
		failed.Job.EndTime = "2026-01-02 03:04:05"
		down := httpError(503)
		s := responses(poller.Reply{Job: job("running"), RequestID: "req-1"}, down, failed)
		s.took = time.Second
		var starts []waiter.WaitStart
		var ends []waiter.WaitEnd
		var polls []waiter.PollStart
		var polled []waiter.PollEnd
		got := d.wait(t.Context(), t, s, append(every(time.Minute), traced(waiter.Trace{
			WaitStart: func(ctx context.Context, e waiter.WaitStart) context.Context { starts = append(starts, e); return ctx },
			WaitEnd:   func(_ context.Context, e waiter.WaitEnd) { ends = append(ends, e) },
			PollStart: func(ctx context.Context, e waiter.PollStart) context.Context { polls = append(polls, e); return ctx },
			PollEnd:   func(_ context.Context, e waiter.PollEnd) { polled = append(polled, e) },
		}))...)
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		require.Equal(t, []waiter.PollStart{{JobID: id, N: 1}, {JobID: id, N: 2}, {JobID: id, N: 3}}, polls)
		require.Equal(t, []waiter.PollEnd{
			{JobID: id, Reply: poller.Reply{Job: job("running"), RequestID: "req-1"}, Took: time.Second, Transitions: got.delivered[:1]},
			{JobID: id, Err: down, Verdict: poller.Passing, Kind: "503", Took: time.Second},
			{JobID: id, Reply: failed, Took: time.Second, Transitions: got.delivered[1:]},
		}, polled)
		if d.blocks {
			require.Equal(t, []waiter.WaitStart{{JobID: id, Tracked: d.shared}}, starts)
			require.Equal(t, []waiter.WaitEnd{{
				Job: got.job, Err: got.err, Outcome: "failed", Polls: 3, Failures: map[string]int{"503": 1},
				Elapsed: 2*time.Minute + 3*time.Second, DetectionDelay: 7 * time.Second,
			}}, ends)
		}
	}, alone, func(d driver) bool { return d.name != "Watch" && d.name != "Step through JSON" }) // which do not return the very same times and job

	specify(t, "of a wait from a checkpoint says so, and what the checkpoint shows", func(t *testing.T, d driver) {
		var starts []waiter.WaitStart
		trace := traced(waiter.Trace{WaitStart: func(ctx context.Context, e waiter.WaitStart) context.Context { starts = append(starts, e); return ctx }})
		require.NoError(t, d.resume(t.Context(), t, responses(job("success")), job("running"), trace).err)
		require.Equal(t, []waiter.WaitStart{{JobID: id, JobType: "bind_ldap", Resumed: true, Tracked: d.shared}}, starts)
	}, blocking, resuming)

	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for behavior, test := range map[string]struct {
		endTime status.Timestamp
		served  time.Time
		want    time.Duration
	}{
		"is the response's Date minus the job's end": {"2026-01-02 03:04:05", end.Add(3 * time.Second), 3 * time.Second},
		"is never negative":                          {"2026-01-02 03:04:05", end.Add(-time.Second), 0},
		"is 0 without a Date":                        {"2026-01-02 03:04:05", time.Time{}, 0},
		"is 0 without an end":                        {"", end, 0},
	} {
		specify(t, "knows the detection delay, which "+behavior, func(t *testing.T, d driver) {
			delay := time.Duration(-1)
			ended := job("success")
			ended.EndTime = test.endTime
			got := d.wait(t.Context(), t, responses(job("running"), poller.Reply{Job: ended, ServerTime: test.served}), traced(waiter.Trace{
				WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
					if e.Job.ID == id {
						delay = e.DetectionDelay
					}
				},
			}))
			require.NoError(t, got.err)
			require.Equal(t, test.want, delay)
		}, blocking)
	}

	specify(t, "knows of a poll that the deadline cuts what the error counts", func(t *testing.T, d driver) {
		var kinds []string
		got := d.wait(withDeadline(t, time.Second), t, hang(errors.New("interrupted")), traced(waiter.Trace{
			PollEnd: func(_ context.Context, e waiter.PollEnd) {
				if e.JobID == id {
					kinds = append(kinds, e.Kind)
				}
			},
		}))
		require.Equal(t, map[string]int{"timeout": 1}, unfinished(t, got.err).Failures)
		require.Equal(t, []string{"timeout"}, kinds)
	}, blocking, own)

	specify(t, "runs on the goroutine that waits", func(t *testing.T, d driver) {
		var on []string
		here := func() { on = append(on, goroutine()) }
		require.NoError(t, d.wait(t.Context(), t, responses(job("success")), traced(waiter.Trace{
			WaitStart: func(ctx context.Context, _ waiter.WaitStart) context.Context { here(); return ctx },
			WaitEnd:   func(context.Context, waiter.WaitEnd) { here() },
			PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context { here(); return ctx },
			PollEnd:   func(context.Context, waiter.PollEnd) { here() },
		})).err)
		require.Equal(t, slices.Repeat([]string{goroutine()}, 4), on)
	}, blocking, inline)

	bubble(t, "of Step has the hooks of polls only", func(t *testing.T) {
		var seen []string
		trace := traced(waiter.Trace{
			WaitStart: func(ctx context.Context, _ waiter.WaitStart) context.Context { seen = append(seen, "wait"); return ctx },
			WaitEnd:   func(context.Context, waiter.WaitEnd) { seen = append(seen, "end") },
			PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context { seen = append(seen, "poll"); return ctx },
			PollEnd:   func(_ context.Context, e waiter.PollEnd) { seen = append(seen, string(e.Reply.Job.Status)) },
		})
		require.NoError(t, step(t.Context(), t, responses(job("running"), job("success")), status.Job{}, []waiter.Option{trace}).err)
		require.Equal(t, []string{"poll", "running", "poll", "success"}, seen)
	})

	specify(t, "hears the end of a wait that panics", func(t *testing.T, d driver) {
		var ends []error
		trace := traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
			require.Equal(t, "stopped", e.Outcome)
			require.Equal(t, status.Running, e.Job.Status)
			ends = append(ends, e.Err)
		}})
		ouch := waiter.OnTransition(func(status.Transition) { panic("ouch") })
		require.Panics(t, func() { d.wait(t.Context(), t, responses(job("running")), trace, ouch) })
		require.Len(t, ends, 1)
		require.Error(t, ends[0])
		require.NotErrorIs(t, ends[0], waiter.ErrUnfinished)
	}, blocking, inline)

	bubble(t, "hears the end of an iteration that is stopped", func(t *testing.T) {
		var ends []error
		w := newWaiter(t, responses(job("running")), traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
			require.Equal(t, "stopped", e.Outcome)
			require.Equal(t, 1, e.Polls)
			ends = append(ends, e.Err)
		}}))
		for range w.Watch(t.Context(), id) {
			break
		}
		require.Len(t, ends, 1)
		require.Error(t, ends[0])
		require.NotErrorIs(t, ends[0], waiter.ErrUnfinished)
	})
}

func TestLog(t *testing.T) {
	bubble(t, "is written for people: see testdata/log.golden", func(t *testing.T) {
		var lines strings.Builder
		failed := job("failed", status.Job{ID: "a", Type: "check_ldap", Status: "failed", FailReason: "connection timed out"})
		failed.ErrorCode = "SFS.TURBO.0100"
		got := wait(t.Context(), t, responses(
			job("waiting", sub("a", "paused")), httpError(503), httpError(503), httpError(502), job("running"), httpError(503),
			job("waiting", sub("b", "paused")), job("running"), failed,
		), status.Job{}, append(every(time.Second), waiter.WithLogger(logLines(&lines))))
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		golden(t, "testdata/log.golden", lines.String())
	})

	specify(t, "has a line for each transition, with the job", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.InfoLevel)
		got := d.wait(t.Context(), t, responses(job("running", sub("a", "running")), job("success", sub("a", "success"))), waiter.WithLogger(zap.New(core)))
		require.NoError(t, got.err)
		var lines []string
		for _, entry := range logs.FilterMessage("transition").All() {
			fields := entry.ContextMap()
			require.Equal(t, id, fields["job_id"])
			lines = append(lines, strings.TrimSpace(fields["sub_job"].(string)+" "+fields["from"].(string)+"->"+fields["to"].(string)))
		}
		require.Equal(t, got.lines(), lines)
	}, alone)

	specify(t, "has one line for a run of the same failure, and none for the one that is returned", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.WarnLevel)
		list := responses(httpError(503), httpError(503), httpError(502), job("running"), httpError(502), httpError(401))
		require.Error(t, d.wait(t.Context(), t, list, waiter.WithLogger(zap.New(core))).err)
		var codes []string
		for _, entry := range logs.FilterMessage("poll failed").All() {
			text := entry.ContextMap()["error"].(string)
			codes = append(codes, digits.FindString(text))
		}
		require.Equal(t, []string{"503", "502", "502"}, codes)
	})

	specify(t, "has a debug line for each poll", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.DebugLevel)
		got := d.wait(t.Context(), t, responses(job("running"), httpError(503), job("success")), waiter.WithLogger(zap.New(core)))
		require.NoError(t, got.err)
		require.Equal(t, 3, logs.FilterMessage("polled").Len())
	}, alone)

	specify(t, "has short lines whatever the service sends", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.DebugLevel)
		long := status.Status(strings.Repeat("long\n", 100_000))
		require.NoError(t, d.wait(t.Context(), t, responses(job(long, sub(string(long), long)), job("success")), waiter.WithLogger(zap.New(core))).err)
		require.Positive(t, logs.Len())
		for _, entry := range logs.All() {
			require.Less(t, len(entry.Message), 1000)
			for key, value := range entry.ContextMap() {
				if text, ok := value.(string); ok {
					require.Less(t, len(text), 1000, key)
				}
			}
		}
	})

	for off, lines := range map[time.Duration]int{0: 0, 14 * time.Minute: 0, -15 * time.Minute: 1, 2 * time.Hour: 1} {
		bubble(t, "has one line for a Waiter whose clock is off by a quarter of an hour: "+off.String(), func(t *testing.T) {
			server := responses(job("running"), job("running"), job("success"))
			dated := fn(func(ctx context.Context, id string) (poller.Reply, error) {
				reply, err := server.Poll(ctx, id)
				reply.ServerTime = time.Now().Add(-off)
				return reply, err
			})
			core, logs := observer.New(zap.WarnLevel)
			w := newWaiter(t, dated, waiter.WithLogger(zap.New(core)))
			for range 2 {
				_, err := w.Wait(t.Context(), id)
				require.NoError(t, err)
			}
			require.Len(t, logs.All(), lines)
			for _, line := range logs.All() {
				require.Equal(t, off, line.ContextMap()["ahead"])
			}
		})
	}
}

func TestTraceCopies(t *testing.T) {
	specify(t, "the job for the hook, not the one that the call returns", func(t *testing.T, d driver) {
		spoil := traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
			if len(e.Job.SubJobs) > 0 {
				e.Job.SubJobs[0].Status = "spoiled"
			}
		}})
		got := d.wait(t.Context(), t, responses(job("success", sub("a", "success"))), spoil)
		require.NoError(t, got.err)
		require.Equal(t, status.Success, got.job.SubJobs[0].Status)
	}, blocking)

	specify(t, "the verdict on a failed poll, by the classifier too", func(t *testing.T, d driver) {
		var verdicts []poller.Verdict
		trace := traced(waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) { verdicts = append(verdicts, e.Verdict) }})
		permanent := waiter.WithClassifier(func(err error, byDefault poller.Verdict) poller.Verdict {
			if poller.Kind(err) == "500" {
				return poller.Permanent
			}
			return byDefault
		})
		d.wait(t.Context(), t, responses(httpError(429), httpError(500)), trace, permanent)
		require.Equal(t, []poller.Verdict{poller.Throttled, poller.Permanent}, verdicts)
	}, alone)

	bubble(t, "New's hooks and callbacks for each call, so that none gets another call's", func(t *testing.T) {
		var seen []string
		hook := func(name string) waiter.Option {
			return traced(waiter.Trace{PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context { seen = append(seen, name); return ctx }})
		}
		callback := func(name string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { seen = append(seen, name) })
		}
		w := newWaiter(t, responses(job("waiting"), job("waiting"), job("running")),
			append(every(time.Second), hook("1"), hook("2"), hook("3"), callback("4"), callback("5"), callback("6"))...)
		for transition := range w.Watch(t.Context(), id, hook("first"), callback("one")) {
			if transition.To != "waiting" {
				break
			}
			for range w.Watch(t.Context(), id, hook("second"), callback("two")) {
				break
			}
			seen = nil // the first call polls again, after the second has set up its own
		}
		require.Equal(t, []string{"1", "2", "3", "first", "4", "5", "6", "one"}, seen)
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
