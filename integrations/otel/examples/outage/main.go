// Command outage prints the spans and the metrics of a wait during which the service is down for
// three seconds. The job runs on a built-in service, and takes nine seconds.
//
//	go run ./examples/outage # in the folder integrations/otel
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	server := pollertest.New() // the built-in service
	err := run(context.Background(), server, server.Start(), http.DefaultTransport, os.Stdout)
	server.Close()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server *pollertest.Server, endpoint string, connections http.RoundTripper, out io.Writer) error {
	// Your program has an exporter to its collector here, with sdktrace.WithBatcher.
	spans := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))

	p, err := poller.New(endpoint, "demo-project", poller.WithCredential(credential.Token("demo-token")),
		poller.WithHTTPClient(&http.Client{Transport: otelhttp.NewTransport(connections, otelhttp.WithTracerProvider(tracers))}))
	if err != nil {
		return err
	}
	defer p.CloseIdleConnections()
	everySecond := func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
	w, err := waiter.New(p, waiter.WithBackOff(everySecond), waiter.WithFailureBackOff(everySecond),
		waiter.WithTrace(otelwaiter.New(otelwaiter.WithTracerProvider(tracers), otelwaiter.WithMeterProvider(meters), otelwaiter.WithPollSpans())))
	if err != nil {
		return err
	}

	ctx, call := tracers.Tracer("demo").Start(ctx, "bind the LDAP server")
	_, err = w.Wait(ctx, submit(server))
	call.End()
	if err != nil {
		return err
	}
	printSpans(out, spans.GetSpans())
	return printMetrics(out, registry)
}

// submit starts a job on a service that will be down from its fourth to its seventh second.
func submit(server *pollertest.Server) (jobID string) {
	server.Fail(pollertest.Rule{From: 3500 * time.Millisecond, Until: 6500 * time.Millisecond, Status: http.StatusServiceUnavailable})
	return server.Add(pollertest.Script{ID: "job-1", Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Waiting}},
		{After: 2 * time.Second, Job: status.Job{Status: status.Running}},
		{After: 9 * time.Second, Job: status.Job{Status: status.Success}},
	}})
}
