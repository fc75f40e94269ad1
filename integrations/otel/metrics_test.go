package otelwaiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// lived has waits that end in several ways.
func lived(t *testing.T, o *telemetry) {
	t.Helper()
	ended := func(s status.Status, served string) poller.Reply {
		j := job(s)
		j.BeginTime, j.EndTime, j.FailReason = "2026-01-02 03:04:05", "2026-01-02 03:24:05", "planted message"
		r := poller.Reply{Job: j}
		r.ServerTime, _ = time.Parse(time.DateTime, served)
		return r
	}
	w := newWaiter(t, responses(job(status.Waiting), job(status.Waiting), &poller.Error{StatusCode: 503}, &poller.Error{StatusCode: 429},
		job(status.Running), ended(status.Success, "2026-01-02 03:24:08")), o.trace())
	_, err := w.Wait(t.Context(), id)
	require.NoError(t, err)
	_, err = newWaiter(t, responses(ended(status.Failed, "")), o.trace()).Wait(t.Context(), id, waiter.From(job(status.Waiting)))
	require.ErrorIs(t, err, waiter.ErrJobFailed)
	_, err = newWaiter(t, responses(job(status.Success)), o.trace()).Wait(t.Context(), id, waiter.From(ended(status.Success, "").Job))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = newWaiter(t, responses(errors.New("planted message")), o.trace()).Wait(ctx, id)
	require.ErrorIs(t, err, waiter.ErrUnfinished)
}

