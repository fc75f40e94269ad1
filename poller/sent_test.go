package poller_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// adds is a transport that authorizes requests by itself, as WithCredential says.
func adds(name, value string, forgets bool, base http.RoundTripper) poller.Option {
	return poller.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set(name, value)
		resp, err := base.RoundTrip(r)
		if resp != nil && forgets {
			resp.Request = nil
		}
		return resp, err
	})})
}

// What a user's own client adds is in no error and no job.
func TestWhatATransportAddsIsRedacted(t *testing.T) {
	const own = "0wn-s3cret+of/the<transport>&more"
	for _, header := range []struct{ name, value string }{
		{"X-Auth-Token", own}, {"Authorization", "Bearer " + own}, {"Cookie", "session=" + own}, {"X-Api-Key", own}, {"Proxy-Authorization", "Basic " + own},
	} {
		for how, echo := range map[string]string{
			"plain": own, "in a URL": url.QueryEscape(own), "in HTML": html.EscapeString(own), "in JSON": strings.NewReplacer("<", `\u003c`, "/", `\/`).Replace(own),
		} {
			for what, h := range map[string]http.HandlerFunc{
				"refusal": answer(403, `{"errCode":"X.1","errMsg":"`+echo+`"}`),
				"page":    answer(502, `<title>`+echo+`</title>`),
				"times":   answer(200, `{"status":"paused","end_time":"`+echo+`","sub_jobs":[{"begin_time":"`+echo+`"}]}`),
				"job":     answer(200, `{"status":"failed","fail_reason":"`+echo+`"}`),
			} {
				for _, forgets := range []bool{false, true} {
					served := httptest.NewServer(h)
					reply, err := client(t, served.URL, adds(header.name, header.value, forgets, http.DefaultTransport)).Poll(t.Context(), jobID)
					served.Close()
					said := fmt.Sprint(reply.Job, err)
					require.Contains(t, said, "[redacted]", "%s %s %s %v", header.name, how, what, forgets)
					require.NotContains(t, said, "0wn", "%s %s %s %v", header.name, how, what, forgets)
					require.NotContains(t, said, "transport", "%s %s %s %v", header.name, how, what, forgets)
				}
			}
		}
	}
}

func TestWhatATransportAddsIsRedactedWithoutAResponse(t *testing.T) {
	_, err := client(t, serveRaw(t, "0wn-s3cret\r\n"), adds("X-Auth-Token", "0wn-s3cret", false, http.DefaultTransport)).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, `malformed HTTP response "[redacted]"`)

	refusing := roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, backoff.Permanent(errors.New("the gateway does not know 0wn-s3cret"))
	})
	_, err = client(t, "https://example.com", poller.WithCredential(credential.Token("0wn-s3cret")), poller.WithHTTPClient(&http.Client{Transport: refusing})).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, "does not know [redacted]")
	require.Equal(t, poller.Permanent, poller.Classify(err), "as without the secret")

	// One that is not of net/http says what was sent in its response only.
	fake := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"message":"0wn-s3cret"}`))}, nil
	})
	_, err = client(t, "https://example.com", adds("X-Auth-Token", "0wn-s3cret", false, fake)).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, ": [redacted]")
}

func TestACookieOfTheJarIsRedacted(t *testing.T) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	served := httptest.NewServer(answer(500, `{"message":"session=jars3cret"}`))
	defer served.Close()
	at, err := url.Parse(served.URL)
	require.NoError(t, err)
	jar.SetCookies(at, []*http.Cookie{{Name: "session", Value: "jars3cret"}})
	_, err = client(t, served.URL, poller.WithHTTPClient(&http.Client{Jar: jar})).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, "session=[redacted]")
}

// An id that services send back is no secret: it is what their support asks for. And what is in the
// URL is in the error anyway.
func TestWhatIsNoSecretIsShown(t *testing.T) {
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "0123456789abcdef")
		answer(500, `{"message":"`+r.Host+` has no `+jobID+` of project"}`)(w, r)
	}))
	defer served.Close()
	for name, value := range map[string]string{
		"X-Request-Id": "0123456789abcdef", "X-Amzn-Requestid": "0123456789abcdef", "X-Transaction-Id": "0123456789abcdef",
		"X-Job": jobID, "X-Tenant": "project", "X-Forwarded-Host": served.Listener.Addr().String(), "X-Forwarded-For": "127.0.0.1",
	} {
		_, err := client(t, served.URL, adds(name, value, false, http.DefaultTransport)).Poll(t.Context(), jobID)
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok)
		require.Equal(t, "0123456789abcdef", e.RequestID, name)
		require.Equal(t, served.Listener.Addr().String()+" has no "+jobID+" of project", e.Message, name)
	}
	_, err := client(t, served.URL, adds("Cookie", "job="+jobID, false, http.DefaultTransport)).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, "has no [redacted] of project", "a cookie is a secret")
}
