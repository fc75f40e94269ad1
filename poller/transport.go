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
	maxConnections = 64 // open at a time, for all waits together
	maxHeaderBytes = 256 << 10
)

// newTransport returns the default transport. By net/http's own defaults it would keep
// only two idle connections to a host, and open any number.
func newTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	t.MaxConnsPerHost = maxConnections
	t.MaxIdleConnsPerHost = maxConnections
	t.MaxResponseHeaderBytes = maxHeaderBytes
	if t.HTTP2 == nil {
		// Without pings a dead connection stays in use, and each poll on it times out. These
		// detect it within one poll.
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 8 * time.Second, PingTimeout: 4 * time.Second}
	}
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = connected
	}
	return t
}

// connected names the proxy that refuses, where net/http says only "Forbidden".
func connected(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	err := fmt.Errorf("the proxy %s responded with %q: check HTTPS_PROXY and NO_PROXY", proxy.Host, resp.Status)
	if byResponse(&Error{StatusCode: resp.StatusCode}) == Permanent {
		return backoff.Permanent(err)
	}
	return err
}
