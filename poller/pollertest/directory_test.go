package pollertest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestListProjects(t *testing.T) {
	const (
		none = `{"projects":[],"links":{"self":"https://iam.myhuaweicloud.com/v3/projects","previous":null,"next":null}}`
		one  = `{"projects":[{"id":"p1","name":"eu-west-101","domain_id":"d0000000000000000000000000000001",
			"parent_id":"d0000000000000000000000000000001","enabled":true,"is_domain":false,"description":"",
			"links":{"self":"https://iam.myhuaweicloud.com/v3/projects/p1"}}],
			"links":{"self":"https://iam.myhuaweicloud.com/v3/projects","previous":null,"next":null}}`
	)
	c := inMemory(t, pollertest.WithNamedProject("p1", "eu-west-101"), pollertest.WithAccessKey("AK", "SK"), pollertest.WithToken("a-token"))
	for query, want := range map[string]string{"": one, "?name=eu-west-101": one, "?name=eu%2dwest-101": one, "?name=eu-west": none} {
		r := c.do("GET", "/v3/projects"+query, "")
		require.Equal(t, 200, r.status, r.body)
		assert.JSONEq(t, want, r.body, query)
	}
	assert.Equal(t, pollertest.ListProjects, c.server.Requests()[0].Call)
	ofTheToken := strings.Replace(one, `self":"https://iam.myhuaweicloud.com/v3/projects","p`, `self":"https://iam.myhuaweicloud.com/v3/auth/projects","p`, 1)
	assert.JSONEq(t, ofTheToken, c.do("GET", "/v3/auth/projects", "").body)

	c.header = sign("GET", "/v3/projects", "AK", "SK", nil)
	assert.Equal(t, 200, c.do("GET", "/v3/projects", "").status)
	c.header = http.Header{"X-Auth-Token": {"bad"}}
	assert.Equal(t, 401, c.do("GET", "/v3/projects", "").status)
	assert.Equal(t, 405, c.do("POST", "/v3/projects", "").status)

	unnamed := inMemory(t, pollertest.WithProject("p1"))
	unnamed.server.Fail(pollertest.Rule{Call: pollertest.ListProjects, Times: 1, Status: 503})
	assert.Equal(t, 503, unnamed.do("GET", "/v3/projects", "").status)
	assert.JSONEq(t, none, unnamed.do("GET", "/v3/projects?name=", "").body)
}

func TestListDomains(t *testing.T) {
	const want = `{"domains":[{"id":"d0000000000000000000000000000001","name":"NAME","description":"","enabled":true,
		"links":{"self":"https://iam.myhuaweicloud.com/v3/domains/d0000000000000000000000000000001"}}],
		"links":{"self":"https://iam.myhuaweicloud.com/v3/auth/domains","previous":null,"next":null}}`
	c := inMemory(t, pollertest.WithAccessKey("AK", "SK"))
	issued := c.do("POST", "/v3/auth/tokens", askForToken).header.Get("X-Subject-Token")
	c.header = http.Header{"X-Auth-Token": {issued}}
	r := c.do("GET", "/v3/auth/domains", "")
	assert.Equal(t, 200, r.status)
	assert.JSONEq(t, strings.Replace(want, "NAME", "d", 1), r.body, "the token's")

	c.header = sign("GET", "/v3/auth/domains", "AK", "SK", nil)
	assert.JSONEq(t, strings.Replace(want, "NAME", "a-domain", 1), c.do("GET", "/v3/auth/domains", "").body)
	c.header = http.Header{"X-Auth-Token": {"bad"}}
	assert.Equal(t, 401, c.do("GET", "/v3/auth/domains", "").status)
	assert.Equal(t, pollertest.ListDomains, c.server.Requests()[1].Call)
}

func TestListServices(t *testing.T) {
	c := onPort(t, pollertest.WithNamedProject("p1", "eu-west-101_sub"))
	types := func() (types, regions, urls []string) {
		r := c.do("GET", "/v3/auth/catalog", "")
		require.Equal(t, 200, r.status, r.body)
		for _, s := range decode[struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Region, URL string }
			}
		}](t, r.body).Catalog {
			types, regions, urls = append(types, s.Type), append(regions, s.Endpoints[0].Region), append(urls, s.Endpoints[0].URL)
		}
		return types, regions, urls
	}
	kinds, regions, urls := types()
	assert.Equal(t, []string{"iam", "network"}, kinds)
	assert.Equal(t, []string{"*", "eu-west-101"}, regions)
	assert.Equal(t, []string{c.endpoint + "/v3.0", c.endpoint}, urls, "this server")
	assert.Equal(t, pollertest.ListServices, c.server.Requests()[0].Call)

	own := httptest.NewTLSServer(c.server)
	defer own.Close()
	c.endpoint, c.client = own.URL, own.Client()
	_, _, urls = types()
	assert.Equal(t, []string{own.URL + "/v3.0", own.URL}, urls, "with TLS")

	issued := c.do("POST", "/v3/auth/tokens", tokenBody(byPassword, forDomain)).header.Get("X-Subject-Token")
	c.header = http.Header{"X-Auth-Token": {issued}}
	kinds, _, _ = types()
	assert.Equal(t, []string{"iam"}, kinds, "the network belongs to a project")
}
