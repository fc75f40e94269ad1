// Package otelwaiter shows waits in OpenTelemetry: a span for each wait with an event for each
// transition, and metrics of waits, polls and a tracker's budget.
//
//	w, err := waiter.New(client, waiter.WithTrace(otelwaiter.New()))
//
// # Parent or link
//
// The span of Wait, Watch, Run and WaitAll is a child of the span in the call's context, because
// the call returns after the wait has ended. A wait that outlives the span that began it is a root,
// and linked to that span:
//
//   - one whose context is from [Detach], or whose parent has ended already;
//   - one of a Tracker, which is linked to the span of the Tracker.Wait that began to track its
//     job, or else, after a restart, to the span of the wait before it;
//   - one that goes on from a checkpoint with [WithOrigin]: it is a child of the call's span too.
//
// A Step's span is a child of the call's, and linked to the span of the wait's first Step.
//
// # Failures
//
// What the SDK, a processor, an exporter or a reader panics with is given to [otel.Handle], and the
// wait goes on as if it were not traced. One that blocks holds up the wait: use the SDK's batching
// span processor, which drops spans instead. Metrics hold no message of a response, no header and
// no body. Spans do not either, but for one text: the description of a failed wait's span is the
// wait's error, which quotes why the job failed, or the Poller's last error.
package otelwaiter
