package pollertest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

// The body of a request for a token: who asks, and for what.
func tokenBody(identity, scope string) string {
	return `{"auth":{"identity":` + identity + scope + `}}`
}

const (
	byPassword = `{"methods":["password"],"password":{"user":{"name":"u","password":"` + password + `","domain":{"name":"d"}}}}`
	byUserID   = `{"methods":["password"],"password":{"user":{"id":"u1","password":"` + password + `"}}}`
	byToken    = `{"methods":["token"],"token":{"id":"a-token"}}`

	forName   = `,"scope":{"project":{"name":"eu-west-101"}}`
	forSub    = `,"scope":{"project":{"name":"eu-west-101_sub","domain":{"id":"d1"}}}`
	forID     = `,"scope":{"project":{"id":"p1"}}`
	forDomain = `,"scope":{"domain":{"name":"d"}}`
)

func TestWhatComesWithAToken(t *testing.T) {
	const (
		domain = `{"id":"d0000000000000000000000000000001","name":"d"}`
		some   = `{"id":"d0000000000000000000000000000001","name":"a-domain"}`
		user   = `"user":{"id":"e0000000000000000000000000000001","name":"u","domain":` + domain + `}`
		byID   = `"user":{"id":"u1","name":"a-user","domain":` + some + `}`
		roles  = `,"roles":[{"id":"0","name":"te_admin"}]`

		iam    = `{"id":"c0000000000000000000000000000001","name":"iam","type":"iam","endpoints":[{"id":"c0000000000000000000000000000001","interface":"public","region":"*","region_id":"*","url":"http://127.0.0.1/v3.0"}]}`
		vpc    = `,{"id":"c0000000000000000000000000000002","name":"vpc","type":"network","endpoints":[{"id":"c0000000000000000000000000000002","interface":"public","region":"REGION","region_id":"REGION","url":"http://127.0.0.1"}]}`
		global = roles + `,"catalog":[` + iam + `]`
	)
	in := func(region string) string {
		return roles + `,"catalog":[` + iam + strings.ReplaceAll(vpc, "REGION", region) + `]`
	}
	project := func(id, name, domain string) string {
		return `,"project":{"id":"` + id + `","name":"` + name + `","domain":` + domain + `}`
	}
	named, unnamed := pollertest.WithNamedProject("p1", "eu-west-101"), pollertest.WithProject("p1")
	tests := map[string]struct {
		option          pollertest.Option
		identity, scope string
		query           string
		want            string // "" if there is no such project
	}{
		"by name":                    {named, byPassword, forName, "", user + project("p1", "eu-west-101", domain) + in("eu-west-101")},
		"by id":                      {named, byPassword, forID, "", user + project("p1", "eu-west-101", domain) + in("eu-west-101")},
		"an unknown name":            {named, byPassword, strings.Replace(forName, "eu-west-101", "x", 1), "", ""},
		"an unknown id":              {named, byPassword, strings.Replace(forID, "p1", "x", 1), "", ""},
		"an unknown id, no name":     {unnamed, byPassword, strings.Replace(forID, "p1", "x", 1), "", ""},
		"any name will do":           {unnamed, byPassword, forName, "", user + project("p1", "eu-west-101", domain) + in("eu-west-101")},
		"any project, asked by id":   {nil, byPassword, forID, "", user + project("p1", "", domain) + in("*")},
		"any project, asked by name": {nil, byPassword, forName, "", user + project("b0000000000000000000000000000001", "eu-west-101", domain) + in("eu-west-101")},
		"no catalog":                 {named, byPassword, forName, "?nocatalog=true", user + project("p1", "eu-west-101", domain) + roles + `,"catalog":[]`},
		"for a domain":               {named, byPassword, forDomain, "", user + `,"domain":` + domain + global},
		"for nothing":                {named, byPassword, "", "", user},
		"a user by id":               {named, byUserID, forID, "", byID + project("p1", "eu-west-101", some) + in("eu-west-101")},
		"a user by id, for nothing":  {nil, byUserID, "", "", byID},
		"a user by id, for a domain": {nil, byUserID, forDomain, "", strings.Replace(byID, some, domain, 1) + `,"domain":` + domain + global},
		"a sub-project of a domain": {
			nil, byUserID, forSub, "", strings.Replace(byID, some, `{"id":"d1","name":"a-domain"}`, 1) +
				project("b0000000000000000000000000000001", "eu-west-101_sub", `{"id":"d1","name":"a-domain"}`) + in("eu-west-101"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var opts []pollertest.Option
				if test.option != nil {
					opts = append(opts, test.option)
				}
				c := inMemory(t, opts...)
				r := c.do("POST", "/v3/auth/tokens"+test.query, tokenBody(test.identity, test.scope))
				if test.want == "" {
					assert.Equal(t, 401, r.status)
					assert.JSONEq(t, `{"error":{"code":401,"message":"Could not find project, x.","title":"Unauthorized"}}`, r.body)
					assert.Empty(t, r.header.Get("X-Subject-Token"))
					return
				}
				assert.Equal(t, 201, r.status)
				assert.JSONEq(t, `{"token":{"methods":["password"],"issued_at":"2000-01-01T00:00:00.000000Z",`+
					`"expires_at":"2000-01-02T00:00:00.000000Z",`+test.want+`}}`, r.body)
			})
		})
	}
}

func TestWhatATokenIsGoodFor(t *testing.T) {
	c := inMemory(t, pollertest.WithToken("a-token"))
	id := c.server.Add(pollertest.Script{})
	for scope, want := range map[string][2]int{
		forName:   {200, 200}, // the server knows no id for the name
		forID:     {403, 200},
		forDomain: {403, 403},
		"":        {403, 403},
	} {
		r := c.do("POST", "/v3/auth/tokens", tokenBody(byPassword, scope))
		require.Equal(t, 201, r.status, r.body)
		c.header = http.Header{"X-Auth-Token": {r.header.Get("X-Subject-Token")}}
		assert.Equal(t, want[0], c.do("GET", prefix+"jobs/"+id, "").status, scope)
		assert.Equal(t, want[1], c.do("GET", "/v1/p1/sfs-turbo/jobs/"+id, "").status, scope)
		assert.Equal(t, 200, c.do("GET", "/v3/auth/domains", "").status, scope)
	}
}

func TestATokenForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, pollertest.WithToken("a-token"))
		issue := func(identity, scope string) reply { return c.do("POST", "/v3/auth/tokens", tokenBody(identity, scope)) }
		given := issue(byToken, forID)
		assert.Equal(t, 201, given.status, given.body)
		assert.Contains(t, given.body, `"methods":["token"]`)

		first := issue(byPassword, "").header.Get("X-Subject-Token")
		exchange := func() reply { return issue(strings.Replace(byToken, "a-token", first, 1), forID) }
		second := exchange()
		assert.Contains(t, second.body, `"name":"u"`, "the same user")
		c.header = http.Header{"X-Auth-Token": {second.header.Get("X-Subject-Token")}}
		assert.Equal(t, 404, c.do("GET", "/v1/p1/sfs-turbo/jobs/none", "").status)

		refused := `{"error":{"code":401,"message":"The token is invalid or has expired.","title":"Unauthorized"}}`
		assert.JSONEq(t, refused, issue(strings.Replace(byToken, "a-token", "bad", 1), forID).body)
		time.Sleep(24 * time.Hour)
		assert.JSONEq(t, refused, exchange().body)
	})
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
