package pollertest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// caller asks one server as a client would.
type caller struct {
	t        *testing.T
	server   *pollertest.Server
	endpoint string
	client   *http.Client
	header   http.Header // of every request
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error // of the request or of reading the body
}

func inMemory(t *testing.T, opts ...pollertest.Option) *caller {
	server := pollertest.New(opts...)
	t.Cleanup(server.Close)
	endpoint, client := server.Memory()
	return newCaller(t, server, endpoint, client)
}

func onPort(t *testing.T, opts ...pollertest.Option) *caller {
	server := pollertest.New(opts...)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return newCaller(t, server, server.Start(), &http.Client{Transport: transport})
}

func newCaller(t *testing.T, server *pollertest.Server, endpoint string, client *http.Client) *caller {
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &caller{t, server, endpoint, &own, http.Header{"X-Auth-Token": {"a-token"}}}
}

// everywhere runs a test on a port and in memory.
func everywhere(t *testing.T, test func(t *testing.T, c *caller)) {
	t.Run("port", func(t *testing.T) { test(t, onPort(t)) })
	t.Run("memory", func(t *testing.T) { test(t, inMemory(t)) })
}

func (c *caller) do(method, path, body string) reply {
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.endpoint+path, strings.NewReader(body))
	require.NoError(c.t, err)
	r.Header = c.header.Clone()
	return c.send(r)
}

func (c *caller) send(r *http.Request) reply {
	resp, err := c.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

const prefix = "/v1/a-project/sfs-turbo/"

func (c *caller) poll(id string) reply { return c.do("GET", prefix+"jobs/"+id, "") }

// job polls, and requires a good response.
func (c *caller) job(id string) status.Job {
	c.t.Helper()
	r := c.poll(id)
	require.NoError(c.t, r.err)
	require.Equal(c.t, 200, r.status, r.body)
	return decode[status.Job](c.t, r.body)
}

const (
	ldapBody   = `{"url":"ldap://10.0.0.1","base_dn":"dc=a"}`
	domainBody = `{"service_account":"admin","password":"p","domain_name":"d","system_name":"s","dns_server":["10.0.0.1"]}`
)

// submit binds an LDAP server, and wants a job.
func (c *caller) submit(share string) (id string) {
	c.t.Helper()
	r := c.do("POST", prefix+"shares/"+share+"/fs/ldap", ldapBody)
	require.NoError(c.t, r.err)
	require.Equal(c.t, 200, r.status, r.body)
	return decode[map[string]string](c.t, r.body)["jobId"]
}

func decode[T any](t *testing.T, body string) (v T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(body), &v), body)
	return v
}
