package poller_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

// Polls are closer together than any idle timeout. Otherwise a connection to a server that the
// endpoint's name no longer leads to would be used for as long as that server keeps failing.
func TestAConnectionThatOnlyFailsIsReplaced(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			var retired atomic.Int32
			start := func(h http.HandlerFunc) *httptest.Server {
				s := httptest.NewUnstartedServer(h)
				s.EnableHTTP2 = http2
				s.StartTLS()
				t.Cleanup(s.Close)
				return s
			}
			old := start(func(w http.ResponseWriter, _ *http.Request) { retired.Add(1); answer(503, "")(w, nil) })
			current := start(answer(200, good))
			var address atomic.Value // what the name resolves to
			address.Store(old.Listener.Addr().String())
			transport := old.Client().Transport.(*http.Transport).Clone()
			transport.TLSClientConfig.InsecureSkipVerify = true
			transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address.Load().(string))
			}
			c := client(t, old.URL, poller.WithHTTPClient(&http.Client{Transport: transport}))

			_, err := c.Poll(within(t, 10*time.Second), jobID)
			require.Error(t, err)
			address.Store(current.Listener.Addr().String())
			for range 10 {
				if _, err = c.Poll(within(t, 10*time.Second), jobID); err == nil {
					break
				}
			}
			require.NoError(t, err)
			require.LessOrEqual(t, retired.Load(), int32(4))
		})
	}
}

// A few failures are no reason to pay for another TLS handshake.
func TestAConnectionThatWorksIsKept(t *testing.T) {
	var n, connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%3 == 0 {
			answer(200, good)(w, r)
			return
		}
		answer(503, "")(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, s.URL)
	for range 60 {
		_, _ = c.Poll(within(t, 10*time.Second), jobID)
	}
	require.EqualValues(t, 60, n.Load())
	require.EqualValues(t, 1, connections.Load())
}
