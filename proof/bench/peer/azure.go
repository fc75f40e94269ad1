package peer

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/sfsturbo/waiter/status"
)

const azureJob = "https://example.invalid/jobs/1"

// azure polls the URL in Azure-AsyncOperation, as after a DELETE: then a success needs no further
// call for its result.
func azure(ctx context.Context, poll func() status.Job) error {
	pipeline := runtime.NewPipeline("bench", "v0", runtime.PipelineOptions{}, &policy.ClientOptions{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return respond(r, `{"status":"`+map[status.Status]string{
				status.Running: "InProgress",
				status.Success: "Succeeded",
				status.Failed:  "Failed",
			}[poll().Status]+`"}`), nil
		}),
	})
	submitted, err := http.NewRequestWithContext(ctx, http.MethodDelete, azureJob, nil)
	if err != nil {
		return err
	}
	accepted := respond(submitted, "")
	accepted.StatusCode = http.StatusAccepted
	accepted.Header.Set("Azure-AsyncOperation", azureJob)
	p, err := runtime.NewPoller[struct{}](accepted, pipeline, nil)
	if err != nil {
		return err
	}
	_, err = p.PollUntilDone(ctx, nil)
	return err
}

// roundTripper is an HTTP transport without a connection.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) Do(r *http.Request) (*http.Response, error)        { return f(r) }
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(r *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
