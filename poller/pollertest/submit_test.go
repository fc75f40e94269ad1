package pollertest_test

import (
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
					body := "{}"
					if test.method == "DELETE" {
						body = ""
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

func TestScriptsOfUnknownTypesPanic(t *testing.T) {
	for _, jobType := range []string{"", "bind-ldap", "BIND_LDAP", "create_share"} {
		assert.Panics(t, func() { pollertest.New().Script(jobType, pollertest.Script{}) }, jobType)
	}
}

func TestOneOperationAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		join := func(project, share string) reply {
			return c.do("POST", "/v1/"+project+"/sfs-turbo/shares/"+share+"/fs/active-directory-domain", "{}")
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
