package otelwaiter_test

import (
	"bytes"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/tracker"
)

// scraped returns what Prometheus scrapes once every metric has a value.
func scraped(t *testing.T) []byte {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	require.NoError(t, err)
	o := newTelemetry(t)
	o.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	synctest.Test(t, func(t *testing.T) { lived(t, o) })
	tr, err := tracker.New(newWaiter(t, responses(job("running"))), tracker.WithRate(50, 10))
	require.NoError(t, err)
	_, err = otelwaiter.ObserveTracker(tr, o.options()...)
	require.NoError(t, err)
	response := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).ServeHTTP(response, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, response.Code, response.Body)
	return response.Body.Bytes()
}

// found returns what the group of a pattern finds in text, sorted, each once.
func found(pattern, text string) (list []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestPrometheus(t *testing.T) {
	text := scraped(t)
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Equal(t, []string{
		"sfsturbo_job_detection_delay_seconds", "sfsturbo_job_queue_time_seconds", "sfsturbo_job_run_time_seconds",
		"sfsturbo_poll_failures_total", "sfsturbo_polls_total",
		"sfsturbo_tracker_budget_per_second", "sfsturbo_tracker_jobs", "sfsturbo_tracker_jobs_due", "sfsturbo_tracker_jobs_undelivered", "sfsturbo_tracker_jobs_unseen",
		"sfsturbo_tracker_polls_in_flight", "sfsturbo_tracker_polls_refused_total", "sfsturbo_tracker_polls_total", "sfsturbo_tracker_records_uncommitted",
		"sfsturbo_wait_duration_seconds", "sfsturbo_waits_active",
	}, found(`# TYPE (sfsturbo\w+)`, string(text)))
	require.Equal(t, []string{"sfsturbo_job_type", "sfsturbo_kind", "sfsturbo_outcome", "sfsturbo_verdict"}, found(`[{,](sfsturbo_\w+)=`, string(text)))
}
