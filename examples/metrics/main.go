// Command metrics counts waits and polls with package expvar. The glue between the library and
// expvar, in metrics.go, is what to copy; any other metrics library is connected the same way. Five
// jobs run on a built-in service: one fails, and one is not done in time.
//
//	go run ./examples/metrics
package main

import (
	"context"
	"expvar"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	server := pollertest.New() // the built-in service
	err := run(context.Background(), server, server.Start(), &http.Client{}, os.Stdout)
	server.Close()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server *pollertest.Server, endpoint string, transport *http.Client, out io.Writer) error {
	client, err := poller.New(endpoint, "demo-project",
		poller.WithHTTPClient(transport), poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client, waiter.WithTrace(metrics))
	if err != nil {
		return err
	}
	server.Fail(pollertest.Rule{Skip: 5, Times: 2, Status: http.StatusServiceUnavailable})

	ctx, cancel := context.WithTimeout(ctx, 6*time.Second)
	defer cancel()
	results, _ := w.WaitAll(ctx, submit(server)) // the error joins those of the results
	for _, r := range results {
		fmt.Fprintf(out, "%s: %s\n", r.Job.ID, waiter.Outcome(r.Err))
	}

	// A program that listens has them at /debug/vars, where package expvar serves all vars.
	fmt.Fprintln(out)
	expvar.Do(func(v expvar.KeyValue) {
		if strings.HasPrefix(v.Key, "waiter_") {
			fmt.Fprintf(out, "%s %s\n", v.Key, v.Value)
		}
	})
	return nil
}

// submit starts five jobs. The last one takes longer than the program waits.
func submit(server *pollertest.Server) (ids []string) {
	success := status.Job{Status: status.Success}
	failure := status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"}
	for i, end := range []pollertest.Step{
		{After: 500 * time.Millisecond, Job: success},
		{After: 1500 * time.Millisecond, Job: success},
		{After: 2500 * time.Millisecond, Job: failure},
		{After: 3 * time.Second, Job: success},
		{After: time.Hour, Job: success},
	} {
		ids = append(ids, server.Add(pollertest.Script{ID: fmt.Sprintf("job-%d", i+1), Type: "bind_ldap", Steps: []pollertest.Step{
			{Job: status.Job{Status: status.Running}}, end,
		}}))
	}
	return ids
}
