package pollertest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestWhatComesWithAToken(t *testing.T) {
	byID := strings.Replace(askForToken, `"name":"eu-west-101"`, `"id":"p1"`, 1)
	named, unnamed := pollertest.WithNamedProject("p1", "eu-west-101"), pollertest.WithProject("p1")
	tests := map[string]struct {
		options []pollertest.Option
		body    string
		project string // "" if there is no token
	}{
		"by name":                    {[]pollertest.Option{named}, askForToken, `"id":"p1","name":"eu-west-101"`},
		"by id":                      {[]pollertest.Option{named}, byID, `"id":"p1","name":"eu-west-101"`},
		"an unknown name":            {[]pollertest.Option{named}, strings.Replace(askForToken, "eu-west-101", "x", 1), ""},
		"an unknown id":              {[]pollertest.Option{named}, strings.Replace(byID, "p1", "x", 1), ""},
		"an unknown id, no name":     {[]pollertest.Option{unnamed}, strings.Replace(byID, "p1", "x", 1), ""},
		"any name will do":           {[]pollertest.Option{unnamed}, askForToken, `"id":"p1","name":"eu-west-101"`},
		"any project, asked by id":   {nil, byID, `"id":"p1","name":""`},
		"any project, asked by name": {nil, askForToken, `"id":"b0000000000000000000000000000001","name":"eu-west-101"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, test.options...)
				r := c.do("POST", "/v3/auth/tokens", test.body)
				if test.project == "" {
					assert.Equal(t, 401, r.status)
					assert.JSONEq(t, `{"error":{"code":401,"message":"Could not find project, x.","title":"Unauthorized"}}`, r.body)
					assert.Empty(t, r.header.Get("X-Subject-Token"))
					return
				}
				assert.Equal(t, 201, r.status)
				domain := `"domain":{"id":"d0000000000000000000000000000001","name":"d"}`
				assert.JSONEq(t, `{"token":{
					"methods":["password"],"issued_at":"2000-01-01T00:00:00.000000Z","expires_at":"2000-01-02T00:00:00.000000Z",
					"project":{`+test.project+`,`+domain+`},"user":{"id":"e0000000000000000000000000000001","name":"u",`+domain+`}}}`, r.body)
			})
		})
	}
}

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

func TestRevokeTokens(t *testing.T) {
	c := inMemory(t, pollertest.WithToken("given"))
	id := c.server.Add(pollertest.Script{})
	issue := func() string { return c.do("POST", "/v3/auth/tokens", askForToken).header.Get("X-Subject-Token") }
	poll := func(token string) string { return c.signedPoll(id, http.Header{"X-Auth-Token": {token}}) }

	before := issue()
	require.Equal(t, "200", poll(before))
	c.server.RevokeTokens()
	assert.Equal(t, "401: token expires", poll(before))
	assert.Equal(t, "200", poll(issue()))
	assert.Equal(t, "200", poll("given"))

	anyToken := inMemory(t)
	id = anyToken.server.Add(pollertest.Script{})
	c = anyToken
	revoked := issue()
	c.server.RevokeTokens()
	assert.Equal(t, "401: token expires", poll(revoked))
	assert.Equal(t, "200", poll("any other"))
}
