package otelwaiter_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

func TestDetach(t *testing.T) {
	bubble(t, "makes the span of a wait that outlives the call a root, linked to the call's", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, cancel := context.WithCancel(t.Context())
		ctx, call := o.tracers.Tracer("test").Start(ctx, "call")
		w := newWaiter(t, responses(job(status.Running), job(status.Success)), o.trace())
		ended := make(chan error)
		go func(ctx context.Context) {
			_, err := w.Wait(ctx, id)
			ended <- err
		}(otelwaiter.Detach(ctx))
		cancel()
		synctest.Wait() // the wait has begun
		call.End()
		require.NoError(t, <-ended)
		s := o.only("sfsturbo.wait")
		require.False(t, s.Parent.IsValid())
		require.NotEqual(t, call.SpanContext().TraceID(), s.SpanContext.TraceID())
		require.Equal(t, []trace.SpanID{call.SpanContext().SpanID()}, links(s))
	})

	bubble(t, "without a span only leaves the call's end out", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := newWaiter(t, responses(job(status.Success)), o.trace()).Wait(otelwaiter.Detach(ctx), id)
		require.NoError(t, err)
		require.Empty(t, o.only("sfsturbo.wait").Links)
	})
}

func TestParent(t *testing.T) {
	bubble(t, "that has ended is linked", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, call := o.call()
		call.End()
		_, err := newWaiter(t, responses(job(status.Success)), o.trace()).Wait(ctx, id)
		require.NoError(t, err)
		s := o.only("sfsturbo.wait")
		require.False(t, s.Parent.IsValid())
		require.Equal(t, []trace.SpanID{call.SpanContext().SpanID()}, links(s))
	})

	bubble(t, "of another process is the parent", func(t *testing.T) {
		o := newTelemetry(t)
		_, call := o.call()
		ctx := trace.ContextWithRemoteSpanContext(t.Context(), call.SpanContext())
		_, err := newWaiter(t, responses(job(status.Success)), o.trace()).Wait(ctx, id)
		require.NoError(t, err)
		s := o.only("sfsturbo.wait")
		require.Equal(t, call.SpanContext().SpanID(), s.Parent.SpanID())
		require.Empty(t, s.Links)
	})

	bubble(t, "of each wait of WaitAll is the call", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, call := o.call()
		_, err := newWaiter(t, responses(job(status.Success)), o.trace()).WaitAll(ctx, []string{"a", "b"})
		require.NoError(t, err)
		require.Len(t, o.named("sfsturbo.wait"), 2)
		for _, s := range o.named("sfsturbo.wait") {
			require.Equal(t, call.SpanContext().SpanID(), s.Parent.SpanID())
		}
	})
}

