package credential_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// leased is a token that can be renewed.
type leased struct {
	mu    sync.Mutex
	token string
}

func (l *leased) Authorize(_ context.Context, r *http.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Header.Set("X-Auth-Token", l.token)
	return nil
}

func (l *leased) Refresh(_ context.Context, rejected *http.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rejected.Header.Get("X-Auth-Token") == l.token { // otherwise another poll has renewed it
		l.token = "new-token"
	}
	return nil
}

// A poll whose credential is rejected renews it and asks once more.
func ExampleRefresher() {
	server := pollertest.New(pollertest.WithToken("new-token"))
	defer server.Close()
	id := server.Add(pollertest.Script{})
	endpoint, client := server.Memory()
	var lease credential.Refresher = &leased{token: "old-token"}
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(lease))
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := p.Poll(context.Background(), id)
	fmt.Println(reply.Job.Status, err)
	for _, r := range server.Requests() {
		fmt.Println(r.Status)
	}
	// Output:
	// success <nil>
	// 401
	// 200
}
