package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

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

type inHook struct{}

// steps records what the hooks of Steps get.
type steps struct {
	starts  []waiter.StepStart
	ends    []waiter.StepEnd
	carried int
}

func (s *steps) trace() waiter.Option {
	return traced(waiter.Trace{
		StepStart: func(ctx context.Context, e waiter.StepStart) context.Context {
			s.starts = append(s.starts, e)
			return context.WithValue(ctx, inHook{}, len(s.starts))
		},
		StepEnd: func(ctx context.Context, e waiter.StepEnd) {
			s.ends = append(s.ends, e)
			if ctx.Value(inHook{}) != len(s.starts) {
				panic("not the context of its StepStart")
			}
		},
		PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
			if ctx.Value(inHook{}) != len(s.starts) {
				panic("not the context of its StepStart")
			}
			return ctx
		},
		Carry: func(ctx context.Context) string {
			s.carried++
			if ctx.Value(inHook{}) != 1 {
				panic("not the context of the first StepStart")
			}
			return "a-trace"
		},
	})
}

func TestStepTrace(t *testing.T) {
	bubble(t, "has every field, and carries along what the first Step's hook has returned", func(t *testing.T) {
		var s steps
		start := time.Now()
		ended := poller.Reply{Job: job("failed"), ServerTime: time.Date(2026, 1, 2, 3, 4, 12, 0, time.UTC)}
		ended.Job.EndTime = "2026-01-02 03:04:05"
		got := step(t.Context(), t, responses(job("running"), httpError(503), ended), status.Job{}, append(every(time.Minute), s.trace()))
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		first := waiter.StepStart{JobID: id, Started: start}
		later := waiter.StepStart{JobID: id, JobType: "bind_ldap", Carried: "a-trace", Started: start.Round(0)}
		require.Len(t, s.starts, 3)
		require.True(t, first.Started.Equal(s.starts[0].Started))
		s.starts[0].Started = first.Started
		require.Equal(t, first, s.starts[0])
		for _, e := range s.starts[1:] {
			require.True(t, later.Started.Equal(e.Started))
			e.Started = later.Started
			require.Equal(t, later, e)
		}
		require.Len(t, s.ends, 3)
		require.Equal(t, waiter.StepEnd{WaitEnd: waiter.WaitEnd{Job: job("running"), Polls: 1}}, s.ends[0])
		require.Equal(t, waiter.StepEnd{WaitEnd: waiter.WaitEnd{
			Job: job("running"), Polls: 2, Failures: map[string]int{"503": 1}, Elapsed: time.Minute,
		}}, s.ends[1])
		require.Equal(t, waiter.StepEnd{Done: true, WaitEnd: waiter.WaitEnd{
			Job: got.job, Err: got.err, Outcome: "failed", Polls: 3, Failures: map[string]int{"503": 1}, Elapsed: 2 * time.Minute, DetectionDelay: 7 * time.Second,
		}}, s.ends[2])
		require.Equal(t, 1, s.carried)
	})

	bubble(t, "knows a wait from a checkpoint in each Step", func(t *testing.T) {
		var s steps
		require.NoError(t, step(t.Context(), t, responses(job("running"), job("success")), job("waiting"), []waiter.Option{s.trace()}).err)
		require.True(t, s.starts[0].Resumed)
		require.True(t, s.starts[1].Resumed)
	})

	bubble(t, "is not called where there is no poll", func(t *testing.T) {
		var s steps
		w := newWaiter(t, responses(job("running")), append(every(time.Minute), s.trace())...)
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		require.Equal(t, "a-trace", p.Trace)
		_, err = w.Step(t.Context(), p) // before it is due
		require.NoError(t, err)
		_, err = w.Step(t.Context(), waiter.Progress{JobID: id, Job: job("success")})
		require.NoError(t, err)
		require.Len(t, s.starts, 1)
		require.Len(t, s.ends, 1)
	})

	bubble(t, "knows a Step that is cut short, which is no end of the wait", func(t *testing.T) {
		var s steps
		w := newWaiter(t, hang(errors.New("interrupted")), s.trace())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p, err := w.Step(ctx, waiter.Progress{JobID: id})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, waiter.Progress{JobID: id}, p)
		require.Len(t, s.ends, 1)
		require.False(t, s.ends[0].Done)
		require.Equal(t, "canceled", s.ends[0].Outcome)
		require.Equal(t, err, s.ends[0].Err)
	})

	bubble(t, "hears the end of a Step that panics", func(t *testing.T) {
		var s steps
		w := newWaiter(t, responses(job("success")), s.trace(), waiter.OnTransition(func(status.Transition) { panic("ouch") }))
		require.PanicsWithValue(t, "ouch", func() { _, _ = w.Step(t.Context(), waiter.Progress{JobID: id}) })
		require.Len(t, s.ends, 1)
		require.False(t, s.ends[0].Done)
		require.Equal(t, "stopped", s.ends[0].Outcome)
		require.Error(t, s.ends[0].Err)
	})
}

