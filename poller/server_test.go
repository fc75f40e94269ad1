package poller_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/environ/environtest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(pollThis); endpoint != "" {
		pollOnce(endpoint)
		return
	}
	environtest.Unset()
	goleak.VerifyTestMain(m)
}

const (
	jobID = "26f6b565-1111-2222-3333-03f0bd975433"
	token = "MIIQsecretsecretsecretsecretsecret"
	good  = `{"job_id":"` + jobID + `","status":"running","job_type":"bind_ldap"}`
)

// serve starts a server on the loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// client returns one that authorizes with the token.
func client(t *testing.T, endpoint string, opts ...poller.Option) *poller.Client {
	t.Helper()
	c, err := poller.New(endpoint, "project", append([]poller.Option{poller.WithCredential(credential.Token(token))}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func poll(t *testing.T, h http.HandlerFunc, opts ...poller.Option) (poller.Reply, error) {
	t.Helper()
	return client(t, serve(t, h).URL, opts...).Poll(within(t, 10*time.Second), jobID)
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// serveRaw sends these bytes to each connection's first request, and closes it.
func serveRaw(t *testing.T, response string) (endpoint string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() {
				defer conn.Close()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.WriteString(conn, response)
				}
			})
		}
	})
	t.Cleanup(handlers.Wait)
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String()
}
