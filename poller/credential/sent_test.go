package credential_test

import (
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

// says is a response of IAM that does not say what it is the response to.
func says(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"X-Request-Id": {"r-1"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAResponseWithoutItsRequest(t *testing.T) {
	for status, text := range map[int]string{
		201: "the response of IAM has no token", 302: "IAM at 127.0.0.1 responded with HTTP 302 Found", 400: "IAM at 127.0.0.1 responded with HTTP 400 Bad Request (request id r-1)",
		401: "IAM at 127.0.0.1 responded with HTTP 401", 494: "responded with HTTP 494 (request id r-1)", 503: "IAM at 127.0.0.1 responded with HTTP 503",
	} {
		_, c := iam(t, through(func(*http.Request) (*http.Response, error) { return says(status, ""), nil }))
		require.ErrorContains(t, failure(t, c), text)
	}
	_, c := iam(t, func(o *credential.PasswordOptions) { o.IAMEndpoint = "https://iam.example.com:8443/prefix/v3" },
		through(func(*http.Request) (*http.Response, error) { return says(500, ""), nil }))
	require.ErrorContains(t, failure(t, c), "IAM at iam.example.com:8443 responded with HTTP 500")
}

func TestAPasswordThatIAMEchoesEscaped(t *testing.T) {
	const odd = `p"w<s3cret>&w/r d`
	for name, echo := range map[string]string{
		"URL": url.PathEscape(odd), "form": url.QueryEscape(odd), "HTML": html.EscapeString(odd),
	} {
		for _, body := range []string{`{"error":{"message":"$"}}`, "<title>$</title>", `{"error":{"code":"$"}}`} {
			_, c := iam(t, func(o *credential.PasswordOptions) { o.Password = odd }, through(func(*http.Request) (*http.Response, error) {
				return says(400, strings.ReplaceAll(body, "$", echo)), nil
			}))
			e := failure(t, c)
			require.ErrorContains(t, e, "[redacted]", name)
			require.NotContains(t, e.Error(), "s3cret", name)
		}
		_, c := iam(t, func(o *credential.PasswordOptions) { o.Password = odd }, through(func(*http.Request) (*http.Response, error) {
			return nil, errors.New("malformed response " + echo)
		}))
		require.ErrorContains(t, failure(t, c), "malformed response [redacted]")
	}
}

// A transport of the user's may authorize requests to what is in front of IAM.
func TestWhatATransportAddsToALoginIsRedacted(t *testing.T) {
	for _, header := range []struct{ name, value string }{
		{"X-Api-Key", "gateway-s3cret"}, {"Authorization", "Basic dXNlcjpnYXRld2F5LXMzY3JldA=="}, {"Cookie", "session=gateway-s3cret"},
	} {
		_, c := iam(t, through(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header.Set(header.name, header.value)
			resp := says(403, `{"message":"not with gateway-s3cret"}`)
			resp.Request = r
			return resp, nil
		}))
		require.ErrorContains(t, failure(t, c), "not with [redacted]", header.name)
	}
}

func TestPasswordRefusesAProxyThatIsMisread(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxyuser:"+hunter2+"%@proxy.example.com:3128")
	o := credential.PasswordOptions{IAMEndpoint: "https://iam.example.com", User: "u", Password: "p", Domain: "d", ProjectName: "p"}
	for _, client := range []*http.Client{nil, {}, {Transport: &http.Transport{}}} {
		o.HTTPClient = client
		_, err := credential.Password(o)
		if client != nil && client.Transport != nil {
			require.NoError(t, err, "it has its own proxy, or none")
			continue
		}
		require.ErrorContains(t, err, "credential: HTTPS_PROXY is not read as the proxy that it is meant to be")
		require.NotContains(t, err.Error(), hunter2)
		e, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
		require.True(t, e.Permanent)
	}
}
