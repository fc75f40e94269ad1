package pollertest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestSubmittingCalls(t *testing.T) {
	tests := []struct {
		method, operation string
		status            int
		jobType           string
	}{
		{"POST", "ldap", 200, "bind_ldap"},
		{"PUT", "ldap", 200, "update_ldap"},
		{"DELETE", "ldap", 200, "unbind_ldap"},
		{"POST", "active-directory-domain", 202, "add_ad_domain"},
		{"PUT", "active-directory-domain", 202, "change_ad_domain"},
		{"DELETE", "active-directory-domain", 202, "quit_ad_domain"},
	}
	for _, test := range tests {
		t.Run(test.jobType, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t)
				submit := func(share string) string {
					body := ldapBody
					if test.status == 202 {
						body = domainBody
					}
					r := c.do(test.method, prefix+"shares/"+share+"/fs/"+test.operation, body)
					require.Equal(t, test.status, r.status, r.body)
					return decode[map[string]string](t, r.body)["jobId"]
				}
				id := submit("one")
				seen := []status.Status{c.job(id).Status}
				assert.Equal(t, test.jobType, c.job(id).Type)
				for range 5 {
					time.Sleep(time.Second)
					seen = append(seen, c.job(id).Status)
				}
				assert.Equal(t, []status.Status{"waiting", "running", "running", "running", "success", "success"}, seen)

				c.server.Script(test.jobType, pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Failed, ErrorCode: "E"}}}})
				for _, share := range []string{"two", "three"} {
					id := submit(share)
					assert.Equal(t, "E", c.job(id).ErrorCode)
					assert.Equal(t, test.jobType, c.job(id).Type)
				}
			})
		})
	}
}

func TestAScriptMayNameItsJob(t *testing.T) {
	c := inMemory(t)
	c.server.Script("bind_ldap", pollertest.Script{ID: "known", Type: "custom"})
	assert.Equal(t, "known", c.submit("share"))
	assert.Equal(t, "custom", c.job("known").Type)
}

// The fields that the official SDK's models require.
func TestRequiredFields(t *testing.T) {
	c := inMemory(t)
	refused := func(method, path string, body map[string]any) {
		t.Helper()
		b, err := json.Marshal(body)
		require.NoError(t, err)
		r := c.do(method, path, string(b))
		assert.Equal(t, 400, r.status, string(b))
		assert.JSONEq(t, `{"errCode":"SFS.TURBO.0001","errMsg":"parameter error"}`, r.body)
	}
	for _, call := range []struct{ method, path, body string }{
		{"POST", ldap, ldapBody},
		{"POST", ad, domainBody},
		{"PUT", ad, domainBody},
		{"DELETE", ad, `{"service_account":"admin","password":"p"}`},
	} {
		whole := decode[map[string]any](t, call.body)
		for field, value := range whole {
			for _, bad := range []any{nil, "", []string{}} {
				whole[field] = bad
				refused(call.method, call.path, whole)
			}
			delete(whole, field)
			refused(call.method, call.path, whole)
			whole[field] = value
		}
	}
	for _, body := range []string{"", "null", "x", "[]"} {
		assert.Equal(t, 400, c.do("DELETE", ad, body).status, body)
		assert.Equal(t, 400, c.do("PUT", ldap, body).status, body)
	}
	for _, r := range c.server.Requests() {
		assert.Empty(t, r.JobID, "nothing has started")
	}
	assert.Equal(t, 200, c.do("PUT", prefix+"shares/one/fs/ldap", "{}").status, "all are optional")
	assert.Equal(t, 200, c.do("DELETE", prefix+"shares/two/fs/ldap", "x").status, "it has no body")
}

func TestScriptsOfUnknownTypesPanic(t *testing.T) {
	for _, jobType := range []string{"", "bind-ldap", "BIND_LDAP", "create_share"} {
		assert.Panics(t, func() { pollertest.New().Script(jobType, pollertest.Script{}) }, jobType)
	}
}

func TestOneOperationAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		join := func(project, share string) reply {
			return c.do("POST", "/v1/"+project+"/sfs-turbo/shares/"+share+"/fs/active-directory-domain", domainBody)
		}
		c.submit("share")
		time.Sleep(4*time.Second - 1)
		r := join("a-project", "share")
		assert.Equal(t, 400, r.status)
		assert.JSONEq(t, `{"errCode":"SFS.TURBO.0011","errMsg":"Cluster is doing something"}`, r.body)
		assert.Empty(t, c.server.Requests()[1].JobID)
		assert.Equal(t, 202, join("a-project", "another").status)
		assert.Equal(t, 202, join("another", "share").status)

		time.Sleep(time.Nanosecond)
		assert.Equal(t, 202, join("a-project", "share").status, "the first has ended")
	})
}

func TestAFailedJobFreesItsShare(t *testing.T) {
	c := inMemory(t)
	c.server.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: "FAILED"}}}})
	assert.NotEqual(t, c.submit("share"), c.submit("share"))
}
