package pollertest_test

import (
	"context"
	"fmt"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// After Close there are no responses. The requests so far can still be read.
func ExampleServer_Close() {
	server := pollertest.New()
	id := server.Add(pollertest.Script{})
	endpoint, client := server.Memory()
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, err = p.Poll(context.Background(), id)
		fmt.Println(err == nil, len(server.Requests()))
		server.Close()
	}
	// Output:
	// true 1
	// false 1
}
