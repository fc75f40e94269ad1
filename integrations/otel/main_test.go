package otelwaiter_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "26f6b565-1111-2222-3333-03f0bd975433"

// bubble runs a subtest in virtual time.
func bubble(t *testing.T, behavior string, test func(t *testing.T)) {
	t.Helper()
	t.Run(behavior, func(t *testing.T) { synctest.Test(t, test) })
}

// A telemetry keeps spans and metrics in memory.
type telemetry struct {
	t       *testing.T
	spans   *tracetest.InMemoryExporter
	tracers *sdktrace.TracerProvider
	reader  *sdkmetric.ManualReader
	meters  *sdkmetric.MeterProvider
}

func newTelemetry(t *testing.T, opts ...sdktrace.TracerProviderOption) *telemetry {
	o := &telemetry{t: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	o.tracers = sdktrace.NewTracerProvider(append(opts, sdktrace.WithSyncer(o.spans))...)
	o.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(o.reader))
	return o
}

func (o *telemetry) options(opts ...otelwaiter.Option) []otelwaiter.Option {
	return append(opts, otelwaiter.WithTracerProvider(o.tracers), otelwaiter.WithMeterProvider(o.meters))
}

func (o *telemetry) trace(opts ...otelwaiter.Option) waiter.Option {
	return waiter.WithTrace(otelwaiter.New(o.options(opts...)...))
}

// call returns the context of a call that has a span, and that span.
func (o *telemetry) call() (context.Context, trace.Span) {
	return o.tracers.Tracer("test").Start(o.t.Context(), "call")
}

// named returns the ended spans of that name.
func (o *telemetry) named(name string) (list []tracetest.SpanStub) {
	for _, s := range o.spans.GetSpans() {
		if s.Name == name {
			list = append(list, s)
		}
	}
	return list
}

// only returns the one ended span of that name.
func (o *telemetry) only(name string) tracetest.SpanStub {
	o.t.Helper()
	list := o.named(name)
	require.Len(o.t, list, 1)
	return list[0]
}

// links returns the spans that s is linked to.
func links(s tracetest.SpanStub) (list []trace.SpanID) {
	for _, l := range s.Links {
		list = append(list, l.SpanContext.SpanID())
	}
	return list
}

// metrics returns what is collected now, by name.
func (o *telemetry) metrics() map[string]metricdata.Metrics {
	o.t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(o.t, o.reader.Collect(context.Background(), &data))
	all := map[string]metricdata.Metrics{}
	for _, s := range data.ScopeMetrics {
		for _, m := range s.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// values returns the points of a metric by their attributes, as "key=value,key=value": a sum, or
// the sum of a histogram.
func (o *telemetry) values(name string) map[string]float64 {
	o.t.Helper()
	values := map[string]float64{}
	switch data := o.metrics()[name].Data.(type) {
	case nil:
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			values[encoded(p.Attributes)] = float64(p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			values[encoded(p.Attributes)] = p.Value
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			values[encoded(p.Attributes)] = p.Sum
		}
	default:
		require.Fail(o.t, "unexpected data", "%T", data)
	}
	return values
}

// count returns how many values a histogram of one type of jobs has.
func (o *telemetry) count(name string) uint64 {
	o.t.Helper()
	points := o.metrics()[name].Data.(metricdata.Histogram[float64]).DataPoints
	require.Len(o.t, points, 1)
	return points[0].Count
}

func encoded(set attribute.Set) string { return set.Encoded(attribute.DefaultEncoder()) }

// attributes returns a span's or an event's as a map.
func attributes(list []attribute.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range list {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

// script is a Poller whose polls bring one step after the other, the last one again and again: a
// Job, a Reply or an error.
type script struct {
	mu    sync.Mutex
	steps []any
	took  time.Duration
}

func responses(steps ...any) *script { return &script{steps: steps} }

func (s *script) Poll(context.Context, string) (poller.Reply, error) {
	time.Sleep(s.took)
	s.mu.Lock()
	defer s.mu.Unlock()
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	switch step := step.(type) {
	case status.Job:
		return poller.Reply{Job: step}, nil
	case poller.Reply:
		return step, nil
	default:
		return poller.Reply{}, step.(error)
	}
}

func job(s status.Status, subs ...status.Job) status.Job {
	return status.Job{Type: "bind_ldap", Status: s, SubJobs: subs}
}

func sub(jobType string, s status.Status) status.Job { return status.Job{Type: jobType, Status: s} }

func newWaiter(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	t.Helper()
	every := func() backoff.BackOff { return backoff.NewConstantBackOff(10 * time.Second) }
	w, err := waiter.New(p, append([]waiter.Option{waiter.WithBackOff(every), waiter.WithFailureBackOff(every)}, opts...)...)
	require.NoError(t, err)
	return w
}