func TestCarry(t *testing.T) {
	bubble(t, "heeds the first trace that returns something", func(t *testing.T) {
		carry := func(s string) waiter.Option {
			return traced(waiter.Trace{Carry: func(context.Context) string { return s }})
		}
		w := newWaiter(t, responses(job("running")), traced(waiter.Trace{}), carry(""), carry("a\x00b"), carry("c"))
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		require.Equal(t, "a\ufffdb", p.Trace, "as PostgreSQL can store it")
	})
}

// A slow thing holds up whoever calls it, from the second time on.
func slow() func() {
	calls := 0
	return func() {
		if calls++; calls > 1 {
			time.Sleep(time.Hour)
		}
	}
}

func TestHeldUp(t *testing.T) {
	specify(t, "a wait whose hook blocks until it is too late is not done in time, and the log says why", func(t *testing.T, d driver) {
		core, logs := observer.New(zap.WarnLevel)
		block := slow()
		got := d.wait(withDeadline(t, time.Minute), t, responses(job("running"), job("running"), job("success")), append(every(time.Second), waiter.WithLogger(zap.New(core)),
			traced(waiter.Trace{PollStart: func(ctx context.Context, e waiter.PollStart) context.Context {
				if e.JobID == id {
					block()
				}
				return ctx
			}}))...)
		require.Equal(t, "timeout", waiter.Outcome(got.err))
		line := logs.FilterMessage("held up by a hook or by the logger").All()
		require.Len(t, line, 1)
		require.Equal(t, map[string]any{"job_id": id, "by": "PollStart", "took": time.Hour}, line[0].ContextMap())
	}, blocking, own)

	specify(t, "a poll took what the Poller took, not its hook", func(t *testing.T, d driver) {
		var took []time.Duration
		hang := fn(func(context.Context, string) (poller.Reply, error) {
			time.Sleep(3 * time.Second)
			return reply(job("success"))
		})
		got := d.wait(t.Context(), t, hang, traced(waiter.Trace{
			PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context { time.Sleep(5 * time.Second); return ctx },
			PollEnd:   func(_ context.Context, e waiter.PollEnd) { took = append(took, e.Took) },
		}))
		require.NoError(t, got.err)
		require.Equal(t, seconds(3), took)
	}, alone)

	bubble(t, "a wait whose success was seen before a hook blocks is a success", func(t *testing.T) {
		for name, trace := range map[string]waiter.Trace{
			"PollEnd": {PollEnd: func(context.Context, waiter.PollEnd) { time.Sleep(time.Hour) }},
			"WaitEnd": {WaitEnd: func(context.Context, waiter.WaitEnd) { time.Sleep(time.Hour) }},
		} {
			core, logs := observer.New(zap.WarnLevel)
			_, err := newWaiter(t, responses(job("success")), waiter.WithLogger(zap.New(core)), traced(trace)).Wait(withDeadline(t, time.Minute), id)
			require.NoError(t, err)
			require.Equal(t, 1, logs.FilterField(zap.String("by", name)).Len())
		}
	})

	bubble(t, "a wait whose logger blocks until it is too late is not done in time, and the log says why", func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		block := slow()
		w := newWaiter(t, responses(job("waiting"), job("running"), job("success")), append(every(time.Second), waiter.WithLogger(zap.New(core)),
			waiter.WithSlog(slog.New(handler{func(r slog.Record) {
				if r.Message == "transition" {
					block()
				}
			}})))...)
		_, err := w.Wait(withDeadline(t, time.Minute), id)
		require.Equal(t, "timeout", waiter.Outcome(err))
		require.Equal(t, 1, logs.FilterField(zap.String("by", "the logger")).Len())
	})
}

