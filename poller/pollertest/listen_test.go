package pollertest_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestListeningTwiceIsListeningOnce(t *testing.T) {
	server := pollertest.New()
	defer server.Close()
	port := server.Start()
	assert.Equal(t, port, server.Start())
	memory, client := server.Memory()
	again, sameClient := server.Memory()
	assert.Equal(t, memory, again)
	assert.Same(t, client, sameClient)

	for _, endpoint := range []string{port, memory} {
		u, err := url.Parse(endpoint)
		require.NoError(t, err)
		assert.Equal(t, "http", u.Scheme)
		assert.True(t, net.ParseIP(u.Hostname()).IsLoopback())
		assert.Empty(t, u.Path)
	}
}

func TestPortAndMemoryServeTheSameJobs(t *testing.T) {
	c := inMemory(t)
	id := c.submit("share")
	c.endpoint, c.client = c.server.Start(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	assert.Equal(t, id, c.job(id).ID)
}

func TestClose(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		id := c.server.Add(pollertest.Script{})
		c.job(id)
		c.server.Close()
		c.server.Close()
		assert.Error(t, c.poll(id).err)
		assert.Len(t, c.server.Requests(), 1)
	})
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	server := pollertest.New()
	id := server.Add(pollertest.Script{})
	endpoint, client := server.Memory()
	port := newCaller(t, server, server.Start(), &http.Client{Transport: &http.Transport{}})
	memory := newCaller(t, server, endpoint, client)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { port.poll(id); memory.poll(id) })
	}
	wg.Wait()
	server.Close()
	goleak.VerifyNone(t, before)
}

func TestCloseBeforeListening(t *testing.T) {
	server := pollertest.New()
	server.Close()
	assert.Panics(t, func() { server.Start() })
	assert.Panics(t, func() { server.Memory() })
	server.Close()
}

// The bubble ends only if Close has ended every goroutine in it.
func TestManyClientsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		id := c.server.Add(pollertest.Script{})
		c.server.Fail(rule{Delay: time.Minute})
		began := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { assert.Equal(t, 200, c.poll(id).status) })
		}
		wg.Wait()
		assert.Equal(t, 2*time.Minute, time.Since(began), "64 connections, and then the other 36")
	})
}

func TestConnectionsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.server.Fail(rule{Delay: time.Second}) // so that they overlap
		var dials atomic.Int32
		transport := c.client.Transport.(*http.Transport)
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx, network, address)
		}
		for range 10 {
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() { c.poll("job") })
			}
			wg.Wait()
			time.Sleep(time.Hour)
		}
		assert.EqualValues(t, 64, dials.Load())
	})
}

func TestAnUnreadBodyEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.server.Fail(rule{Raw: string(make([]byte, 1<<20))})
		r, err := http.NewRequestWithContext(t.Context(), "GET", c.endpoint, nil)
		require.NoError(t, err)
		resp, err := c.client.Do(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		synctest.Wait()
		c.server.Close()
		_, err = io.ReadAll(resp.Body)
		assert.Error(t, err)
	})
}

func TestTheClientReachesNothingElse(t *testing.T) {
	c := inMemory(t)
	c.endpoint = "http://sfs-turbo.nowhere.myhuaweicloud.com"
	var unknown *net.DNSError
	require.ErrorAs(t, c.poll("job").err, &unknown)
	assert.True(t, unknown.IsNotFound)
	assert.Empty(t, c.server.Requests())
}

func TestADialAfterClose(t *testing.T) {
	c := inMemory(t)
	dial := c.client.Transport.(*http.Transport).DialContext
	c.server.Close()
	_, err := dial(t.Context(), "tcp", "127.0.0.1:80")
	assert.ErrorIs(t, err, net.ErrClosed)
}