func TestMetrics(t *testing.T) {
	const of = "sfsturbo.job.type=bind_ldap"
	bubble(t, "count waits, polls and failures, and know the durations", func(t *testing.T) {
		o := newTelemetry(t)
		lived(t, o)
		require.Equal(t, map[string]float64{
			of + ",sfsturbo.outcome=success": 50, of + ",sfsturbo.outcome=failed": 0, "sfsturbo.job.type=unknown,sfsturbo.outcome=timeout": 60,
		}, o.values("sfsturbo.wait.duration"))
		require.Equal(t, map[string]float64{of: 40}, o.values("sfsturbo.job.queue_time"))
		require.Equal(t, map[string]float64{of: 2 * 20 * 60}, o.values("sfsturbo.job.run_time"))
		require.Equal(t, map[string]float64{of: 3}, o.values("sfsturbo.job.detection_delay"))
		require.EqualValues(t, 1, o.count("sfsturbo.job.detection_delay"), "the other is unknown")
		require.EqualValues(t, 1, o.count("sfsturbo.job.queue_time"), "the job of the checkpoint has waited for an unknown time")
		require.Equal(t, map[string]float64{of: 0, "sfsturbo.job.type=unknown": 0}, o.values("sfsturbo.waits.active"))
		require.Equal(t, map[string]float64{
			"sfsturbo.verdict=good": 5, "sfsturbo.verdict=passing": 8, "sfsturbo.verdict=throttled": 1, "sfsturbo.verdict=canceled": 0,
			"sfsturbo.verdict=not_found": 0, "sfsturbo.verdict=unauthorized": 0, "sfsturbo.verdict=permanent": 0,
		}, o.values("sfsturbo.polls"))
		require.Equal(t, map[string]float64{"sfsturbo.kind=503": 1, "sfsturbo.kind=429": 1, "sfsturbo.kind=other": 7}, o.values("sfsturbo.poll.failures"))
	})

	bubble(t, "know the time in the queue once, though the job goes back to it", func(t *testing.T) {
		o := newTelemetry(t)
		w := newWaiter(t, responses(job(status.Waiting), job(status.Running), job(status.Waiting), job(status.Success)), o.trace())
		_, err := w.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, map[string]float64{of: 10}, o.values("sfsturbo.job.queue_time"))
	})

	bubble(t, "count the waits that are alive, by type once it is known", func(t *testing.T) {
		o := newTelemetry(t)
		steps := responses(&poller.Error{StatusCode: 503}, job(status.Running))
		ctx, cancel := context.WithCancel(t.Context())
		var waits sync.WaitGroup
		waits.Go(func() { _, _ = newWaiter(t, steps, o.trace()).Wait(ctx, id) })
		time.Sleep(time.Second)
		require.Equal(t, map[string]float64{"sfsturbo.job.type=unknown": 1}, o.values("sfsturbo.waits.active"))
		time.Sleep(10 * time.Second)
		require.Equal(t, map[string]float64{"sfsturbo.job.type=unknown": 0, of: 1}, o.values("sfsturbo.waits.active"))
		cancel()
		waits.Wait()
		require.Equal(t, map[string]float64{"sfsturbo.job.type=unknown": 0, of: 0}, o.values("sfsturbo.waits.active"))
	})

	bubble(t, "know the type by which a wait is alive as the service has it, as of one that has ended", func(t *testing.T) {
		o := newTelemetry(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var waits sync.WaitGroup
		waits.Go(func() {
			_, _ = newWaiter(t, responses(job(status.Running)), o.trace(), waiter.WithJobType("BindLDAP")).Wait(ctx, id)
		})
		time.Sleep(time.Second)
		require.Equal(t, map[string]float64{"sfsturbo.job.type=BindLDAP": 0, of: 1}, o.values("sfsturbo.waits.active"))
		waits.Wait()
		require.Equal(t, map[string]float64{"sfsturbo.job.type=BindLDAP": 0, of: 0}, o.values("sfsturbo.waits.active"))
		require.Equal(t, map[string]float64{of + ",sfsturbo.outcome=timeout": 60}, o.values("sfsturbo.wait.duration"))
	})

	bubble(t, "know no verdict but the Poller's: what a classifier makes up is what the wait takes it for", func(t *testing.T) {
		o := newTelemetry(t)
		made := waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent + 1 })
		_, err := newWaiter(t, responses(&poller.Error{StatusCode: 400}, job(status.Success)), o.trace(), made).Wait(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, o.values("sfsturbo.polls"), 7)
		require.InDelta(t, 1, o.values("sfsturbo.polls")["sfsturbo.verdict=passing"], 0)
	})

	bubble(t, "have no id, project or message among their attributes, and only seconds as durations", func(t *testing.T) {
		o := newTelemetry(t)
		lived(t, o)
		all := o.metrics()
		data, err := json.Marshal(all)
		require.NoError(t, err)
		require.NotContains(t, string(data), id)
		require.NotContains(t, string(data), "planted")
		for name, m := range all {
			if h, ok := m.Data.(metricdata.Histogram[float64]); ok {
				require.Equal(t, "s", m.Unit, name)
				bounds := h.DataPoints[0].Bounds
				require.True(t, slices.IsSorted(bounds))
				require.LessOrEqual(t, bounds[0], 1., name)
				require.GreaterOrEqual(t, bounds[len(bounds)-1], 3600., name)
			}
			require.NotEmpty(t, m.Description, name)
		}
	})
}

func TestObserveTracker(t *testing.T) {
	bubble(t, "has the numbers of Stats", func(t *testing.T) {
		o := newTelemetry(t)
		n := 0
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			if n++; n == 2 {
				return poller.Reply{}, &poller.Error{StatusCode: 429}
			}
			return poller.Reply{Job: job(status.Running)}, nil
		})
		tr, err := tracker.New(newWaiter(t, p), tracker.WithRate(1, 1))
		require.NoError(t, err)
		registration, err := otelwaiter.ObserveTracker(tr, o.options()...)
		require.NoError(t, err)
		for _, jobID := range []string{"a", "b", "c", "d"} {
			require.NoError(t, tr.Track(status.Job{ID: jobID}))
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tr.Run(ctx) }()
		time.Sleep(1500 * time.Millisecond)
		s := tr.Stats()
		require.NotZero(t, s.Due)
		require.NotZero(t, s.Throttled)
		for name, want := range map[string]float64{
			"sfsturbo.tracker.polls": float64(s.Polls), "sfsturbo.tracker.polls_refused": float64(s.Throttled), "sfsturbo.tracker.budget": float64(s.Rate),
			"sfsturbo.tracker.jobs": 4, "sfsturbo.tracker.jobs_due": float64(s.Due), "sfsturbo.tracker.jobs_unseen": 0,
			"sfsturbo.tracker.polls_in_flight": 0, "sfsturbo.tracker.jobs_undelivered": 0, "sfsturbo.tracker.records_uncommitted": 0,
		} {
			require.Equal(t, map[string]float64{"": want}, o.values(name), name)
		}

		second, err := tracker.New(newWaiter(t, p))
		require.NoError(t, err)
		require.NoError(t, second.Track(status.Job{ID: "a"}))
		_, err = otelwaiter.ObserveTracker(second, o.options()...)
		require.NoError(t, err)
		require.Equal(t, map[string]float64{"": 5}, o.values("sfsturbo.tracker.jobs"), "those of two add up")
		require.NoError(t, registration.Unregister())
		require.Equal(t, map[string]float64{"": 1}, o.values("sfsturbo.tracker.jobs"))
		require.Empty(t, o.values("sfsturbo.tracker.budget"), "there is no limit")
		cancel()
		require.NoError(t, <-ended)
	})
}

