package poller_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestEndpoint(t *testing.T) {
	for region, want := range map[string]string{
		"cn-north-4":     "https://sfs-turbo.cn-north-4.myhuaweicloud.com",
		"ap-southeast-3": "https://sfs-turbo.ap-southeast-3.myhuaweicloud.com",
		"eu-west-101":    "https://sfs-turbo.eu-west-101.myhuaweicloud.eu",
	} {
		require.Equal(t, want, poller.Endpoint(region))
		_, err := poller.New(want, "p")
		require.NoError(t, err)
	}
	_, err := poller.New(poller.Endpoint(""), "p")
	require.ErrorContains(t, err, "region")
}

func TestNewTakesPlainURLs(t *testing.T) {
	for endpoint, jobs := range map[string]string{
		"https://example.com":            "https://example.com/v1/p/sfs-turbo/jobs/",
		"https://example.com/":           "https://example.com/v1/p/sfs-turbo/jobs/",
		"HTTPS://example.com:8443//":     "https://example.com:8443/v1/p/sfs-turbo/jobs/",
		"https://example.com/a/b/":       "https://example.com/a/b/v1/p/sfs-turbo/jobs/",
		"https://example.com/a%2Fb/c%20": "https://example.com/a%2Fb/c%20/v1/p/sfs-turbo/jobs/",
		"https://[2001:db8::1]:443":      "https://[2001:db8::1]:443/v1/p/sfs-turbo/jobs/",
		"http://localhost:8080":          "http://localhost:8080/v1/p/sfs-turbo/jobs/",
		"http://LOCALHOST":               "http://LOCALHOST/v1/p/sfs-turbo/jobs/",
		"http://127.0.0.1:1":             "http://127.0.0.1:1/v1/p/sfs-turbo/jobs/",
		"http://127.8.9.10":              "http://127.8.9.10/v1/p/sfs-turbo/jobs/",
		"http://[::1]:80":                "http://[::1]:80/v1/p/sfs-turbo/jobs/",
	} {
		c, err := poller.New(endpoint, "p")
		require.NoError(t, err, endpoint)
		require.Equal(t, "poller.Client("+jobs+")", c.String(), endpoint)
	}
}

func TestNewRefusesOtherEndpointsAndSaysWhy(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                                  "is empty",
		" \n":                               "is empty",
		"sfs-turbo.example.com":             "does not begin with https://",
		"/path":                             "does not begin with https://",
		"//example.com":                     "does not begin with https://",
		"ftp://example.com":                 "does not begin with https://",
		"hunter2:secret@example.com":        "does not begin with https://",
		"hunter2@example.com":               "does not begin with https://",
		"https://hunter2:secret@e.com":      "user or a password",
		"https://hunter2@e.com":             "user or a password",
		"http://hunter2:secret@127.0.0.1":   "user or a password",
		"https://hunter2:sec%zzret@e.com":   "not a URL",
		"https://hunter2:secret":            "not a URL",
		"https://hunter2:se\ncret@e.com":    "not a URL",
		"https://example.com\n":             "not a URL",
		" https://example.com":              "not a URL",
		"https://exa mple.com":              "not a URL",
		"https://":                          "no valid host",
		"https:///path":                     "no valid host",
		"https:example.com":                 "no valid host",
		"https://:443":                      "no valid host",
		"https://example.com:0":             "port that is not between 1 and 65535",
		"https://example.com:65536":         "port that is not between 1 and 65535",
		"http://[fe80::1%25eth0]:8080":      "IPv6 zone",
		"http://[::1%25lo]:8080":            "IPv6 zone",
		"https://bücher.example":            "ASCII form",
		"https://b%C3%BCcher.example":       "ASCII form",
		"https://a<b.example.com":           "a character other than",
		"https://.example.com":              "no valid host",
		"https://example.com?":              "query or a fragment",
		"https://example.com/?token=secret": "query or a fragment",
		"https://example.com/#secret":       "query or a fragment",
		"https://example.com#":              "query or a fragment",
		"http://example.com":                "WithPlainHTTP",
		"http://localhost.example.com":      "WithPlainHTTP",
		"http://128.0.0.1":                  "WithPlainHTTP",
		"http://[::2]":                      "WithPlainHTTP",
		"http://0.0.0.0":                    "WithPlainHTTP",
	} {
		c, err := poller.New(endpoint, "p")
		require.ErrorContains(t, err, want, "%q", endpoint)
		require.ErrorContains(t, err, "endpoint")
		require.Nil(t, c)
		for _, secret := range []string{"hunter2", "secret", "sec%zz"} {
			require.NotContains(t, err.Error(), secret, "%q", endpoint)
		}
	}
	_, err := poller.New("http://example.com", "p", poller.WithPlainHTTP())
	require.NoError(t, err)
	_, err = poller.New("ftp://example.com", "p", poller.WithPlainHTTP())
	require.Error(t, err)
}

