package poller_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

func TestRedirectsAreNeverFollowed(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("reached the other host") })
	for _, code := range []int{300, 301, 302, 303, 307, 308} {
		for location, want := range map[string]string{
			other.URL + "/login?token=x":              "a redirect to " + other.Listener.Addr().String(),
			"https://user:pw@login.example.com/a?b=c": "a redirect to login.example.com",
			"//login.example.com":                     "a redirect to login.example.com",
			"/v2/elsewhere":                           "a redirect to another path of the same host",
			"https://exa mple.com/%zz":                "a redirect to something that is not a URL",
			"":                                        "a redirect without a target",
		} {
			for name, opts := range map[string][]poller.Option{
				"default": nil,
				"own": {poller.WithHTTPClient(&http.Client{
					Transport:     &http.Transport{DisableKeepAlives: true},
					CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
				})},
			} {
				t.Run(fmt.Sprint(code, location, name), func(t *testing.T) {
					asked := 0
					_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
						asked++
						if location != "" {
							w.Header().Set("Location", location)
						}
						answer(code, good)(w, r)
					}, opts...)
					e, ok := errors.AsType[*poller.Error](err)
					require.True(t, ok, "%v", err)
					require.Equal(t, code, e.StatusCode)
					require.Equal(t, want, e.Message)
					hint := "never followed, because the token would go with it: if it leads to the service, use its target as the endpoint; if it leads to a login page, check the proxies on the way"
					if location == "" {
						hint = "this is hardly the service: check the endpoint and the proxies on the way"
					}
					require.ErrorContains(t, err, hint)
					require.NotContains(t, err.Error(), "pw")
					require.Equal(t, poller.Permanent, poller.Classify(err))
					require.Equal(t, 1, asked)
				})
			}
		}
	}
}

// These are no redirects, although their status begins with a 3.
func TestOtherStatusesOf300SayWhatTheyAre(t *testing.T) {
	for code, want := range map[int]string{
		304: "HTTP 304 Not Modified from %s, project project; a cache on the way responded, not the service, as if this client had a copy: take the endpoint out of that cache",
		305: "HTTP 305 Use Proxy from %s, project project: a redirect without a target; it wants to be asked through a proxy: set HTTPS_PROXY",
		306: "HTTP 306 from %s, project project: a redirect without a target; this is hardly the service: check the endpoint and the proxies on the way",
	} {
		s := serve(t, answer(code, ""))
		_, err := client(t, s.URL).Poll(within(t, 10*time.Second), jobID)
		require.EqualError(t, err, fmt.Sprintf(want, s.URL))
		require.Equal(t, poller.Permanent, poller.Classify(err))
	}
}

func TestRedirectsToAnotherSchemeSaySo(t *testing.T) {
	for location, want := range map[string]string{
		"http://login.example.com/a":  "a redirect to login.example.com, without TLS",
		"HTTP://login.example.com:80": "a redirect to login.example.com:80, without TLS",
		"https://login.example.com/a": "a redirect to login.example.com",
		"file:///etc/passwd":          "a redirect to a file URL",
		"file:/etc/passwd":            "a redirect to a file URL",
		"file://host/etc/passwd":      "a redirect to a file URL",
		"javascript:alert(1)":         "a redirect to a javascript URL",
		"127.0.0.1:80":                "a redirect to something that is not a URL",
		"?a=b":                        "a redirect to another path of the same host",
	} {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(302)
		}))
		defer s.Close()
		_, err := client(t, s.URL, poller.WithHTTPClient(s.Client())).Poll(within(t, 10*time.Second), jobID)
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, want, e.Message)
		require.Equal(t, poller.Permanent, poller.Classify(err))
	}
}

// The header under which the target is kept can't be sent by a server.
func TestRedirectTargetCantBeForged(t *testing.T) {
	_, err := client(t, serveRaw(t, "HTTP/1.1 302 Found\r\nlocation: https://a.example.com\r\nLOCATION: https://b.example.com\r\n\r\n")).Poll(within(t, 10*time.Second), jobID)
	require.ErrorContains(t, err, "a redirect to a.example.com")
}

// A transport may return the same header twice.
func TestHidingARedirectLeavesTheResponseAlone(t *testing.T) {
	shared := &http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://a.example.com"}}, Body: http.NoBody}
	own := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { return shared, nil })}
	for range 2 {
		_, err := client(t, "https://example.com", poller.WithHTTPClient(own)).Poll(t.Context(), jobID)
		require.ErrorContains(t, err, "a redirect to a.example.com")
	}
	require.Equal(t, http.Header{"Location": {"https://a.example.com"}}, shared.Header)
}
