package otelwaiter

import (
	"cmp"
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A wait carries the span that began it along as a W3C traceparent, whatever the global propagator
// is: it is stored, and must be read by the next version of the program.
const traceparent = "traceparent"

type originKey struct{}

// Origin returns the span in ctx as a W3C traceparent, or the origin that ctx was given, "" without
// either. In the function of [waiter.WithCheckpoints], whose context is the wait's, it is what to
// store beside the checkpoint, for [WithOrigin].
func Origin(ctx context.Context) string { return carry(ctx) }

// WithOrigin has the waits that get the returned context linked to the span that Origin returned,
// perhaps in another process. What is not a traceparent changes nothing.
func WithOrigin(ctx context.Context, origin string) context.Context {
	if span := parse(origin); span.IsValid() {
		return context.WithValue(ctx, originKey{}, span)
	}
	return ctx
}

// Detach returns a context for a wait that outlives the call: without ctx's end, and with its span
// as the origin instead of the parent.
//
//	go w.Wait(otelwaiter.Detach(ctx), jobID)
func Detach(ctx context.Context) context.Context {
	span := trace.SpanContextFromContext(ctx)
	ctx = context.WithoutCancel(ctx)
	if !span.IsValid() {
		return ctx
	}
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	return context.WithValue(ctx, originKey{}, span)
}

func origin(ctx context.Context) trace.SpanContext {
	span, _ := ctx.Value(originKey{}).(trace.SpanContext)
	return span
}

func carry(ctx context.Context) (carried string) {
	defer guard()
	return cmp.Or(format(trace.SpanContextFromContext(ctx)), format(origin(ctx)))
}

func format(span trace.SpanContext) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpanContext(context.Background(), span), carrier)
	return carrier[traceparent]
}

func parse(carried string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{traceparent: carried})
	return trace.SpanContextFromContext(ctx)
}

// hasEnded reports whether a span of this process has ended. One that is not sampled never records.
func hasEnded(span trace.Span) bool {
	c := span.SpanContext()
	return c.IsValid() && c.IsSampled() && !c.IsRemote() && !span.IsRecording()
}
