package otelwaiter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// A processor of spans, and an exporter, calls functions.
type processor struct{ start, end func() }

func (p processor) OnStart(context.Context, sdktrace.ReadWriteSpan)            { p.start() }
func (p processor) OnEnd(sdktrace.ReadOnlySpan)                                { p.end() }
func (processor) Shutdown(context.Context) error                               { return nil }
func (processor) ForceFlush(context.Context) error                             { return nil }
func (p processor) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { p.end(); return nil }

// meters are a MeterProvider whose counters panic.
type meters struct{ metric.MeterProvider }

func (m meters) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	return meter{m.MeterProvider.Meter(name, opts...)}
}

type meter struct{ metric.Meter }

func (m meter) Int64UpDownCounter(string, ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	return counter{}, nil
}

// failing is a MeterProvider that makes no counters.
type failing struct{ metric.MeterProvider }

func (f failing) Meter(name string, opts ...metric.MeterOption) metric.Meter {
	return failingMeter{f.MeterProvider.Meter(name, opts...)}
}

type failingMeter struct{ metric.Meter }

func (failingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errOuch
}

type counter struct{ embedded.Int64UpDownCounter }

func (counter) Add(context.Context, int64, ...metric.AddOption) { panic(errOuch) }
func (counter) Enabled(context.Context) bool                    { return true }

var errOuch = errors.New("ouch")

// handled has the errors that OpenTelemetry's handler gets, during the test.
func handled(t *testing.T) *[]error {
	var list []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { list = append(list, err) }))
	t.Cleanup(func() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) })
	return &list
}

func TestPanickingTelemetry(t *testing.T) {
	nothing, ouch := func() {}, func() { panic(errOuch) }
	o := newTelemetry(t)
	for what, opts := range map[string][]otelwaiter.Option{
		"the start of a span": {otelwaiter.WithPollSpans(), otelwaiter.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor{ouch, nothing})))},
		"the end of a span":   {otelwaiter.WithPollSpans(), otelwaiter.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor{nothing, ouch})))},
		"an exporter":         {otelwaiter.WithPollSpans(), otelwaiter.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(processor{nothing, ouch})))},
		"a metric":            {otelwaiter.WithMeterProvider(meters{o.meters})},
	} {
		bubble(t, "in "+what+" changes no wait, and is reported", func(t *testing.T) {
			errs := handled(t)
			trace := waiter.WithTrace(otelwaiter.New(opts...))
			failed := job(status.Failed)
			failed.ErrorCode = "SFS.TURBO.0100"
			w := newWaiter(t, responses(job(status.Running), failed), trace)
			got, err := w.Wait(t.Context(), id)
			require.ErrorIs(t, err, waiter.ErrJobFailed)
			require.Equal(t, status.Failed, got.Status)
			require.NotEmpty(t, *errs)
			require.EqualError(t, (*errs)[0], "otelwaiter: a part of the OpenTelemetry SDK panicked, and this span or metric is lost: ouch")

			p := waiter.Progress{JobID: id}
			for w := newWaiter(t, responses(job(status.Running), job(status.Success)), trace); !p.Done; time.Sleep(p.Next) {
				p, err = w.Step(t.Context(), p)
				require.NoError(t, err)
			}
		})
	}
}

func TestMissingInstrument(t *testing.T) {
	bubble(t, "changes no wait, and is reported", func(t *testing.T) {
		errs, o := handled(t), newTelemetry(t)
		trace := otelwaiter.New(otelwaiter.WithTracerProvider(o.tracers), otelwaiter.WithMeterProvider(failing{o.meters}))
		require.ErrorIs(t, (*errs)[0], errOuch)
		_, err := newWaiter(t, responses(job(status.Success)), waiter.WithTrace(trace)).Wait(t.Context(), id)
		require.NoError(t, err)
		o.only("sfsturbo.wait")
	})
}

func TestPanicsLoseNoSpan(t *testing.T) {
	for what, poll := range map[string]poller.Func{
		"a metric": func(context.Context, string) (poller.Reply, error) {
			return poller.Reply{Job: job(status.Success)}, nil
		},
		"a Poller": func(context.Context, string) (poller.Reply, error) { panic(errOuch) },
	} {
		bubble(t, "if "+what+" panics, the spans of the wait and of the poll end", func(t *testing.T) {
			o := newTelemetry(t)
			_ = handled(t)
			trace := otelwaiter.New(otelwaiter.WithPollSpans(), otelwaiter.WithTracerProvider(o.tracers), otelwaiter.WithMeterProvider(meters{o.meters}))
			w := newWaiter(t, poll, waiter.WithTrace(trace))
			func() {
				defer func() { _ = recover() }()
				_, _ = w.Wait(t.Context(), id)
			}()
			require.Len(t, o.named("sfsturbo.poll"), 1)
			o.only("sfsturbo.wait")
		})
	}
}

func TestBlockingTelemetry(t *testing.T) {
	for _, pollSpans := range []bool{true, false} {
		bubble(t, "does not change a success that was seen, and is logged", func(t *testing.T) {
			hour := processor{end: func() { time.Sleep(time.Hour) }}
			opts := []otelwaiter.Option{otelwaiter.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(hour)))}
			if pollSpans {
				opts = append(opts, otelwaiter.WithPollSpans())
			}
			core, logs := observer.New(zap.WarnLevel)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := newWaiter(t, responses(job(status.Success)), waiter.WithLogger(zap.New(core)), waiter.WithTrace(otelwaiter.New(opts...))).Wait(ctx, id)
			require.NoError(t, err)
			require.Equal(t, 1, logs.FilterField(zap.String("by", "WaitEnd")).Len())
			require.Equal(t, pollSpans, logs.FilterField(zap.String("by", "PollEnd")).Len() == 1)
		})
	}
}
