package otelwaiter

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// The attributes. Those of metrics are jobType, outcome, verdict and kind.
const (
	jobID       = attribute.Key("sfsturbo.job.id")
	jobType     = attribute.Key("sfsturbo.job.type")
	resumed     = attribute.Key("sfsturbo.wait.resumed")
	outcome     = attribute.Key("sfsturbo.outcome")
	polls       = attribute.Key("sfsturbo.wait.polls")
	failedPolls = attribute.Key("sfsturbo.wait.failed_polls")
	delay       = attribute.Key("sfsturbo.job.detection_delay") // s
	dropped     = attribute.Key("sfsturbo.wait.dropped_events")
	subJob      = attribute.Key("sfsturbo.sub_job")
	from        = attribute.Key("sfsturbo.status.from")
	to          = attribute.Key("sfsturbo.status.to")
	pollNumber  = attribute.Key("sfsturbo.poll.number")
	verdict     = attribute.Key("sfsturbo.verdict")
	kind        = attribute.Key("sfsturbo.kind")
	requestID   = attribute.Key("sfsturbo.request.id")
)

// A span is bounded, whatever the service sends and however long the wait lasts.
const (
	maxEvents      = 100
	maxText        = 256  // bytes of an attribute
	maxDescription = 2048 // bytes
)

// A wait is what one wait, or one Step, is known by between its hooks, which run one at a time.
type wait struct {
	span    trace.Span // nil if it could not be started
	poll    trace.Span // nil without
	id      attribute.KeyValue
	jobType string
	began   time.Time
	resumed bool
	alive   bool   // counted in waits.active
	queued  bool   // the time in the queue is recorded
	dated   bool   // the last good response has the service's time
	kind    string // of the last poll; "" if it was good
	events  int
	dropped int
}

func newWait(id, jobType string, resumed bool) *wait {
	return &wait{id: jobID.String(cut(id, maxText)), jobType: jobType, began: time.Now(), resumed: resumed}
}

func (w *wait) attributes() []attribute.KeyValue {
	list := []attribute.KeyValue{w.id}
	if w.jobType != "" {
		list = append(list, jobType.String(cut(w.jobType, maxText)))
	}
	if w.resumed {
		list = append(list, resumed.Bool(true))
	}
	return list
}

// note adds what a poll brought to the span: an event for each transition, and one for each run of
// equal failures.
func (w *wait) note(what string, e waiter.PollEnd) {
	if what != canceled && e.Kind != w.kind {
		if w.kind = e.Kind; e.Kind != "" {
			w.event("sfsturbo.poll_failed", time.Now(), verdict.String(what), kind.String(e.Kind))
		}
	}
	for _, t := range e.Transitions {
		w.transition(t)
	}
}

func (w *wait) transition(t status.Transition) {
	attributes := []attribute.KeyValue{to.String(cut(string(t.To), maxText))}
	for _, a := range []struct {
		key  attribute.Key
		text string
	}{{subJob, t.SubJob}, {jobType, t.Job.Type}, {from, string(t.From)}, {semconv.ErrorTypeKey, t.Job.ErrorCode}} {
		if a.text != "" {
			attributes = append(attributes, a.key.String(cut(a.text, maxText)))
		}
	}
	w.event("sfsturbo.transition", t.ObservedAt, attributes...)
}

func (w *wait) event(name string, at time.Time, attributes ...attribute.KeyValue) {
	switch {
	case w.span == nil || !w.span.IsRecording():
	case w.events == maxEvents:
		w.dropped++
	default:
		w.events++
		w.span.AddEvent(name, trace.WithTimestamp(at), trace.WithAttributes(attributes...))
	}
}

// end ends the span of the wait, or of a Step after which the wait may go on, and the span of a
// poll in which something has panicked.
func (w *wait) end(e waiter.WaitEnd) {
	if w.poll != nil {
		try(func() { w.poll.End() })
	}
	if w.span != nil {
		try(func() { w.endWait(e) })
	}
}

