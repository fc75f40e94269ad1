package peer

import (
	"context"
	"net/http"

	"cloud.google.com/go/longrunning"
	autogen "cloud.google.com/go/longrunning/autogen"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/api/option"

	"github.com/sfsturbo/waiter/status"
)

// google waits for an operation over REST, which needs only a round tripper.
func google(ctx context.Context, poll func() status.Job) error {
	client, err := autogen.NewOperationsRESTClient(ctx, option.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return respond(r, map[status.Status]string{
				status.Running: `{"name":"operations/1"}`,
				status.Success: `{"name":"operations/1","done":true,"response":{"@type":"type.googleapis.com/google.protobuf.Empty"}}`,
				status.Failed:  `{"name":"operations/1","done":true,"error":{"code":9,"message":"failed"}}`,
			}[poll().Status]), nil
		}),
	}))
	if err != nil {
		return err
	}
	defer client.Close()
	return longrunning.InternalNewOperation(client, &longrunningpb.Operation{Name: "operations/1"}).Wait(ctx, nil)
}