func TestOrigin(t *testing.T) {
	bubble(t, "links a wait from a checkpoint to the span that saved it, as a child of its own call", func(t *testing.T) {
		o := newTelemetry(t)
		var checkpoint status.Job
		origin := ""
		save := waiter.WithCheckpoints(func(ctx context.Context, saved status.Job, _ status.Transition) error {
			checkpoint, origin = saved, otelwaiter.Origin(ctx)
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newWaiter(t, responses(job(status.Running)), o.trace(), save).Wait(ctx, id)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		before := o.only("sfsturbo.wait").SpanContext

		ctx, call := o.call()
		_, err = newWaiter(t, responses(job(status.Success)), o.trace()).Wait(otelwaiter.WithOrigin(ctx, origin), id, waiter.From(checkpoint))
		require.NoError(t, err)
		after := o.named("sfsturbo.wait")[1]
		require.Equal(t, call.SpanContext().SpanID(), after.Parent.SpanID())
		require.Equal(t, []trace.SpanID{before.SpanID()}, links(after))
	})

	bubble(t, "that is known twice is one link", func(t *testing.T) {
		o := newTelemetry(t)
		w := newWaiter(t, responses(job(status.Running), job(status.Success)), o.trace())
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		time.Sleep(p.Next)
		_, err = w.Step(otelwaiter.WithOrigin(t.Context(), p.Trace), p)
		require.NoError(t, err)
		require.Len(t, o.named("sfsturbo.step")[1].Links, 1)
	})

	t.Run("is a W3C traceparent, and what is none changes nothing", func(t *testing.T) {
		const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		require.Empty(t, otelwaiter.Origin(t.Context()))
		require.Equal(t, traceparent, otelwaiter.Origin(otelwaiter.WithOrigin(t.Context(), traceparent)))
		for _, none := range []string{"", "00", "00-" + id, traceparent[:54], "00-00000000000000000000000000000000-b7ad6b7169203331-01"} {
			require.Equal(t, t.Context(), otelwaiter.WithOrigin(t.Context(), none))
		}
	})
}

func TestStep(t *testing.T) {
	bubble(t, "has a span below its call, linked to that of the first Step, in another process too", func(t *testing.T) {
		o := newTelemetry(t)
		p := waiter.Progress{JobID: id}
		var calls []trace.SpanID
		w := responses(job(status.Waiting), job(status.Running), job(status.Success))
		for !p.Done {
			stored, err := json.Marshal(p)
			require.NoError(t, err)
			p = waiter.Progress{}
			require.NoError(t, json.Unmarshal(stored, &p))
			ctx, call := o.call()
			calls = append(calls, call.SpanContext().SpanID())
			p, err = newWaiter(t, w, o.trace(otelwaiter.WithPollSpans())).Step(ctx, p)
			require.NoError(t, err)
			time.Sleep(p.Next)
		}
		steps := o.named("sfsturbo.step")
		require.Len(t, steps, 3)
		first := []trace.SpanID{steps[0].SpanContext.SpanID()}
		for i, s := range steps {
			require.Equal(t, calls[i], s.Parent.SpanID())
			require.Equal(t, first[:min(i, 1)], append([]trace.SpanID{}, links(s)...))
			require.Equal(t, s.SpanContext.SpanID(), o.named("sfsturbo.poll")[i].Parent.SpanID())
			require.Len(t, s.Events, 1)
		}
		require.Equal(t, map[string]any{
			"sfsturbo.job.id": id, "sfsturbo.job.type": "bind_ldap", "sfsturbo.wait.polls": int64(1), "sfsturbo.wait.failed_polls": int64(0),
		}, attributes(steps[0].Attributes))
		require.Equal(t, map[string]any{
			"sfsturbo.job.id": id, "sfsturbo.job.type": "bind_ldap", "sfsturbo.wait.polls": int64(3), "sfsturbo.wait.failed_polls": int64(0), "sfsturbo.outcome": "success",
		}, attributes(steps[2].Attributes))
		require.Equal(t, otelwaiter.Origin(trace.ContextWithSpanContext(t.Context(), steps[0].SpanContext)), p.Trace)

		const of = "sfsturbo.job.type=bind_ldap"
		require.Equal(t, map[string]float64{of + ",sfsturbo.outcome=success": 20}, o.values("sfsturbo.wait.duration"))
		require.Equal(t, map[string]float64{of: 10}, o.values("sfsturbo.job.queue_time"))
		require.Empty(t, o.values("sfsturbo.waits.active"), "it waits in no process")
	})
}

// memory is a journal.
type memory map[string][]byte

func (m memory) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) {
		for k, data := range m {
			if !yield(tracker.Record{Key: k, Data: data}, nil) {
				return
			}
		}
	}
}

func (m memory) Commit(records []tracker.Record) error {
	for _, r := range records {
		if m[r.Key] = append([]byte(nil), r.Data...); r.Data == nil {
			delete(m, r.Key)
		}
	}
	return nil
}

