package poller_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

func ExampleClient_Poll() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"job_id":"26f6b565","job_type":"bind_ldap","status":"running"}`)
	}))
	defer service.Close()

	client, err := poller.New(service.URL, "0970dd7a1300f5672ff2c003c60ae115",
		poller.WithCredential(credential.Token("MIIQtgYJKoZIhvcNAQcC...")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()

	reply, err := client.Poll(context.Background(), "26f6b565")
	fmt.Println(reply.Job.Type, reply.Job.Status, err)
	// Output: bind_ldap running <nil>
}

func ExampleClassify() {
	for _, err := range []error{
		&poller.Error{StatusCode: 503},
		&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019"},
		&poller.Error{StatusCode: 404, Code: "APIGW.0101"},
	} {
		fmt.Println(poller.Classify(err))
	}
	// Output:
	// passing
	// not found
	// permanent
}

func ExampleJobID() {
	id, err := poller.JobID(200, []byte(`{"jobId":"26f6b565"}`))
	fmt.Println(id, err)

	_, err = poller.JobID(409, []byte(`{"errCode":"SFS.TURBO.0011","errMsg":"another operation is active"}`))
	fmt.Println(err)
	// Output:
	// 26f6b565 <nil>
	// HTTP 409 Conflict: the call was refused: SFS.TURBO.0011: another operation is active; a share runs one operation at a time: wait until the other one has ended
}
