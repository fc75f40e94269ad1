package poller

import (
	"errors"
	"net/http"
	"os"
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

// checkProxy checks the environment's proxy for a URL, if that is used.
func (s settings) checkProxy(base string) error {
	if !s.environment {
		return nil
	}
	return wire.CheckProxy(os.Getenv, base)
}

// addsSecrets reports whether a transport may send secrets that are not in the request that it is
// given. One of net/http's does so only for a proxy that has a user, and in the clear.
func addsSecrets(t http.RoundTripper, base string) bool {
	if _, plain := t.(*http.Transport); !plain {
		return true
	}
	_, err := wire.CheckBase("endpoint", base, base, false)
	return errors.Is(err, wire.ErrPlainHTTP)
}
