package waiter_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

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