func (w *wait) endWait(e waiter.WaitEnd) {
	failed := 0
	for _, n := range e.Failures {
		failed += n
	}
	attributes := []attribute.KeyValue{polls.Int(e.Polls), failedPolls.Int(failed)}
	if e.Outcome != "" {
		attributes = append(attributes, outcome.String(e.Outcome))
	}
	if e.Job.Type != "" {
		attributes = append(attributes, jobType.String(cut(e.Job.Type, maxText)))
	}
	if w.knowsDelay(e) {
		attributes = append(attributes, delay.Float64(e.DetectionDelay.Seconds()))
	}
	if w.dropped > 0 {
		attributes = append(attributes, dropped.Int(w.dropped))
	}
	if e.Err != nil && e.Outcome != canceled { // the caller's wish is no error
		attributes = append(attributes, semconv.ErrorTypeKey.String(cut(code(e), maxText)))
		w.span.SetStatus(codes.Error, cut(e.Err.Error(), maxDescription))
	}
	w.span.SetAttributes(attributes...)
	w.span.End()
}

// knowsDelay reports whether e.DetectionDelay is known, which may be 0. One that is more may be from
// a response that an earlier Run of a Tracker did not deliver.
func (w *wait) knowsDelay(e waiter.WaitEnd) bool {
	_, ended := e.Job.EndTime.Time()
	return e.DetectionDelay > 0 || ended && w.dated && e.Job.Status.Terminal()
}

// code returns the code of what ended the wait: the job's, or a sub-job's, or that of the response
// after which polling was no use; without one the outcome.
func code(e waiter.WaitEnd) string {
	var c string
	switch e.Outcome {
	case "failed", "sub_job_failed":
		if e.Job.Status == status.Failed {
			c = e.Job.ErrorCode
		}
		failed := slices.IndexFunc(e.Job.SubJobs, func(sub status.Job) bool { return sub.Status == status.Failed })
		if c == "" && failed >= 0 {
			c = e.Job.SubJobs[failed].ErrorCode
		}
	default:
		if r, ok := errors.AsType[*poller.Error](e.Err); ok && r != nil {
			c = r.Code
		}
	}
	return cmp.Or(c, e.Outcome)
}

const (
	good     = "good"
	canceled = "canceled"
)

// verdictOf returns what a poll came to: "good"; "canceled" if the wait was canceled meanwhile,
// which is nobody's failure; otherwise the Verdict as a word. One that a classifier made up is
// "passing": the wait goes on after it.
func verdictOf(ctx context.Context, e waiter.PollEnd) string {
	switch {
	case e.Kind == "":
		return good
	case errors.Is(ctx.Err(), context.Canceled):
		return canceled
	case e.Verdict < poller.Passing || e.Verdict > poller.Permanent:
		return verdictWord(poller.Passing)
	default:
		return verdictWord(e.Verdict)
	}
}

func verdictWord(v poller.Verdict) string { return strings.ReplaceAll(v.String(), " ", "_") }

func endPoll(span trace.Span, what string, e waiter.PollEnd) {
	attributes := []attribute.KeyValue{verdict.String(what)}
	id := e.Reply.RequestID
	if r, ok := errors.AsType[*poller.Error](e.Err); ok && r != nil {
		id = cmp.Or(r.RequestID, id)
		if what != canceled {
			attributes = append(attributes, semconv.ErrorTypeKey.String(cut(cmp.Or(r.Code, e.Kind), maxText)))
		}
	} else if what != good && what != canceled {
		attributes = append(attributes, semconv.ErrorTypeKey.String(e.Kind))
	}
	if id != "" {
		attributes = append(attributes, requestID.String(cut(id, maxText)))
	}
	if what != good && what != canceled {
		attributes = append(attributes, kind.String(e.Kind))
		span.SetStatus(codes.Error, e.Kind) // the error's text may be a Poller's own, and hold anything
	}
	span.SetAttributes(attributes...)
	span.End()
}

// cut returns at most limit bytes of text, as valid UTF-8.
func cut(text string, limit int) string {
	return strings.ToValidUTF8(text[:min(len(text), limit)], "")
}
