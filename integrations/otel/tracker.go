package otelwaiter

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter/tracker"
)

// ObserveTracker has the metrics of t's budget and jobs read from t.Stats whenever metrics are
// collected, until the returned Registration is given up. Those of several Trackers add up. The
// error is the MeterProvider's, or says that t is nil. Waits and polls of a Tracker are counted by
// its Waiter's Trace: see [New].
func ObserveTracker(t *tracker.Tracker, opts ...Option) (metric.Registration, error) {
	if t == nil {
		return nil, errors.New("otelwaiter: the Tracker is nil: did its constructor return an error?")
	}
	m := apply(opts).meters.Meter(scope)
	var list []metric.Observable
	var first error
	keep := func(instrument metric.Observable, err error) {
		if list = append(list, instrument); first == nil {
			first = err
		}
	}
	counter := func(name, what string) metric.Int64ObservableCounter {
		c, err := m.Int64ObservableCounter(name, metric.WithUnit("{poll}"), metric.WithDescription(what))
		keep(c, err)
		return c
	}
	level := func(name, unit, what string) metric.Int64ObservableUpDownCounter {
		c, err := m.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(what))
		keep(c, err)
		return c
	}
	used := counter("sfsturbo.tracker.polls", "Polls that have begun: what is used of the budget.")
	refused := counter("sfsturbo.tracker.polls_refused", "Polls that the service refused because there were too many.")
	budget, err := m.Float64ObservableUpDownCounter("sfsturbo.tracker.budget", metric.WithUnit("{poll}/s"),
		metric.WithDescription("Polls a second at most now; absent if there is no limit."))
	keep(budget, err)
	followed := level("sfsturbo.tracker.jobs", "{job}", "Jobs that are followed.")
	due := level("sfsturbo.tracker.jobs_due", "{job}", "Jobs whose poll is due but has not begun.")
	unseen := level("sfsturbo.tracker.jobs_unseen", "{job}", "Jobs that are not polled though their end was not seen.")
	inFlight := level("sfsturbo.tracker.polls_in_flight", "{poll}", "Polls in flight.")
	undelivered := level("sfsturbo.tracker.jobs_undelivered", "{job}", "Jobs with changes that are not delivered yet.")
	uncommitted := level("sfsturbo.tracker.records_uncommitted", "{record}", "Records that the journal does not have yet.")
	if first != nil {
		return nil, fmt.Errorf("otelwaiter: %w", first)
	}
	registration, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := t.Stats()
		o.ObserveInt64(used, int64(s.Polls))        //nolint:gosec // not within the age of the universe
		o.ObserveInt64(refused, int64(s.Throttled)) //nolint:gosec // see above
		o.ObserveInt64(followed, int64(s.Followed))
		o.ObserveInt64(due, int64(s.Due))
		o.ObserveInt64(unseen, int64(s.Unseen))
		o.ObserveInt64(inFlight, int64(s.InFlight))
		o.ObserveInt64(undelivered, int64(s.Undelivered+s.Delivering))
		o.ObserveInt64(uncommitted, int64(s.Uncommitted))
		if s.Rate != rate.Inf {
			o.ObserveFloat64(budget, float64(s.Rate))
		}
		return nil
	}, list...)
	if err != nil {
		return nil, fmt.Errorf("otelwaiter: %w", err)
	}
	return registration, nil
}
