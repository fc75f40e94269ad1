package main

import (
	"cmp"
	"context"
	"expvar"
	"fmt"
	"math"
	"time"

	"github.com/sfsturbo/waiter"
)

// The vars of all waits. Their keys are closed sets: no id of a job or a project, and no message.
var (
	waits    = expvar.NewMap("waiter_waits") // by outcome
	polls    = expvar.NewMap("waiter_polls") // by what they failed with, or good
	duration = expvar.NewMap("waiter_wait_seconds")
	delay    = expvar.NewMap("waiter_detection_delay_seconds") // from a job's end to its sight
)

var metrics = &waiter.Trace{
	WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
		waits.Add(e.Outcome, 1)
		observe(duration, e.Elapsed)
		if _, ended := e.Job.EndTime.Time(); ended && e.Polls > 0 { // otherwise the delay is unknown
			observe(delay, e.DetectionDelay)
		}
	},
	PollEnd: func(_ context.Context, e waiter.PollEnd) { polls.Add(cmp.Or(e.Kind, "good"), 1) },
}

// observe counts d in a histogram of seconds. Its buckets are cumulative, as in Prometheus.
func observe(histogram *expvar.Map, d time.Duration) {
	for _, bound := range []float64{1, 2, 5, 15, 60, 300, 900, 3600, math.Inf(1)} {
		if d.Seconds() <= bound {
			histogram.Add(fmt.Sprintf("le_%g", bound), 1)
		}
	}
	histogram.AddFloat("sum", d.Seconds())
}