func TestNil(t *testing.T) {
	_, err := otelwaiter.ObserveTracker(nil)
	require.EqualError(t, err, "otelwaiter: the Tracker is nil: did its constructor return an error?")
	w := newWaiter(t, responses(job(status.Success)), waiter.WithTrace(otelwaiter.New(otelwaiter.WithTracerProvider(nil), otelwaiter.WithMeterProvider(nil))))
	_, err = w.Wait(t.Context(), id)
	require.NoError(t, err, "the global providers are used")
}

// allocations returns how often a poll allocates: a good one, or one that fails so.
func allocations(t testing.TB, failure error, opts ...waiter.Option) float64 {
	const polls = 1000
	n := 0
	p := poller.Func(func(context.Context, string) (poller.Reply, error) {
		if n++; n%polls == 0 {
			return poller.Reply{Job: job(status.Success)}, nil
		}
		return poller.Reply{Job: job(status.Running)}, failure
	})
	atOnce := func() backoff.BackOff { return backoff.NewConstantBackOff(0) }
	w, err := waiter.New(p, append(opts, waiter.WithBackOff(atOnce), waiter.WithFailureBackOff(atOnce))...)
	require.NoError(t, err)
	return math.Round(testing.AllocsPerRun(10, func() { _, _ = w.Wait(context.Background(), id) }) / polls)
}

func TestAllocations(t *testing.T) {
	o := newTelemetry(t)
	metrics := waiter.WithTrace(otelwaiter.New(otelwaiter.WithMeterProvider(o.meters), otelwaiter.WithTracerProvider(tracenoop.NewTracerProvider())))
	for what, failure := range map[string]error{"good": nil, "failed": &poller.Error{StatusCode: 503}} {
		none, withMetrics, withSpan := allocations(t, failure), allocations(t, failure, metrics), allocations(t, failure, o.trace())
		t.Logf("a %s poll without: %v, with metrics: %v, with a span of the wait too: %v", what, none, withMetrics, withSpan)
		require.LessOrEqual(t, withMetrics, none+10)
		require.LessOrEqual(t, withSpan, none+10)
	}
}

// BenchmarkPoll is what a poll costs without and with telemetry.
func BenchmarkPoll(b *testing.B) {
	o := newTelemetry(nil)
	for name, opts := range map[string][]waiter.Option{
		"none":                   nil,
		"metrics":                {waiter.WithTrace(otelwaiter.New(otelwaiter.WithMeterProvider(o.meters), otelwaiter.WithTracerProvider(tracenoop.NewTracerProvider())))},
		"metrics-and-poll-spans": {o.trace(otelwaiter.WithPollSpans())},
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			p := poller.Func(func(context.Context, string) (poller.Reply, error) {
				if n++; n > b.N {
					return poller.Reply{Job: job(status.Success)}, nil
				}
				return poller.Reply{Job: job(status.Running)}, nil
			})
			w, err := waiter.New(p, append(opts, waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(0) }))...)
			require.NoError(b, err)
			b.ReportAllocs()
			_, err = w.Wait(b.Context(), id)
			require.NoError(b, err)
			o.spans.Reset()
		})
	}
}
