package poller_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

// connections counts those of a server.
type connections struct {
	mu               sync.Mutex
	open, most, made int
}

func (c *connections) watch(_ net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.made++
		c.open++
		c.most = max(c.most, c.open)
	case http.StateClosed:
		c.open--
	}
}

func (c *connections) counts() (open, most, made int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.most, c.made
}

func counted(t *testing.T, h http.HandlerFunc) (*httptest.Server, *connections) {
	t.Helper()
	s, c := httptest.NewUnstartedServer(h), &connections{}
	s.Config.ConnState = c.watch
	s.Start()
	t.Cleanup(s.Close)
	return s, c
}

func TestSequentialPollsShareOneConnection(t *testing.T) {
	n := 0
	s, conns := counted(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		switch n % 6 { // whatever the response
		case 0:
			answer(503, "<html>"+string(make([]byte, 10_000)))(w, r)
		case 1:
			answer(404, `{"errCode":"SFS.TURBO.0019"}`)(w, r)
		case 2:
			zipped(good)(w, r)
		case 3:
			answer(429, "")(w, r)
		case 4:
			w.Header().Set("Location", "https://example.com")
			answer(302, "moved")(w, r)
		default:
			io.WriteString(w, good[:9])
			http.NewResponseController(w).Flush() // in chunks
			io.WriteString(w, good[9:])
		}
	})
	c := client(t, s.URL)
	for range 1000 {
		c.Poll(t.Context(), jobID)
	}
	_, _, made := conns.counts()
	require.Equal(t, 1000, n)
	require.Equal(t, 1, made)
}

func TestConcurrentPollsShareSixtyFourConnections(t *testing.T) {
	s, conns := counted(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Millisecond)
		answer(200, good)(w, r)
	})
	c := client(t, s.URL)
	var polls sync.WaitGroup
	begin := make(chan struct{})
	for range 2000 {
		polls.Go(func() {
			<-begin
			if _, err := c.Poll(t.Context(), jobID); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	polls.Wait()
	_, most, made := conns.counts()
	// On a busy machine net/http closes one that it was slow to note the end of a
	// request on, and opens another before the server has seen that.
	require.LessOrEqual(t, most, 64+8)
	require.LessOrEqual(t, made, 64+8, "kept, not opened again")
	require.Greater(t, made, 1)
}

func TestCloseIdleConnections(t *testing.T) {
	for name, opts := range map[string][]poller.Option{
		"default": nil,
		"own":     {poller.WithHTTPClient(&http.Client{Transport: &http.Transport{}})},
	} {
		t.Run(name, func(t *testing.T) {
			s, conns := counted(t, answer(200, good))
			c := client(t, s.URL, opts...)
			_, err := c.Poll(t.Context(), jobID)
			require.NoError(t, err)
			c.CloseIdleConnections()
			require.Eventually(t, func() bool {
				open, _, _ := conns.counts()
				return open == 0
			}, 5*time.Second, time.Millisecond)
			_, err = c.Poll(t.Context(), jobID)
			require.NoError(t, err, "it can still poll")
		})
	}
}
