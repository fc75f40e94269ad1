package poller_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

var _ poller.Poller = (*poller.Client)(nil)

// The sample of the service's page "查询job的状态详情" (2024-06-19), status 200.
const pageSample = `{
  "job_id" : "26f6b565-xxxx-XXXX-xxxx-03f0bd975433",
  "status" : "success",
  "job_type" : "bind_ldap",
  "begin_time" : "2023-07-26 09:33:58",
  "end_time" : "2023-07-26 09:33:58"
}`

func TestPollReadsThePagesSample(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-request-id", "9f3c2a")
		w.Header().Set("Date", "Wed, 26 Jul 2023 09:34:00 GMT")
		w.Header().Set("Retry-After", "7")
		answer(200, pageSample)(w, r)
	})
	reply, err := client(t, s.URL).Poll(t.Context(), "26f6b565-xxxx-XXXX-xxxx-03f0bd975433")
	require.NoError(t, err)
	require.Equal(t, poller.Reply{
		Job: status.Job{
			ID: "26f6b565-xxxx-XXXX-xxxx-03f0bd975433", Status: status.Success, Type: "bind_ldap",
			BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:33:58",
		},
		RequestID:  "9f3c2a",
		ServerTime: time.Date(2023, 7, 26, 9, 34, 0, 0, time.UTC),
		RetryAfter: 7 * time.Second,
	}, reply)
}

func TestPollSendsWhatThePageAsksFor(t *testing.T) {
	_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/project/sfs-turbo/jobs/"+jobID || r.URL.RawQuery != "" || r.ContentLength != 0 {
			t.Errorf("%s %s, %d bytes", r.Method, r.URL, r.ContentLength)
		}
		for name, want := range map[string]string{
			"X-Auth-Token": token,
			"Content-Type": "application/json",
			"Accept":       "application/json",
			"User-Agent":   "sfsturbo-waiter (+https://github.com/sfsturbo/waiter)",
		} {
			if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %q", name, got)
			}
		}
		answer(200, good)(w, r)
	})
	require.NoError(t, err)
}

// authorize is a credential.
type authorize func(context.Context, *http.Request) error

func (f authorize) Authorize(ctx context.Context, r *http.Request) error { return f(ctx, r) }

// A credential may change a request, and a transport of the user's may do it too.
func TestWhatChangesTheHeadersOfARequestChangesNoOther(t *testing.T) {
	edit := func(r *http.Request) {
		for _, values := range r.Header {
			values[0] += " of a program"
			_ = append(values, "another")
		}
	}
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			c, err := poller.New("http://127.0.0.1", "project", poller.WithHTTPClient(&http.Client{
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) { edit(r); return fake{}.RoundTrip(r) }),
			}), poller.WithCredential(authorize(func(_ context.Context, r *http.Request) error {
				assert.Equal(t, http.Header{
					"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"sfsturbo-waiter (+https://github.com/sfsturbo/waiter)"},
				}, r.Header)
				edit(r)
				return nil
			})))
			assert.NoError(t, err)
			for range 3 {
				_, err := c.Poll(t.Context(), jobID)
				assert.NoError(t, err)
			}
		})
	}
	wait.Wait()
}

func TestPollWithoutOptionalHeaders(t *testing.T) {
	reply, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		answer(200, good)(w, r)
	})
	require.NoError(t, err)
	require.Zero(t, reply.RequestID)
	require.True(t, reply.ServerTime.IsZero())
	require.Zero(t, reply.RetryAfter)
}

func TestPollWithoutCredential(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, sent := r.Header["X-Auth-Token"]; sent {
			t.Error("a token")
		}
		answer(200, good)(w, r)
	})
	c, err := poller.New(s.URL, "project")
	require.NoError(t, err)
	defer c.CloseIdleConnections()
	_, err = c.Poll(t.Context(), jobID)
	require.NoError(t, err)
}

type pointerCredential struct{}

