package otelwaiter

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Jobs take seconds to hours, and their ends are seen within seconds.
var (
	lengths = []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400} // s
	delays  = []float64{0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 900, 3600}                       // s
)

type instruments struct {
	active    metric.Int64UpDownCounter
	duration  metric.Float64Histogram
	queue     metric.Float64Histogram
	run       metric.Float64Histogram
	detection metric.Float64Histogram
	sent      metric.Int64Counter
	failures  metric.Int64Counter
	verdicts  map[string][]metric.AddOption
}

func newInstruments(m metric.Meter) instruments {
	var i instruments
	var errs [7]error
	i.active, errs[0] = m.Int64UpDownCounter("sfsturbo.waits.active", metric.WithUnit("{wait}"),
		metric.WithDescription("Waits that have begun in this process and have not ended, except those of Step."))
	i.duration, errs[1] = histogram(m, "sfsturbo.wait.duration", lengths, "How long waits took that have ended.")
	i.queue, errs[2] = histogram(m, "sfsturbo.job.queue_time", lengths, "How long jobs were waiting, from the wait's beginning until they were seen to go on.")
	i.run, errs[3] = histogram(m, "sfsturbo.job.run_time", lengths, "From a job's begin_time to its end_time, as the service has them.")
	i.detection, errs[4] = histogram(m, "sfsturbo.job.detection_delay", delays, "From a job's end to the response that showed it, both by the service's clock.")
	i.sent, errs[5] = m.Int64Counter("sfsturbo.polls", metric.WithUnit("{poll}"), metric.WithDescription("Polls by what they came to."))
	i.failures, errs[6] = m.Int64Counter("sfsturbo.poll.failures", metric.WithUnit("{poll}"), metric.WithDescription("Failed polls by kind."))
	for _, err := range errs {
		if err != nil {
			otel.Handle(err)
		}
	}
	i.verdicts = map[string][]metric.AddOption{}
	words := []string{good, canceled}
	for v := poller.Passing; v <= poller.Permanent; v++ {
		words = append(words, verdictWord(v))
	}
	for _, word := range words {
		i.verdicts[word] = with(verdict.String(word))
		try(func() { i.sent.Add(context.Background(), 0, i.verdicts[word]...) }) // so that the first one is an increase
	}
	return i
}

func histogram(m metric.Meter, name string, bounds []float64, what string) (metric.Float64Histogram, error) {
	return m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), metric.WithExplicitBucketBoundaries(bounds...))
}

func with(attributes ...attribute.KeyValue) []metric.AddOption {
	return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attributes...))}
}

// typed returns the attribute of a metric for a job's type.
func typed(name string) attribute.KeyValue {
	return jobType.String(cut(cmp.Or(name, "unknown"), maxText))
}

// begin counts a wait among those of its type, leave no longer.
func (i *instruments) begin(ctx context.Context, w *wait) {
	i.active.Add(ctx, 1, with(typed(w.jobType))...)
	w.alive = true
}

func (i *instruments) leave(ctx context.Context, w *wait) {
	if w.alive {
		w.alive = false
		i.active.Add(ctx, -1, with(typed(w.jobType))...)
	}
}

// polled counts a poll.
func (i *instruments) polled(ctx context.Context, what, failure string) {
	i.sent.Add(ctx, 1, i.verdicts[what]...)
	if what == good || what == canceled {
		return
	}
	i.failures.Add(ctx, 1, with(kind.String(failure))...)
}

// learn takes in what a poll says about the wait: the job's type, and that it has left the queue.
func (i *instruments) learn(ctx context.Context, w *wait, e waiter.PollEnd) {
	if e.Kind == "" {
		w.dated = !e.Reply.ServerTime.IsZero()
	}
	if name := e.Reply.Job.Type; e.Kind == "" && name != "" && name != w.jobType {
		alive := w.alive
		i.leave(ctx, w)
		if w.jobType = name; alive {
			i.begin(ctx, w)
		}
	}
	for _, t := range e.Transitions {
		if !t.IsSubJob() && t.From == status.Waiting && !w.resumed && !w.queued {
			w.queued = true
			i.queue.Record(ctx, seconds(t.ObservedAt.Sub(w.began)), metric.WithAttributes(typed(t.Job.Type)))
		}
	}
}

// ended records the durations of a wait that has ended.
func (i *instruments) ended(ctx context.Context, w *wait, e waiter.WaitEnd) {
	of := typed(e.Job.Type)
	i.duration.Record(ctx, seconds(e.Elapsed), metric.WithAttributes(of, outcome.String(e.Outcome)))
	if e.Polls == 0 || !e.Job.Status.Terminal() { // a checkpoint showed the end
		return
	}
	begin, begun := e.Job.BeginTime.Time()
	end, ended := e.Job.EndTime.Time()
	if begun && ended {
		i.run.Record(ctx, seconds(end.Sub(begin)), metric.WithAttributes(of))
	}
	if w.knowsDelay(e) {
		i.detection.Record(ctx, seconds(e.DetectionDelay), metric.WithAttributes(of))
	}
}

// seconds is not negative: clocks may be set back.
func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }
