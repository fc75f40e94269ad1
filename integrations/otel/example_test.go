package otelwaiter_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sfsturbo/waiter"
	otelwaiter "github.com/sfsturbo/waiter/integrations/otel"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// done is a service whose jobs have succeeded.
var done = poller.Func(func(context.Context, string) (poller.Reply, error) {
	return poller.Reply{Job: status.Job{Type: "bind_ldap", Status: status.Success}, RequestID: "req-1"}, nil
})

func ExampleNew() {
	spans := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)) // yours exports batches to a collector
	w, err := waiter.New(done, waiter.WithTrace(otelwaiter.New(otelwaiter.WithTracerProvider(tracers), otelwaiter.WithPollSpans())))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := w.Wait(context.Background(), "26f6b565"); err != nil {
		log.Fatal(err)
	}
	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name, len(s.Events))
	}
	// Output:
	// sfsturbo.poll 0
	// sfsturbo.wait 1
}

func ExampleObserveTracker() {
	w, err := waiter.New(done, waiter.WithTrace(otelwaiter.New())) // the waits and polls, with the global providers
	if err != nil {
		log.Fatal(err)
	}
	t, err := tracker.New(w, tracker.WithRate(50, 10))
	if err != nil {
		log.Fatal(err)
	}
	registration, err := otelwaiter.ObserveTracker(t) // the budget
	if err != nil {
		log.Fatal(err)
	}
	defer registration.Unregister() // before t is given up
	// Output:
}

// A handler that responds before the job has ended.
func ExampleDetach() {
	w, err := waiter.New(done, waiter.WithTrace(otelwaiter.New()))
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan struct{})
	handle := func(ctx context.Context, jobID string) {
		go func() {
			defer close(ended)
			job, err := w.Wait(otelwaiter.Detach(ctx), jobID)
			fmt.Println(job.Status, err)
		}()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ctx, span := otel.Tracer("demo").Start(ctx, "handle")
	handle(ctx, "26f6b565")
	span.End()
	cancel()
	<-ended
	// Output: success <nil>
}

// The span that began a wait is stored with its checkpoints.
func ExampleWithOrigin() {
	var checkpoint status.Job
	var origin string
	w, err := waiter.New(done, waiter.WithTrace(otelwaiter.New()),
		waiter.WithCheckpoints(func(ctx context.Context, c status.Job, _ status.Transition) error {
			checkpoint, origin = c, otelwaiter.Origin(ctx) // in your database
			return nil
		}))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for range 2 { // the second time in another process
		job, err := w.Wait(otelwaiter.WithOrigin(ctx, origin), "26f6b565", waiter.From(checkpoint))
		fmt.Println(job.Status, err)
	}
	// Output:
	// success <nil>
	// success <nil>
}