func (*pointerCredential) Authorize(context.Context, *http.Request) error { return nil }

type funcCredential func()

func (funcCredential) Authorize(context.Context, *http.Request) error { return nil }

func TestNewNamesTheOptionThatIsNil(t *testing.T) {
	var noPointer *pointerCredential
	var noFunc funcCredential
	var noTransport *http.Transport
	for want, opt := range map[string]poller.Option{
		"option 2 of New is nil":                                     nil,
		"WithCredential was given nil":                               poller.WithCredential(nil),
		"WithCredential was given nil: give":                         poller.WithCredential(noPointer),
		"WithCredential was given nil: give it":                      poller.WithCredential(noFunc),
		"WithHTTPClient was given nil":                               poller.WithHTTPClient(nil),
		"a client whose Transport is a nil *http.Transport":          poller.WithHTTPClient(&http.Client{Transport: noTransport}),
		"WithHTTPClient was given a client whose Transport is a nil": poller.WithHTTPClient(&http.Client{Transport: noTransport}),
	} {
		c, err := poller.New("https://example.com", "p", poller.WithPlainHTTP(), opt)
		require.ErrorContains(t, err, want)
		require.Nil(t, c)
	}
	_, err := poller.New("https://example.com", "p", poller.WithCredential(&pointerCredential{}))
	require.NoError(t, err)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWithHTTPClientUsesItAndLeavesItAlone(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "node", Value: "7", Path: "/"})
		answer(200, good)(w, r)
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	trips := 0
	transport := &http.Transport{}
	counting := roundTrip(func(r *http.Request) (*http.Response, error) {
		trips++
		return transport.RoundTrip(r)
	})
	own := &http.Client{Transport: counting, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	c := client(t, s.URL, poller.WithHTTPClient(own))
	defer transport.CloseIdleConnections()
	_, err = c.Poll(t.Context(), jobID)
	require.NoError(t, err)

	require.Equal(t, 1, trips)
	at, _ := url.Parse(s.URL)
	require.Len(t, jar.Cookies(at), 1)
	require.IsType(t, counting, own.Transport)
	require.NoError(t, own.CheckRedirect(nil, nil))
}

func TestWithHTTPClientKeepsItsTimeout(t *testing.T) {
	own := &http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{}}
	ctx := within(t, 10*time.Second)
	_, err := client(t, serve(t, hang).URL, poller.WithHTTPClient(own)).Poll(ctx, jobID)
	require.NoError(t, ctx.Err(), "it was the client's own timeout")
	require.Error(t, err)
	require.Equal(t, "timeout", poller.Kind(err))
	require.Equal(t, poller.Passing, poller.Classify(err))
}

func TestWithHTTPClientWithoutTransport(t *testing.T) {
	defer http.DefaultClient.CloseIdleConnections()
	_, err := poll(t, answer(200, good), poller.WithHTTPClient(&http.Client{}))
	require.NoError(t, err)
}

func TestTheLastCredentialCounts(t *testing.T) {
	_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Auth-Token"); got != "the last" {
			t.Error(got)
		}
		answer(200, good)(w, r)
	}, poller.WithCredential(credential.Token("the last")))
	require.NoError(t, err)
}

func TestFuncIsAPoller(t *testing.T) {
	gone := &poller.Error{StatusCode: 404}
	var p poller.Poller = poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
		return poller.Reply{Job: status.Job{ID: id}, RequestID: "9f3c"}, gone
	})
	reply, err := p.Poll(t.Context(), "a")
	require.Equal(t, poller.Reply{Job: status.Job{ID: "a"}, RequestID: "9f3c"}, reply)
	require.Same(t, gone, err)
}

func TestClientsEncodeToNothing(t *testing.T) {
	//lint:ignore SA9005 that there is nothing to encode is the point
	encoded, err := json.Marshal(client(t, "https://example.com"))
	require.NoError(t, err)
	require.JSONEq(t, "{}", string(encoded))
}