func TestTracker(t *testing.T) {
	bubble(t, "has a root span for each job, linked to the call that asked for it, and after a restart too", func(t *testing.T) {
		o := newTelemetry(t)
		journal := memory{}
		ctx, call := o.call()
		start := func(steps ...any) (tr *tracker.Tracker, stop func()) {
			tr, err := tracker.New(newWaiter(t, responses(steps...), o.trace()), tracker.WithJournal(journal))
			require.NoError(t, err)
			running, cancel := context.WithCancel(t.Context())
			running, main := o.tracers.Tracer("test").Start(running, "main")
			ended := make(chan error)
			go func() { ended <- tr.Run(running) }()
			return tr, func() {
				cancel()
				require.NoError(t, <-ended)
				main.End()
			}
		}
		tr, stop := start(job(status.Running))
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		_, err := tr.Wait(waiting, "a")
		cancel()
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		call.End()
		require.NoError(t, tr.Track(status.Job{ID: "b"}))
		synctest.Wait()
		require.Equal(t, map[string]float64{"sfsturbo.job.type=bind_ldap": 2, "sfsturbo.job.type=unknown": 0}, o.values("sfsturbo.waits.active"))
		stop()
		before := map[any]trace.SpanContext{}
		for _, s := range o.named("sfsturbo.wait") {
			require.False(t, s.Parent.IsValid())
			before[attributes(s.Attributes)["sfsturbo.job.id"]] = s.SpanContext
			if attributes(s.Attributes)["sfsturbo.job.id"] == "a" {
				require.Equal(t, []trace.SpanID{call.SpanContext().SpanID()}, links(s))
			} else {
				require.Empty(t, s.Links, "Track has no context")
			}
			require.Equal(t, "canceled", attributes(s.Attributes)["sfsturbo.outcome"])
		}
		require.Len(t, before, 2)
		o.spans.Reset()

		_, stop = start(job(status.Success))
		time.Sleep(time.Minute)
		stop()
		require.Len(t, o.named("sfsturbo.wait"), 2)
		for _, s := range o.named("sfsturbo.wait") {
			require.False(t, s.Parent.IsValid())
			want := call.SpanContext()
			if attributes(s.Attributes)["sfsturbo.job.id"] == "b" {
				want = before["b"]
			}
			require.Equal(t, []trace.SpanID{want.SpanID()}, links(s))
			require.Equal(t, true, attributes(s.Attributes)["sfsturbo.wait.resumed"])
		}
		require.Equal(t, map[string]float64{"sfsturbo.job.type=bind_ldap": 0, "sfsturbo.job.type=unknown": 0}, o.values("sfsturbo.waits.active"))
	})

	bubble(t, "records how long a job ran, and how late its end was seen, once, though a Run ends before that is delivered", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := poller.Reply{Job: job(status.Success), ServerTime: time.Date(2026, 1, 2, 3, 24, 12, 0, time.UTC)}
		ended.Job.BeginTime, ended.Job.EndTime = "2026-01-02 03:04:05", "2026-01-02 03:24:05"
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			cancel()
			time.Sleep(time.Second) // the Run has ended when this arrives
			return ended, nil
		})
		tr, err := tracker.New(newWaiter(t, p, o.trace()))
		require.NoError(t, err)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		require.NoError(t, tr.Run(ctx))
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, tr.Run(ctx))
		require.EqualValues(t, 1, o.count("sfsturbo.job.run_time"))
		require.Equal(t, map[string]float64{"sfsturbo.job.type=bind_ldap": 7}, o.values("sfsturbo.job.detection_delay"))
		require.EqualValues(t, 1, o.count("sfsturbo.job.detection_delay"))
		require.NotContains(t, attributes(o.named("sfsturbo.wait")[0].Attributes), "sfsturbo.job.detection_delay")
		require.InDelta(t, 7, attributes(o.named("sfsturbo.wait")[1].Attributes)["sfsturbo.job.detection_delay"], 0)
	})
}
