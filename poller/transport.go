package poller

import (
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
)

const maxConnections = 64 // open at a time, for all waits together

// newTransport returns the default transport. By net/http's own defaults it would keep
// only two idle connections to a host, and open any number.
func newTransport() *http.Transport {
	t := wire.NewTransport()
	t.MaxConnsPerHost = maxConnections
	t.MaxIdleConnsPerHost = maxConnections
	if t.HTTP2 == nil {
		// Without pings a dead connection stays in use, and each poll on it times out. These
		// detect it within one poll.
		t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 8 * time.Second, PingTimeout: 4 * time.Second}
	}
	return t
}
