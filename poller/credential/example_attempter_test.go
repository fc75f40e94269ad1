package credential_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// counted counts how often the service rejects a credential.
type counted struct {
	credential.Attempter
	rejected int // of one poll at a time; otherwise it needs a lock
}

// Attempt passes on what the service says, so that the inner credential keeps all that it
// does after a rejection: a rejected access key is not sent again.
func (c *counted) Attempt(ctx context.Context, r *http.Request) (func(credential.Feedback) (bool, error), error) {
	report, err := c.Attempter.Attempt(ctx, r)
	if err != nil {
		return nil, err
	}
	return func(f credential.Feedback) (bool, error) {
		if f.Result == credential.Rejected {
			c.rejected++
		}
		return report(f)
	}, nil
}

// A wrapper around an access key.
func ExampleAttempter() {
	server := pollertest.New(pollertest.WithAccessKey("AKEXAMPLE0000000000", "SKEXAMPLEsecretsecretsecret00000"))
	defer server.Close()
	id := server.Add(pollertest.Script{})
	endpoint, client := server.Memory()

	key, err := credential.AccessKey(credential.AccessKeyOptions{AccessKey: "AKEXAMPLE0000000000", SecretKey: "mistyped"})
	if err != nil {
		fmt.Println(err)
		return
	}
	wrapper := &counted{Attempter: credential.AsAttempter(key)}
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(wrapper))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_, err = p.Poll(context.Background(), id)
		fmt.Println(poller.Classify(err))
	}
	fmt.Println(wrapper.rejected, "rejected,", len(server.Requests()), "sent")
	// Output:
	// unauthorized
	// unauthorized
	// unauthorized
	// 1 rejected, 1 sent
}
