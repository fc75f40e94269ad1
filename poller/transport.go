package poller

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	maxConnections = 64 // open at a time: what ten thousand waits share
	maxHeaderBytes = 256 << 10
)

// newTransport returns the default one. A transport keeps only two idle
// connections to a host unless told otherwise, and opens as many as are asked for.
func newTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.MaxConnsPerHost = maxConnections
	t.MaxIdleConnsPerHost = maxConnections
	t.MaxResponseHeaderBytes = maxHeaderBytes
	if t.HTTP2 == nil {
		// Without pings a connection that leads nowhere any more is kept, and every
		// poll on it times out. These find out within one poll.
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 8 * time.Second, PingTimeout: 4 * time.Second}
	}
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = connected
	}
	return t
}

// connected says who refuses, where net/http has only "Forbidden".
func connected(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	err := fmt.Errorf("the proxy %s answered %q: check HTTPS_PROXY and NO_PROXY", proxy.Host, resp.Status)
	if byAnswer(&Error{StatusCode: resp.StatusCode}) == Permanent {
		return backoff.Permanent(err)
	}
	return err
}
