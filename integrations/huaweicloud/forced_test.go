package huaweicloud_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// What differs from poller.Client because of the SDK, as the README says.

func TestAnEndpointLosesItsPath(t *testing.T) {
	server := service(t)
	id := server.Add(pollertest.Script{})
	_, err := through(t, client(t, server.Start()+"/gateway/")).Poll(t.Context(), id)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(server.Requests()[0].Path, "/v1/"))
	_, err = direct(t, server.Start()+"/gateway").Poll(t.Context(), id)
	require.ErrorContains(t, err, "APIGW.0101")
}

func TestARedirectToNoURLPasses(t *testing.T) {
	server := service(t)
	server.Fail(rule{Status: 301, Header: http.Header{"Location": {"https://exa mple.com/%zz"}}})
	_, err := through(t, client(t, server.Start())).Poll(t.Context(), jobID)
	require.ErrorContains(t, err, "failed to parse Location header")
	require.Equal(t, poller.Passing, poller.Classify(err))
	_, err = direct(t, server.Start()).Poll(t.Context(), jobID)
	require.Equal(t, poller.Permanent, poller.Classify(err))
}

func TestSeveralEndpoints(t *testing.T) {
	server := service(t)
	id := server.Add(pollertest.Script{})
	unknown := []string{"https://sfs-turbo.one.invalid", "https://sfs-turbo.two.invalid"}
	at := func(endpoints ...string) poller.Poller {
		return through(t, client(t, "", func(b *builder, c *httpConfig) {
			b.WithEndpoints(endpoints)
			c.WithHttpRoundTripper(roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Host, ".invalid") {
					return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
				}
				return http.DefaultTransport.RoundTrip(r)
			}))
		}))
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	_, err := at(unknown[0], server.Start()).Poll(t.Context(), id)
	require.NoError(t, err)

	_, err = at(unknown[0]).Poll(t.Context(), id)
	dns, ok := errors.AsType[*net.DNSError](err)
	require.True(t, ok && dns.IsNotFound)
	require.ErrorContains(t, err, "check the region in the endpoint")
	_, err = at(unknown...).Poll(t.Context(), id)
	require.ErrorContains(t, err, "two.invalid: no such host")
	_, ok = errors.AsType[*net.DNSError](err)
	require.False(t, ok, "its type is lost")
}

func TestWithAllowRedirectsTheSecurityTokenGoesAlong(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(other.Close)
	server := temporary(t)
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	server.Fail(rule{Status: 302, Header: http.Header{"Location": {elsewhere}}})
	keys := with(basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithSecurityToken(securityToken).WithProjectId(project))

	_, err := through(t, client(t, server.Start(), keys)).Poll(t.Context(), jobID)
	require.Equal(t, poller.Permanent, poller.Classify(err))
	require.Nil(t, got)
	_, _ = through(t, client(t, server.Start(), keys, func(_ *builder, c *httpConfig) { c.WithAllowRedirects(true) })).Poll(t.Context(), jobID)
	require.Equal(t, securityToken, got.Get("X-Security-Token"))
	require.Empty(t, got.Get("Authorization"), "net/http drops this one")
}

func TestTLS(t *testing.T) {
	var version string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version = r.Proto
		_, _ = io.WriteString(w, `{"status":"running"}`)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)

	_, err := through(t, client(t, server.URL)).Poll(t.Context(), jobID)
	require.Equal(t, poller.Permanent, poller.Classify(err))
	require.ErrorContains(t, err, "no response from "+server.URL+", project "+project+": tls: failed to verify certificate")
	_, err = through(t, client(t, server.URL, func(_ *builder, c *httpConfig) { c.WithIgnoreSSLVerification(true) })).Poll(t.Context(), jobID)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1", version)
}
