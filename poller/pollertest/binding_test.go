package pollertest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const (
	ldap = prefix + "shares/share/fs/ldap"
	ad   = prefix + "shares/share/fs/active-directory-domain"

	nothingBound = `{"errCode":"SFS.TURBO.0002","errMsg":"Cluster not found"}`
)

// start submits, and wants a job.
func (c *caller) start(method, path, body string) {
	c.t.Helper()
	r := c.do(method, path, body)
	require.Contains(c.t, []int{200, 202}, r.status, r.body)
}

// changes starts the job of a call, which takes four seconds, and requires what is shown until its
// end and from then on.
func (c *caller) changes(path, method, body, during, then string) {
	c.t.Helper()
	c.start(method, path, body)
	c.shows(path, during)
	time.Sleep(4*time.Second - 1)
	c.shows(path, during)
	time.Sleep(time.Nanosecond)
	c.shows(path, then)
}

// shows requires that GET shows a body, or says that nothing is bound.
func (c *caller) shows(path, want string) {
	c.t.Helper()
	r := c.do("GET", path, "")
	if want == nothingBound {
		require.Equal(c.t, 404, r.status)
	} else {
		require.Equal(c.t, 200, r.status, r.body)
	}
	require.JSONEq(c.t, want, r.body)
}

func (c *caller) fails(jobType string) {
	c.server.Script(jobType, pollertest.Script{Steps: []pollertest.Step{
		{After: time.Second, Job: status.Job{Status: status.Running}},
		{After: 2 * time.Second, Job: status.Job{Status: "FAILED"}},
	}})
}

func TestShowLDAP(t *testing.T) {
	const (
		bound   = `{"url":"ldap://a","base_dn":"dc=a","user_dn":"cn=a","schema":"RFC2307","search_timeout":3}`
		updated = `{"url":"ldap://a","base_dn":"dc=b","user_dn":"cn=a","schema":"MS-AD-BIS","search_timeout":9}`
		whole   = `{"url":"ldap://10.0.0.1","base_dn":"dc=a","schema":"RFC2307","search_timeout":3}`
		again   = `{"url":"ldap://c","base_dn":"dc=c","backup_url":"ldap://d","vpc_id":"v","filter_condition":"f","schema":"RFC2307","search_timeout":3}`
	)
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.shows(ldap, nothingBound)
		c.changes(ldap, "POST", `{"url":"ldap://a","base_dn":"dc=a","user_dn":"cn=a","password":"p","unknown":1,"vpc_id":null}`, nothingBound, bound)
		c.changes(ldap, "PUT", `{"base_dn":"dc=b","schema":"MS-AD-BIS","search_timeout":9,"user_dn":null}`, bound, updated)
		c.changes(ldap, "POST", ldapBody, updated, whole)
		c.changes(ldap, "DELETE", "", whole, nothingBound)
		c.changes(ldap, "POST", `{"url":"ldap://c","base_dn":"dc=c","backup_url":"ldap://d","vpc_id":"v","filter_condition":"f"}`, nothingBound, again)
		for _, jobType := range []string{"bind_ldap", "update_ldap", "unbind_ldap"} {
			c.fails(jobType)
		}
		c.changes(ldap, "POST", ldapBody, again, again)
		c.changes(ldap, "PUT", `{"url":"ldap://e"}`, again, again)
		c.changes(ldap, "DELETE", "", again, again)
		assert.Equal(t, pollertest.Show, c.server.Requests()[0].Call)
	})
}

func TestABindThatFailedBindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.fails("bind_ldap")
		c.start("POST", ldap, ldapBody)
		time.Sleep(time.Minute)
		c.shows(ldap, nothingBound)
	})
}

func TestShowADDomain(t *testing.T) {
	const (
		body   = domainBody
		shown  = `{"domain_name":"d","system_name":"s","dns_server":["10.0.0.1"],"status":`
		change = `{"service_account":"admin","password":"p","domain_name":"e","system_name":"t","dns_server":["10.0.0.1"],"organization_unit":"ou","vpc_id":"v","overwrite_same_account":true}`
		after  = `{"domain_name":"e","system_name":"t","dns_server":["10.0.0.1"],"organization_unit":"ou","vpc_id":"v","status":`
	)
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.shows(ad, nothingBound)
		c.changes(ad, "DELETE", body, nothingBound, nothingBound)
		c.changes(ad, "POST", body, shown+`"JOINING"}`, shown+`"AVAILABLE"}`)
		c.changes(ad, "PUT", change, shown+`"JOINING"}`, after+`"AVAILABLE"}`)
		c.changes(ad, "DELETE", body, after+`"EXITING"}`, nothingBound)

		failed := func(jobType, method, body, want string) {
			t.Helper()
			c.fails(jobType)
			c.start(method, ad, body)
			time.Sleep(2 * time.Second)
			c.shows(ad, want)
		}
		failed("add_ad_domain", "POST", body, shown+`"FAILED"}`)
		c.server.Script("add_ad_domain", pollertest.Script{})
		c.start("POST", ad, body)
		c.shows(ad, shown+`"AVAILABLE"}`)
		failed("change_ad_domain", "PUT", change, shown+`"FAILED"}`)
		failed("quit_ad_domain", "DELETE", body, shown+`"FAILED"}`)
	})
}

func TestWhatIsBoundIsOfOneShare(t *testing.T) {
	c := inMemory(t)
	c.server.Script("bind_ldap", pollertest.Script{ID: "known"})
	c.start("POST", ldap, ldapBody)
	const bound = `{"url":"ldap://10.0.0.1","base_dn":"dc=a","schema":"RFC2307","search_timeout":3}`
	c.shows(ldap, bound)
	c.shows(ad, nothingBound)
	c.shows(prefix+"shares/another/fs/ldap", nothingBound)
	c.shows("/v1/another/sfs-turbo/shares/share/fs/ldap", nothingBound)

	// The next job has the id of the one before.
	c.server.Script("update_ldap", pollertest.Script{ID: "known", Steps: []pollertest.Step{{After: time.Hour, Job: status.Job{Status: status.Success}}}})
	c.start("PUT", ldap, `{"url":"ldap://b"}`)
	c.shows(ldap, bound)
	assert.Equal(t, 400, c.do("PUT", ldap, `{"url":"ldap://c"}`).status)
	c.server.Add(pollertest.Script{ID: "known"})
	c.shows(ldap, `{"url":"ldap://b","base_dn":"dc=a","schema":"RFC2307","search_timeout":3}`)
}

func TestShowIsCheckedLikeAPoll(t *testing.T) {
	c := inMemory(t, pollertest.WithProject("a-project"))
	c.server.Script("bind_ldap", pollertest.Script{})
	c.start("POST", ldap, ldapBody)
	assert.Equal(t, 403, c.do("GET", "/v1/another/sfs-turbo/shares/share/fs/ldap", "").status)
	c.server.Fail(rule{Call: pollertest.Show, Times: 1, Status: 503})
	c.server.Fail(rule{Call: pollertest.Poll, Times: 1, Status: 500})
	assert.Equal(t, 503, c.do("GET", ldap, "").status)
	assert.Equal(t, 200, c.do("GET", ldap, "").status, "the other rule is for polls")
	c.header = http.Header{}
	assert.Equal(t, 401, c.do("GET", ldap, "").status)
}