func TestNewRefusesABadProjectID(t *testing.T) {
	for _, project := range []string{"", "  ", "\n", ".", "..", "a b", "p\n", "p\u200b"} {
		_, err := poller.New("https://example.com", project)
		require.ErrorContains(t, err, "project id", "%q", project)
	}
}

// What is signed is what is sent, however the endpoint is spelled: five bad signatures lock a key.
func TestEveryEndpointThatNewTakesIsSignedAsItIsSent(t *testing.T) {
	s := pollertest.New(pollertest.WithAccessKey(accessKey, secretKey))
	defer s.Close()
	id := s.Add(pollertest.Script{})
	server := strings.TrimPrefix(s.Start(), "http://")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", server)
	}}
	defer transport.CloseIdleConnections()
	for _, endpoint := range []string{
		"http://example.com", "http://EXAMPLE.com", "http://example.com.", "http://example.com:", "http://example.com:80",
		"http://example.com:8080", "http://[2001:DB8::1]:8080", "http://[2001:db8::1]", "http://[::ffff:192.0.2.1]:",
		"http://192.0.2.1", "http://my_service", "http://xn--bcher-kva.example",
	} {
		key, err := credential.AccessKey(goodKey)
		require.NoError(t, err)
		p, err := poller.New(endpoint, "project", poller.WithPlainHTTP(), poller.WithCredential(key),
			poller.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, err, endpoint)
		_, err = p.Poll(within(t, 10*time.Second), id)
		require.NoError(t, err, endpoint)
	}
}

// What a client sends is what the server must see, byte for byte.
func TestPollEscapesOverTheWire(t *testing.T) {
	for _, c := range []struct{ prefix, project, job, want string }{
		{"", "p", jobID, "/v1/p/sfs-turbo/jobs/" + jobID},
		{"/gw/a%2Fb", "p", "j", "/gw/a%2Fb/v1/p/sfs-turbo/jobs/j"},
		{"", "p/../q", "a/b", "/v1/p%2F..%2Fq/sfs-turbo/jobs/a%2Fb"},
		{"", "p?x", "a?b#c", "/v1/p%3Fx/sfs-turbo/jobs/a%3Fb%23c"},
		{"", "p", "../../secrets", "/v1/p/sfs-turbo/jobs/..%2F..%2Fsecrets"},
		{"", "p", "%2e%2e", "/v1/p/sfs-turbo/jobs/%252e%252e"},
		{"", "p", "...", "/v1/p/sfs-turbo/jobs/..."},
		{"", "p", "a;b+c:d", "/v1/p/sfs-turbo/jobs/a%3Bb+c:d"},
		{"", "项目", "任务\xff", "/v1/%E9%A1%B9%E7%9B%AE/sfs-turbo/jobs/%E4%BB%BB%E5%8A%A1%FF"},
	} {
		seen := make(chan string, 1)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen <- r.RequestURI
			answer(200, `{"status":"running"}`)(w, r)
		})
		p, err := poller.New(s.URL+c.prefix, c.project)
		require.NoError(t, err)
		_, err = p.Poll(t.Context(), c.job)
		require.NoError(t, err)
		require.Equal(t, c.want, <-seen)
		p.CloseIdleConnections()
	}
}

func TestPollSendsNothingForABadJobID(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, id := range []string{"", " ", "\t\n", ".", "..", "a b", " a", "a\r\nX-Evil: 1", "a\x00", "a\u00a0b", "a\u200b", "\ufeffa", "\u202ea"} {
		_, err := client(t, s.URL).Poll(t.Context(), id)
		require.ErrorContains(t, err, "job id", "%q", id)
		require.ErrorContains(t, err, "submitting call", "%q", id)
		require.Equal(t, poller.Permanent, poller.Classify(err))
	}
}
