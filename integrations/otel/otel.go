package otelwaiter

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sfsturbo/waiter"
)

const scope = "github.com/sfsturbo/waiter/integrations/otel"

// Option changes where spans and metrics go, or which there are.
type Option func(*options)

type options struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	polls   bool
}

// WithTracerProvider has p make the spans; the global one unless set, or nil.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) {
		if p != nil {
			o.tracers = p
		}
	}
}

// WithMeterProvider has p make the metrics; the global one unless set, or nil.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(o *options) {
		if p != nil {
			o.meters = p
		}
	}
}

// WithPollSpans makes a span for each poll too, a child of its wait's. The spans of an HTTP client,
// such as otelhttp's, are then below it, and otherwise below the wait's.
func WithPollSpans() Option { return func(o *options) { o.polls = true } }

// New returns hooks for [waiter.WithTrace]: for any number of waits at the same time, and for a
// Tracker, which has those of its Waiter. Give one wait the same hooks once, to [waiter.New] or to
// the call: of two, one span and one waits.active would not end. What is wrong with an instrument
// goes to [otel.Handle].
func New(opts ...Option) *waiter.Trace {
	o := apply(opts)
	r := &recorder{
		tracer: o.tracers.Tracer(scope), polls: o.polls,
		instruments: newInstruments(o.meters.Meter(scope)),
	}
	t := &waiter.Trace{
		WaitStart: r.waitStart, WaitEnd: r.waitEnd, StepStart: r.stepStart, StepEnd: r.stepEnd, PollEnd: r.pollEnd, Carry: carry,
	}
	if o.polls {
		t.PollStart = r.pollStart
	}
	return t
}

func apply(opts []Option) options {
	o := options{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, option := range opts {
		option(&o)
	}
	return o
}

// A recorder has the hooks of one Trace.
type recorder struct {
	instruments
	tracer trace.Tracer
	polls  bool // have spans
}

// from returns what the start hook has put into the context; nil if it panicked.
func (r *recorder) from(ctx context.Context) *wait {
	w, _ := ctx.Value(r).(*wait)
	return w
}

func (r *recorder) waitStart(ctx context.Context, s waiter.WaitStart) (out context.Context) {
	defer guard()
	w := newWait(s.JobID, s.JobType, s.Resumed)
	out = context.WithValue(ctx, r, w)
	try(func() { r.begin(ctx, w) })
	links := []trace.SpanContext{parse(s.Carried)}
	root := s.Tracked // a span in Run's context did not begin the wait
	if !s.Tracked {
		links = append(links, origin(ctx))
		if parent := trace.SpanFromContext(ctx); hasEnded(parent) {
			root, links = true, append(links, parent.SpanContext())
		}
	}
	return r.start(out, w, "sfsturbo.wait", root, links, w.attributes())
}

func (r *recorder) waitEnd(ctx context.Context, e waiter.WaitEnd) {
	if w := r.from(ctx); w != nil {
		try(func() { r.leave(ctx, w) })
		try(func() { r.ended(ctx, w, e) })
		w.end(e)
	}
}

func (r *recorder) stepStart(ctx context.Context, s waiter.StepStart) (out context.Context) {
	defer guard()
	w := newWait(s.JobID, s.JobType, s.Resumed)
	w.began = s.Started
	out = context.WithValue(ctx, r, w)
	return r.start(out, w, "sfsturbo.step", false, []trace.SpanContext{parse(s.Carried), origin(ctx)}, w.attributes())
}

func (r *recorder) stepEnd(ctx context.Context, e waiter.StepEnd) {
	if w := r.from(ctx); w != nil {
		if e.Done {
			try(func() { r.ended(ctx, w, e.WaitEnd) })
		}
		w.end(e.WaitEnd)
	}
}

func (r *recorder) pollStart(ctx context.Context, s waiter.PollStart) (out context.Context) {
	defer guard()
	w := r.from(ctx)
	if w == nil {
		return ctx
	}
	out, w.poll = r.tracer.Start(ctx, "sfsturbo.poll", trace.WithAttributes(w.id, pollNumber.Int(s.N)))
	return out
}

func (r *recorder) pollEnd(ctx context.Context, e waiter.PollEnd) {
	what := verdictOf(ctx, e)
	try(func() { r.polled(ctx, what, e.Kind) })
	w := r.from(ctx)
	if w == nil {
		return
	}
	try(func() { r.learn(ctx, w, e) })
	try(func() { w.note(what, e) })
	if span := w.poll; span != nil {
		w.poll = nil
		try(func() { endPoll(span, what, e) })
	}
}

// start starts the span of a wait or of a Step.
func (r *recorder) start(ctx context.Context, w *wait, name string, root bool, linked []trace.SpanContext, attributes []attribute.KeyValue) context.Context {
	opts := []trace.SpanStartOption{trace.WithAttributes(attributes...)}
	if root {
		opts = append(opts, trace.WithNewRoot())
	}
	seen := map[trace.SpanID]bool{}
	for _, l := range linked {
		if l.IsValid() && !seen[l.SpanID()] {
			seen[l.SpanID()] = true
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: l}))
		}
	}
	ctx, w.span = r.tracer.Start(ctx, name, opts...)
	return ctx
}

// try keeps what one span or metric panics with from the others, and from the wait.
func try(record func()) {
	defer guard()
	record()
}

func guard() {
	if v := recover(); v != nil {
		otel.Handle(fmt.Errorf("otelwaiter: a part of the OpenTelemetry SDK panicked, and this span or metric is lost: %v", v))
	}
}
