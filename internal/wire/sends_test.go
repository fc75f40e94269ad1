package wire_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/internal/wire/wiretest"
)

// send sends one request, limited.
func send(ctx context.Context, over http.RoundTripper, method, url string) (*http.Response, error) {
	ctx, stop := context.WithTimeout(ctx, 5*time.Second) // a storm has no end of its own
	defer stop()
	ctx, sends := wire.LimitSends(ctx, false)
	defer sends.Close()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("a password")
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: over}).Do(r)
	if err == nil {
		resp.Body.Close()
	}
	return resp, wire.SendError(ctx, err)
}

// endings are the ways in which an HTTP/2 server ends each request without a response.
func endings() map[string]func(stream uint32) string {
	all := map[string]func(uint32) string{
		"the connection closes": func(uint32) string { return "" },
		"a hint before a reset": func(s uint32) string { return wiretest.Hint(s) + wiretest.Reset(s, 1) },
	}
	for name, code := range wiretest.ErrorCodes {
		all["RST_STREAM "+name] = func(s uint32) string { return wiretest.Reset(s, code) }
		all["GOAWAY 0 "+name] = func(uint32) string { return wiretest.Away(0, code) }
	}
	return all
}

func TestLimitSendsOverHTTP2(t *testing.T) {
	for name, ending := range endings() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				s := wiretest.HTTP2(t, "", ending)
				_, err := send(t.Context(), s.Transport, method, s.URL)
				require.Error(t, err)
				require.NotErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				if name == "a hint before a reset" {
					require.LessOrEqual(t, s.Requests(), 10)
					return
				}
				require.LessOrEqual(t, s.Requests(), 2)
				require.LessOrEqual(t, s.Connections(), 3)
				if s.Requests() == 2 {
					require.ErrorContains(t, err, "the request was sent 2 times without a usable response")
				}
			})
		}
	}
}

func TestAServerThatNeverTakesARequest(t *testing.T) {
	s := wiretest.HTTP2(t, wiretest.Away(0, 0), func(s uint32) string { return wiretest.Away(0, 0) })
	_, err := send(t.Context(), s.Transport, http.MethodGet, s.URL)
	require.ErrorContains(t, err, "the request was sent 2 times without a usable response")
	require.LessOrEqual(t, s.Requests(), 2)
}

const (
	response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	busy     = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
)

// idle returns a server with n idle connections, each of which closes at its next request.
func idle(t *testing.T, n int) *wiretest.Server {
	t.Helper()
	var met sync.WaitGroup
	met.Add(n)
	var opened atomic.Int32
	s := wiretest.HTTP1(t, func(nth int) string {
		if nth > 1 {
			return ""
		}
		if opened.Add(1) <= int32(n) {
			met.Done()
			met.Wait()
		}
		return response
	})
	s.Transport.MaxIdleConnsPerHost = n
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			_, err := send(t.Context(), s.Transport, http.MethodGet, s.URL)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.Equal(t, n, s.Connections())
	return s
}

func TestLimitSendsOverHTTP1(t *testing.T) {
	t.Run("a new connection closes", func(t *testing.T) {
		s := wiretest.HTTP1(t, func(int) string { return "" })
		_, err := send(t.Context(), s.Transport, http.MethodGet, s.URL)
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 1, s.Requests())
	})
	t.Run("one idle connection was stale", func(t *testing.T) {
		s := idle(t, 1)
		_, err := send(t.Context(), s.Transport, http.MethodGet, s.URL)
		require.NoError(t, err)
		require.Equal(t, 1+2, s.Requests())
	})
	t.Run("all idle connections were stale", func(t *testing.T) {
		s := idle(t, 8)
		_, err := send(t.Context(), s.Transport, http.MethodGet, s.URL)
		require.ErrorContains(t, err, "the request was sent 2 times without a usable response")
		// The connection is closed as the third try gets it, which net/http may notice a moment late.
		require.Never(t, func() bool { return s.Requests() > 8+3 }, 50*time.Millisecond, 10*time.Millisecond)
		require.GreaterOrEqual(t, s.Requests(), 8+2)
	})
}

// repeating is a transport that repeats a request after a 503.
type repeating struct{ http.RoundTripper }

func (r repeating) RoundTrip(request *http.Request) (*http.Response, error) {
	for range 4 {
		if resp, err := r.RoundTripper.RoundTrip(request); err != nil || resp.StatusCode != 503 {
			return resp, err
		}
	}
	return r.RoundTripper.RoundTrip(request)
}

func TestATransportMayRepeatARequestAfterAResponse(t *testing.T) {
	s := wiretest.HTTP1(t, func(int) string { return busy })
	resp, err := send(t.Context(), repeating{s.Transport}, http.MethodGet, s.URL)
	require.NoError(t, err)
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, 5, s.Requests())
}

func TestLimitSendsKeepsTheCallersTrace(t *testing.T) {
	connections, bytes := 0, 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { connections++ },
		GotFirstResponseByte: func() { bytes++ },
	})
	s := wiretest.HTTP2(t, "", func(stream uint32) string { return wiretest.Reset(stream, 1) })
	_, err := send(ctx, s.Transport, http.MethodGet, s.URL)
	require.ErrorContains(t, err, "2 times")
	require.Equal(t, 3, connections)
	require.Zero(t, bytes)
}

func TestTheEndOfTheCallersContextIsNotTheLimits(t *testing.T) {
	s := wiretest.HTTP2(t, "", func(stream uint32) string { return wiretest.Reset(stream, 7) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // net/http pauses before its third try
	defer cancel()
	_, err := send(ctx, s.Transport, http.MethodGet, s.URL)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
