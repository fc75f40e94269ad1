package poller_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire/wiretest"
	"github.com/sfsturbo/waiter/poller"
)

func TestOnePollIsAtMostTwoRequestsOverHTTP2(t *testing.T) {
	endings := map[string]func(uint32) string{"the connection closes": func(uint32) string { return "" }}
	for name, code := range wiretest.ErrorCodes {
		endings["RST_STREAM "+name] = func(stream uint32) string { return wiretest.Reset(stream, code) }
		endings["GOAWAY 0 "+name] = func(uint32) string { return wiretest.Away(0, code) }
	}
	for name, ending := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.HTTP2(t, "", ending)
			c := client(t, s.URL, poller.WithHTTPClient(&http.Client{Transport: s.Transport}))
			_, err := c.Poll(within(t, 5*time.Second), jobID)
			require.ErrorContains(t, err, "no response from "+s.URL+", project project: ")
			require.Equal(t, poller.Passing, poller.Classify(err), err)
			require.NotEqual(t, "timeout", poller.Kind(err), err)
			require.LessOrEqual(t, s.Requests(), 2)
		})
	}
}

func TestACredentialThatReplacesTheRequestLiftsNoLimit(t *testing.T) {
	s := wiretest.HTTP2(t, "", func(stream uint32) string { return wiretest.Reset(stream, wiretest.ErrorCodes["PROTOCOL_ERROR"]) })
	c := client(t, s.URL, poller.WithHTTPClient(&http.Client{Transport: s.Transport}),
		poller.WithCredential(authorize(func(ctx context.Context, r *http.Request) error {
			*r = *r.Clone(ctx)
			return nil
		})))
	_, err := c.Poll(within(t, 5*time.Second), jobID)
	require.ErrorContains(t, err, "the request was sent 2 times")
	require.LessOrEqual(t, s.Requests(), 2)
}

// The default transport's settings, and what is said in full.
func TestAPollThatIsResetSaysSo(t *testing.T) {
	s := wiretest.HTTP2(t, "", func(stream uint32) string { return wiretest.Reset(stream, wiretest.ErrorCodes["PROTOCOL_ERROR"]) })
	transport := poller.NewTransport()
	transport.TLSClientConfig = s.Transport.TLSClientConfig
	c := client(t, s.URL, poller.WithHTTPClient(&http.Client{Transport: transport, Timeout: 5 * time.Second}))
	for n := range 3 {
		_, err := c.Poll(t.Context(), jobID)
		require.EqualError(t, err, "no response from "+s.URL+", project project: the request was sent 2 times without a usable response: "+
			"each time the connection was closed, or the HTTP/2 stream was refused or reset; "+
			"the server, or a proxy or firewall on the way, closed the connection: if this persists, check the endpoint and the way there")
		require.Equal(t, "network", poller.Kind(err))
		require.Equal(t, 2*(n+1), s.Requests())
	}
}

func TestOnePollIsAtMostTwoRequestsOverHTTP1(t *testing.T) {
	var stale atomic.Bool
	s := wiretest.HTTP1(t, func(nth int) string {
		if stale.Load() && nth > 1 {
			return ""
		}
		return withLength(good)
	})
	c := client(t, s.URL)
	_, err := c.Poll(t.Context(), jobID)
	require.NoError(t, err)
	stale.Store(true)
	_, err = c.Poll(t.Context(), jobID)
	require.NoError(t, err)
	require.Equal(t, 1+2, s.Requests())

	s = wiretest.HTTP1(t, func(int) string { return "" })
	_, err = client(t, s.URL).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, "no response from "+s.URL+", project project: EOF")
	require.Equal(t, "network", poller.Kind(err))
	require.Equal(t, 1, s.Requests())
}

// A renewed credential is a second attempt: stale connections do not take it away.
func TestARenewedCredentialIsSentOnItsOwnCount(t *testing.T) {
	const refused = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
	var count atomic.Int32
	s := wiretest.HTTP1(t, func(int) string {
		switch count.Add(1) {
		case 1:
			return withLength(good)
		case 2, 4: // a stale connection
			return ""
		case 3:
			return refused
		}
		return withLength(good)
	})
	tokens := &renewable{}
	c, err := poller.New(s.URL, "project", poller.WithCredential(tokens))
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	for range 2 {
		_, err = c.Poll(t.Context(), jobID)
		require.NoError(t, err)
	}
	require.Equal(t, 5, s.Requests())
	require.Len(t, tokens.rejected, 1)
}
