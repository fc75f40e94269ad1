package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// printSpans prints spans as a tree, with their events.
func printSpans(out io.Writer, spans tracetest.SpanStubs) {
	slices.SortFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	start := spans[0].StartTime
	var below func(parent trace.SpanID, indent string)
	below = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			if s.Parent.SpanID() != parent {
				continue
			}
			failed := ""
			if s.Status.Code == codes.Error {
				failed = " ERROR " + s.Status.Description
			}
			fmt.Fprintf(out, "%5.1f s  %s%s (%.1f s)%s%s\n", s.StartTime.Sub(start).Seconds(), indent, s.Name,
				s.EndTime.Sub(s.StartTime).Seconds(), failed, ours(s.Attributes))
			for _, e := range s.Events {
				fmt.Fprintf(out, "%5.1f s  %s  * %s%s\n", since(start, e.Time), indent, e.Name, ours(e.Attributes))
			}
			below(s.SpanContext.SpanID(), indent+"  ")
		}
	}
	below(trace.SpanID{}, "")
}

func since(start, at time.Time) float64 { return at.Sub(start).Seconds() }

// ours returns the attributes, but not those of otelhttp.
func ours(list []attribute.KeyValue) string {
	var b strings.Builder
	for _, a := range list {
		if name := string(a.Key); strings.HasPrefix(name, "sfsturbo.") || name == "error.type" {
			fmt.Fprintf(&b, " %s=%s", name, a.Value.String())
		}
	}
	return b.String()
}

// printMetrics prints what Prometheus would scrape, of histograms the count and the sum.
func printMetrics(out io.Writer, registry *prometheus.Registry) error {
	families, err := registry.Gather()
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if !strings.HasPrefix(f.GetName(), "sfsturbo_") {
				continue
			}
			name := f.GetName() + labels(m)
			if h := m.GetHistogram(); h != nil {
				fmt.Fprintf(out, "%s count=%d sum=%.1f\n", name, h.GetSampleCount(), h.GetSampleSum())
				continue
			}
			fmt.Fprintf(out, "%s %v\n", name, m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return nil
}

func labels(m *dto.Metric) string {
	var list []string
	for _, l := range m.GetLabel() {
		if strings.HasPrefix(l.GetName(), "sfsturbo_") {
			list = append(list, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}
