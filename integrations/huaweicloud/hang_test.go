package huaweicloud_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

type (
	builder    = core.HcHttpClientBuilder
	httpConfig = config.HttpConfig
)

func TestPollReturnsWhenItsContextEnds(t *testing.T) {
	for name, r := range map[string]rule{"no answer": {Break: pollertest.Hang}, "half an answer": {Break: pollertest.Hang, After: 20}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, p := inMemory(t)
				server.Add(pollertest.Script{ID: jobID})
				server.Fail(r)
				begun := time.Now()

				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				_, err := p.Poll(ctx, jobID)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, "timeout", poller.Kind(err))
				require.Equal(t, 3*time.Second, time.Since(begun))

				reason := errors.New("the user has left")
				stopped, stop := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { stop(reason) })
				_, err = p.Poll(stopped, jobID)
				require.ErrorIs(t, err, reason)
				require.Equal(t, 4*time.Second, time.Since(begun))

				for range 10 {
					_, err = p.Poll(ctx, jobID)
					require.ErrorIs(t, err, context.DeadlineExceeded, "already")
				}
				require.Len(t, server.Requests(), 2)
			})
		})
	}
}

// What hangs is bounded twice: in time by the client's Timeout, in number by 64.
func TestCallsThatOutliveTheirPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, p := inMemory(t, func(_ *builder, c *httpConfig) { c.WithTimeout(config.DefaultTimeout) })
		server.Add(pollertest.Script{ID: jobID})
		server.Fail(rule{Break: pollertest.Hang, Until: time.Minute})
		before := runtime.NumGoroutine()
		begun := time.Now()
		var polls sync.WaitGroup
		failed := make(chan error, 1000)
		for range 200 { // waits, of which each polls 5 times
			polls.Go(func() {
				for range 5 {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					_, err := p.Poll(ctx, jobID)
					cancel()
					failed <- err
				}
			})
		}
		polls.Wait()
		require.Equal(t, 10*time.Second, time.Since(begun))
		require.Len(t, server.Requests(), 64)
		require.Less(t, runtime.NumGoroutine()-before, 64*8, "with the connections' own")
		close(failed)
		full := 0
		for err := range failed {
			require.Equal(t, "timeout", poller.Kind(err))
			require.Equal(t, poller.Passing, poller.Classify(err))
			if strings.Contains(err.Error(), "64 calls of the SDK have not returned yet") {
				full++
			}
		}
		require.Equal(t, 1000-64, full)

		// The service is well again after a minute; the calls return after two.
		_, err := p.Poll(t.Context(), jobID)
		require.NoError(t, err)
		require.Equal(t, config.DefaultTimeout, time.Since(begun))
	})
}

func TestTheSDKsOwnTimeout(t *testing.T) {
	for name, r := range map[string]rule{"no answer": {Break: pollertest.Hang}, "half an answer": {Break: pollertest.Hang, After: 20}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, p := inMemory(t, func(_ *builder, c *httpConfig) { c.WithTimeout(7 * time.Second) })
				server.Add(pollertest.Script{ID: jobID})
				server.Fail(r)
				begun := time.Now()
				_, err := p.Poll(t.Context(), jobID)
				require.Equal(t, "timeout", poller.Kind(err))
				require.Equal(t, 7*time.Second, time.Since(begun))
			})
		})
	}
}

// roundTrip is a transport that a user gives to the SDK.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func over(t *testing.T, f roundTrip) poller.Poller {
	return through(t, client(t, "https://sfs-turbo.example.com", func(_ *builder, c *httpConfig) { c.WithHttpRoundTripper(f) }))
}

func TestAPanicComesOutOfPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := over(t, func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			panic("a bug of the transport")
		})
		for range 100 { // it leaves nothing behind
			func() {
				defer func() {
					text, _ := recover().(string)
					require.Contains(t, text, "huaweicloud: ShowJobDetail: a bug of the transport\n")
					require.Contains(t, text, "hang_test.go", "the stack")
				}()
				_, _ = p.Poll(t.Context(), jobID)
			}()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := p.Poll(ctx, jobID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Minute) // nothing is heard of the panic that follows; and net/http has a timer left
	})
}

func TestAGoroutineThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := over(t, func(*http.Request) (*http.Response, error) {
			runtime.Goexit()
			return nil, nil
		})
		_, err := p.Poll(t.Context(), jobID)
		require.ErrorContains(t, err, "the SDK's call ended its goroutine")
		time.Sleep(time.Minute)
	})
}

// A response that comes too late is closed, so that its connection is not lost.
func TestALateResponseIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		p := over(t, func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			return &http.Response{StatusCode: 200, Request: r, Body: closer{strings.NewReader("{}"), func() { closed = true }}}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Poll(ctx, jobID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.True(t, closed)
	})
}

type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error { c.close(); return nil }

// A body without end is read no further than poller.Client does.
func TestABodyWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		p := over(t, func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: r, Body: closer{endless{&read}, func() {}}}, nil
		})
		_, err := p.Poll(t.Context(), jobID)
		require.ErrorContains(t, err, "longer than 1 MiB")
		require.Less(t, read, 2<<20)
		time.Sleep(time.Minute)
	})
}

type endless struct{ read *int }

func (e endless) Read(p []byte) (int, error) { *e.read += len(p); return len(p), nil }
