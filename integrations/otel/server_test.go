package otelwaiter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// busy has waits and a tracker, until the test ends: good ones, failures of each kind that the
// panels are about, and a rejected credential.
func busy(t *testing.T, o *telemetry) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	soon := func() backoff.BackOff { return backoff.NewConstantBackOff(50 * time.Millisecond) }
	every := []waiter.Option{waiter.WithBackOff(soon), waiter.WithFailureBackOff(soon), o.trace()}
	wait := func() {
		now := time.Now().UTC()
		ended := job(status.Success)
		ended.BeginTime, ended.EndTime = status.Timestamp(now.Add(-time.Minute).Format(time.DateTime)), status.Timestamp(now.Format(time.DateTime))
		for _, p := range []*script{
			responses(job(status.Waiting), &poller.Error{StatusCode: 503}, &poller.Error{StatusCode: 429}, job(status.Running), poller.Reply{Job: ended, ServerTime: now.Add(time.Second)}),
			responses(&credential.Error{Rejected: true}),
		} {
			_, _ = newWaiter(t, p, every...).Wait(ctx, id)
		}
	}
	tr, err := tracker.New(newWaiter(t, responses(&poller.Error{StatusCode: 429}, job(status.Running)), every...), tracker.WithRate(50, 10))
	require.NoError(t, err)
	_, err = otelwaiter.ObserveTracker(tr, o.options()...)
	require.NoError(t, err)
	require.NoError(t, tr.Track(status.Job{ID: "a"}, status.Job{ID: "b"}))
	running.Go(func() { _ = tr.Run(ctx) })
	running.Go(func() {
		for ctx.Err() == nil {
			wait()
		}
	})
}

// A Prometheus server that scrapes a program has data for each panel of the dashboard, and fires
// the alert of a rejected credential.
func TestPrometheusServer(t *testing.T) {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("prometheus, of Debian's package, is not in the PATH; .ci/run puts it there")
	}
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	require.NoError(t, err)
	o := newTelemetry(t)
	o.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	target := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer target.Close()
	busy(t, o)

	rules, err := filepath.Abs("dashboard/sfsturbo.rules.yaml")
	require.NoError(t, err)
	folder := t.TempDir()
	config := filepath.Join(folder, "prometheus.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil,
		"global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs: [{job_name: provision, static_configs: [{targets: [%q]}]}]\n",
		rules, strings.TrimPrefix(target.URL, "http://")), 0o600))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	var log strings.Builder
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	queries := append(panels(t), query{"alert", `ALERTS{alertname="SFSTurboCredentialRejected", alertstate="firing", job="provision"}`})
	expand := strings.NewReplacer("$__rate_interval", "10s", "$job", ".*")
	last := ""
	for deadline := time.Now().Add(time.Minute); len(queries) > 0 && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if last = results(client, address, expand.Replace(queries[0].expr)); strings.Contains(last, `"value":`) && !strings.Contains(last, "NaN") {
			queries = queries[1:]
		}
	}
	if len(queries) > 0 {
		_ = cmd.Process.Kill() // the log is complete then
		_ = cmd.Wait()
		require.Fail(t, "no data", "%+v: %s\n%s", queries, last, log.String())
	}
}

// results returns Prometheus's response to an instant query, or why there is none.
func results(client *http.Client, address, expr string) string {
	response, err := client.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var body json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err.Error()
	}
	return string(body)
}