// A handler of log/slog calls a function for each line.
type handler struct{ call func(slog.Record) }

func (handler) Enabled(context.Context, slog.Level) bool        { return true }
func (h handler) Handle(_ context.Context, r slog.Record) error { h.call(r); return nil }
func (h handler) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h handler) WithGroup(string) slog.Handler                 { return h }

func TestPanickingTrace(t *testing.T) {
	ouch := func() { panic("ouch") }
	for what, opts := range map[string][]waiter.Option{
		"of a later WaitStart hook": {traced(waiter.Trace{WaitStart: func(context.Context, waiter.WaitStart) context.Context { ouch(); return nil }})},
		"of a log handler at the end": {waiter.WithSlog(slog.New(handler{func(r slog.Record) {
			if r.Message == "wait ended" {
				ouch()
			}
		}}))},
		"of a log handler before": {waiter.WithSlog(slog.New(handler{func(r slog.Record) {
			if r.Message == "transition" {
				ouch()
			}
		}}))},
	} {
		bubble(t, what+" reaches the caller, and the end hooks hear of it", func(t *testing.T) {
			var ends []string
			note := traced(waiter.Trace{
				WaitStart: func(ctx context.Context, _ waiter.WaitStart) context.Context {
					return context.WithValue(ctx, inHook{}, "here")
				},
				WaitEnd: func(ctx context.Context, e waiter.WaitEnd) {
					require.Equal(t, "here", ctx.Value(inHook{}))
					require.Error(t, e.Err)
					ends = append(ends, e.Outcome)
				},
			})
			w := newWaiter(t, responses(job("success")), append([]waiter.Option{note}, opts...)...)
			require.PanicsWithValue(t, "ouch", func() { _, _ = w.Wait(t.Context(), id) })
			require.Equal(t, []string{"stopped"}, ends)
		})
	}

	bubble(t, "of one end hook reaches the caller, and the others are called", func(t *testing.T) {
		var ends []string
		hook := func(name string) waiter.Option {
			return traced(waiter.Trace{
				WaitEnd: func(context.Context, waiter.WaitEnd) { ends = append(ends, name); ouch() },
				StepEnd: func(context.Context, waiter.StepEnd) { ends = append(ends, name); ouch() },
			})
		}
		w := newWaiter(t, responses(job("success"), job("success")), hook("a"), traced(waiter.Trace{}), hook("b"))
		require.PanicsWithValue(t, "ouch", func() { _, _ = w.Wait(t.Context(), id) })
		require.PanicsWithValue(t, "ouch", func() { _, _ = w.Step(t.Context(), waiter.Progress{JobID: id}) })
		require.Equal(t, []string{"a", "b", "a", "b"}, ends)
	})
}

// A poll without hooks allocates as often as it did before there were hooks of Steps.
func TestPollAllocations(t *testing.T) {
	const polls = 1000
	n := 0
	p := fn(func(context.Context, string) (poller.Reply, error) {
		if n++; n%polls == 0 {
			return poller.Reply{Job: status.Job{ID: id, Status: status.Success}}, nil
		}
		return poller.Reply{Job: status.Job{ID: id, Status: status.Running}}, nil
	})
	w, err := waiter.New(p, waiter.WithBackOff(constant(0)))
	require.NoError(t, err)
	allocations := testing.AllocsPerRun(10, func() { _, _ = w.Wait(t.Context(), id) })
	require.LessOrEqual(t, allocations/polls, 9.5) // the wait itself has some too
}
