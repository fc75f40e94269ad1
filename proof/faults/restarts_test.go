package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// patient is how long the longest of these jobs lasts: until the proxy has been reloaded eight
// times, killed, and started again.
const patient = 5 * time.Second

// TestReverseProxies runs 200 waits through each of nginx and haproxy, half of them over HTTP/2,
// while it is reloaded, killed and started again.
func TestReverseProxies(t *testing.T) {
	for _, name := range []string{"nginx", "haproxy"} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("waits", func(t *testing.T) {
				server := pollertest.New()
				t.Cleanup(server.Close)
				proxy := behind(t, name, server.Start())
				plain := waiting(t, proxy, proxy.plain)
				over := waiting(t, proxy, proxy.over)
				var all sync.WaitGroup
				for n := range waits {
					all.Go(func() { await(t, server, plain.waiter, fmt.Sprint("plain-", n), patient) })
					all.Go(func() { await(t, server, over.waiter, fmt.Sprint("over-", n), patient) })
				}
				for range 8 {
					time.Sleep(patient / 20)
					assert.NoError(t, proxy.running.Process.Signal(proxy.reload))
				}
				time.Sleep(patient / 20)
				proxy.kill()
				time.Sleep(patient / 20)
				proxy.start()
				all.Wait()

				assert.LessOrEqual(t, len(server.Requests()), 2*(plain.polls.polls+over.polls.polls))
				bounded(t, proxy, plain.polls, over.polls)
				assert.Positive(t, plain.polls.kinds["network"], "the SIGKILL was not met")
				assert.Positive(t, over.polls.kinds["network"], "the SIGKILL was not met")
			})
		})
	}
}

// bounded checks that no poll was more than two requests on average, by the proxy's log. haproxy
// leaves some requests out of its log while it reloads.
func bounded(t *testing.T, proxy *reverse, plain, over *measured) {
	t.Helper()
	requests, overHTTP2 := proxy.requests()
	t.Logf("over HTTP/1.1: %d polls, %d requests, %v", plain.polls, requests-overHTTP2, plain.said)
	t.Logf("over HTTP/2: %d polls, %d requests, %v", over.polls, overHTTP2, over.said)
	assert.Positive(t, overHTTP2)
	assert.LessOrEqual(t, requests-overHTTP2, 2*plain.polls)
	assert.LessOrEqual(t, overHTTP2, 2*over.polls)
}

// waitsOf is a waiter, and what its polls bring.
type waitsOf struct {
	waiter *waiter.Waiter
	polls  *measured
}

// waiting returns a waiter whose polls go to an endpoint of a proxy.
func waiting(t *testing.T, proxy *reverse, endpoint string) waitsOf {
	t.Helper()
	client, err := poller.New(endpoint, "a-project", poller.WithCredential(credential.Token("a-token")), poller.WithHTTPClient(proxy.client()))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	polls := newMeasured(client, 10*time.Second)
	w, err := waiter.New(polls, waiter.WithPollTimeout(10*time.Second),
		waiter.WithBackOff(schedule(firstPace, mostPace)), waiter.WithFailureBackOff(schedule(firstFailure, mostFailure)))
	require.NoError(t, err)
	return waitsOf{w, polls}
}

// Each refusal that ends a request without a response is one request over HTTP/1.1, and two over
// HTTP/2, where it is a reset.
func TestReverseProxiesThatRefuse(t *testing.T) {
	for _, name := range []string{"nginx", "haproxy"} {
		t.Run(name, func(t *testing.T) {
			proxy := behind(t, name, "http://127.0.0.1:"+free(t))
			for endpoint, most := range map[string]int{proxy.plain: 1, proxy.over: 2} {
				polls := waiting(t, proxy, endpoint+"/444").polls
				first, _ := proxy.requests()
				for range 10 {
					before, _ := proxy.requests()
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_, err := polls.Poll(ctx, "job")
					cancel()
					require.Equal(t, "network", poller.Kind(err), err)
					require.Equal(t, poller.Passing, poller.Classify(err))
					if !errors.Is(err, syscall.EPIPE) { // otherwise the connection was closing, and nothing may have arrived
						require.Eventually(t, func() bool {
							after, _ := proxy.requests()
							return after > before
						}, 10*time.Second, 10*time.Millisecond, err)
					}
					after, _ := proxy.requests()
					require.LessOrEqual(t, after-before, most, err)
				}
				last, _ := proxy.requests()
				require.Greater(t, last, first)
				t.Log(polls.said)
			}
		})
	}
}

// A limit makes waits late, and none of them wrong.
func TestReverseProxiesThatLimit(t *testing.T) {
	for _, limit := range []string{"429", "444"} {
		t.Run(limit, func(t *testing.T) {
			server := pollertest.New()
			t.Cleanup(server.Close)
			proxy := behind(t, "nginx", server.Start())
			plain := waiting(t, proxy, proxy.plain+"/limit"+limit)
			over := waiting(t, proxy, proxy.over+"/limit"+limit)
			var all sync.WaitGroup
			for n := range waits / 2 {
				all.Go(func() { await(t, server, plain.waiter, fmt.Sprint("plain-", n), longest) })
				all.Go(func() { await(t, server, over.waiter, fmt.Sprint("over-", n), longest) })
			}
			all.Wait()
			bounded(t, proxy, plain.polls, over.polls)
			kind := map[string]string{"429": "429", "444": "network"}[limit]
			assert.Positive(t, plain.polls.kinds[kind], plain.polls.kinds)
			assert.Positive(t, over.polls.kinds[kind], over.polls.kinds)
		})
	}
}
