package waiter_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// connections counts those that the transports made meanwhile have open.
type connections struct {
	mu              sync.Mutex
	made, open, top int
}

type countedConn struct {
	net.Conn
	closed func()
}

func (c countedConn) Close() error {
	c.closed()
	return c.Conn.Close()
}

func countConnections(t *testing.T) *connections {
	var c connections
	standard := http.DefaultTransport
	counting := standard.(*http.Transport).Clone()
	counting.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.made, c.open = c.made+1, c.open+1
		c.top = max(c.top, c.open)
		return countedConn{conn, sync.OnceFunc(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.open--
		})}, nil
	}
	http.DefaultTransport = counting
	t.Cleanup(func() { http.DefaultTransport = standard })
	return &c
}

func onAPort(t *testing.T, server *pollertest.Server) *poller.Client {
	t.Cleanup(server.Close)
	c, err := poller.New(server.Start(), "a-project", poller.WithCredential(credential.Token(secret)))
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestTenThousandWaitsHoldAtMost64Connections(t *testing.T) {
	connections, service := countConnections(t), pollertest.New()
	w := newWaiter(t, onAPort(t, service))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	errs := make(chan error, manyWaits)
	for range manyWaits {
		jobID := service.Add(pollertest.Script{Steps: []pollertest.Step{
			after(0, status.Job{Status: status.Running}), after(time.Second, status.Job{Status: status.Success}),
		}})
		go func() {
			_, err := w.Wait(ctx, jobID, waiter.WithPollTimeout(0))
			errs <- err
		}()
	}
	for range manyWaits {
		require.NoError(t, <-errs)
	}
	require.LessOrEqual(t, connections.top, 64)
	require.Greater(t, connections.top, 1)
}

// net/http gives a connection up if the machine is so busy that the request's own
// goroutine has not run 50 ms after the answer: so not each of three runs may.
func TestAThousandPollsUseOneConnection(t *testing.T) {
	made := 0
	for range 3 {
		if made = connectionsOfAThousandPolls(t); made == 1 {
			return
		}
	}
	require.Equal(t, 1, made)
}

func connectionsOfAThousandPolls(t *testing.T) int {
	connections, service := countConnections(t), pollertest.New()
	service.Add(script(after(0, job("running"))))
	thousand := func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 999) }
	_, err := newWaiter(t, onAPort(t, service), waiter.WithBackOff(thousand)).Wait(t.Context(), id)
	require.ErrorContains(t, err, "1000 polls")
	require.Len(t, service.Requests(), 1000)
	return connections.made
}
