package pollertest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestRefusals(t *testing.T) {
	noAPI := `{"error_code":"APIGW.0101","error_msg":"The API does not exist or has not been published in the environment.","request_id":"00000000000000000000000000000001"}`
	tests := map[string]struct {
		method, path, body string
		anonymous          bool
		status             int
		answer             string
	}{
		"the root":                               {method: "GET", path: "/", status: 404, answer: noAPI},
		"another version":                        {method: "GET", path: "/v2/p/sfs-turbo/jobs/job", status: 404, answer: noAPI},
		"no job id":                              {method: "GET", path: "/v1/p/sfs-turbo/jobs/", status: 404, answer: noAPI},
		"no project":                             {method: "GET", path: "/v1//sfs-turbo/jobs/job", status: 404, answer: noAPI},
		"too deep":                               {method: "GET", path: "/v1/p/sfs-turbo/jobs/job/more", status: 404, answer: noAPI},
		"another service":                        {method: "GET", path: "/v1/p/sfs/jobs/job", status: 404, answer: noAPI},
		"no operation":                           {method: "POST", path: "/v1/p/sfs-turbo/shares/s/fs/nis", status: 404, answer: noAPI},
		"not below fs":                           {method: "POST", path: "/v1/p/sfs-turbo/shares/s/xx/ldap", status: 404, answer: noAPI},
		"a write to jobs":                        {method: "POST", path: "/v1/p/sfs-turbo/jobs/job", status: 405, answer: noAPI},
		"another method of ldap":                 {method: "PATCH", path: "/v1/p/sfs-turbo/shares/s/fs/ldap", status: 405, answer: noAPI},
		"a write to domains":                     {method: "POST", path: "/v3/auth/domains", status: 405, answer: noAPI},
		"half of a path of IAM":                  {method: "GET", path: "/v3/auth", status: 404, answer: noAPI},
		"a segment with a slash":                 {method: "GET", path: "/v3/auth%2Fdomains", status: 404, answer: noAPI},
		"a read of tokens":                       {method: "GET", path: "/v3/auth/tokens", status: 405, answer: noAPI},
		"an unknown path comes before the token": {method: "GET", path: "/", anonymous: true, status: 404, answer: noAPI},
		"no token": {
			method: "GET", path: "/v1/p/sfs-turbo/jobs/job", anonymous: true, status: 401,
			answer: `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information","request_id":"00000000000000000000000000000001"}`,
		},
		"an unknown job": {
			method: "GET", path: "/v1/p/sfs-turbo/jobs/nope", status: 404,
			answer: `{"errCode":"SFS.TURBO.0019","errMsg":"Invalid Job Id"}`,
		},
		"a body that is no JSON": {
			method: "POST", path: "/v1/p/sfs-turbo/shares/s/fs/ldap", body: "url=x", status: 400,
			answer: `{"errCode":"SFS.TURBO.0001","errMsg":"parameter error"}`,
		},
		"a body that is no object": {
			method: "PUT", path: "/v1/p/sfs-turbo/shares/s/fs/ldap", body: "null", status: 400,
			answer: `{"errCode":"SFS.TURBO.0001","errMsg":"parameter error"}`,
		},
		"a body that is too long": {
			method: "POST", path: "/v1/p/sfs-turbo/shares/s/fs/ldap", body: `{"a":"` + strings.Repeat("a", 1<<20) + `"}`, status: 400,
			answer: `{"errCode":"SFS.TURBO.0001","errMsg":"parameter error"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := inMemory(t)
			c.server.Add(pollertest.Script{ID: "job"})
			if test.anonymous {
				c.header = nil
			}
			r := c.do(test.method, test.path, test.body)
			require.NoError(t, r.err)
			assert.Equal(t, test.status, r.status)
			assert.JSONEq(t, test.answer, r.body)
			assert.Equal(t, "application/json", r.header.Get("Content-Type"))
			assert.Equal(t, test.status == 405, r.header.Get("Allow") != "")
		})
	}
}

func TestWithProject(t *testing.T) {
	c := inMemory(t, pollertest.WithProject("a-project"))
	id := c.server.Add(pollertest.Script{})
	assert.Equal(t, 200, c.poll(id).status)

	r := c.do("GET", "/v1/another/sfs-turbo/jobs/"+id, "")
	assert.Equal(t, 403, r.status)
	assert.Equal(t, "SFS.TURBO.9000", decode[map[string]string](t, r.body)["errCode"])
}

func TestJobsBelongToTheirProject(t *testing.T) {
	c := inMemory(t)
	submitted, added := c.submit("share"), c.server.Add(pollertest.Script{})
	assert.Equal(t, 404, c.do("GET", "/v1/another/sfs-turbo/jobs/"+submitted, "").status)
	assert.Equal(t, 200, c.do("GET", "/v1/another/sfs-turbo/jobs/"+added, "").status, "was submitted in none")
}

func TestIDsAreMatchedLeniently(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		c.server.Add(pollertest.Script{ID: "26F6B565-00AA"})
		for _, id := range []string{"26F6B565-00AA", "26f6b56500aa", "26f6b565%2D00aa"} {
			assert.Equal(t, "26F6B565-00AA", c.job(id).ID, id)
		}

		c.server.Add(pollertest.Script{ID: "a/b c%"})
		assert.Equal(t, "a/b c%", c.job("a%2Fb%20c%25").ID)
		assert.Equal(t, 404, c.poll("a/b c").status)
		last := c.server.Requests()[3]
		assert.Equal(t, prefix+"jobs/a%2Fb%20c%25", last.Path, "as on the wire")
		assert.Equal(t, "a/b c%", last.JobID)
	})
}

func TestHeadersOfEveryResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		id := c.server.Add(pollertest.Script{})
		time.Sleep(time.Hour + time.Second/2)
		for i, want := range []string{"00000000000000000000000000000001", "00000000000000000000000000000002"} {
			r := c.poll([]string{id, "nope"}[i])
			assert.Equal(t, want, r.header.Get("X-Request-Id"))
			assert.Equal(t, "Sat, 01 Jan 2000 01:00:00 GMT", r.header.Get("Date"))
			assert.Equal(t, "application/json", r.header.Get("Content-Type"))
		}
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		began := time.Now()
		id := c.submit("share")
		time.Sleep(time.Minute)
		c.job(id)
		c.header = nil
		c.do("GET", prefix+"jobs/"+id+"?token=s3cret", "")
		c.do("DELETE", "/elsewhere", "")

		requests := c.server.Requests()
		assert.Equal(t, []pollertest.Request{{
			Method: "POST", Path: prefix + "shares/share/fs/ldap", Call: pollertest.Submit, JobID: id, At: began,
			RequestID: "00000000000000000000000000000001", Authorized: true, Status: 200,
		}, {
			Method: "GET", Path: prefix + "jobs/" + id, Call: pollertest.Poll, JobID: id, At: began.Add(time.Minute),
			RequestID: "00000000000000000000000000000002", Authorized: true, Status: 200,
		}, {
			Method: "GET", Path: prefix + "jobs/" + id, Call: pollertest.Poll, JobID: id, At: began.Add(time.Minute),
			RequestID: "00000000000000000000000000000003", Status: 401,
		}, {
			Method: "DELETE", Path: "/elsewhere", At: began.Add(time.Minute),
			RequestID: "00000000000000000000000000000004", Status: 404,
		}}, requests)

		requests[0].JobID = "changed"
		assert.Equal(t, id, c.server.Requests()[0].JobID, "the slice is the caller's own")
	})
}

func TestAsAHandler(t *testing.T) {
	server := pollertest.New()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	ask := func() *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", prefix+"jobs/"+id, nil)
		r.Header.Set("X-Auth-Token", "t")
		server.ServeHTTP(w, r)
		return w
	}
	assert.Equal(t, status.Success, decode[status.Job](t, ask().Body.String()).Status)

	server.Fail(pollertest.Rule{Break: pollertest.Reset})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask() }, "there is no connection to reset")
}

func TestCloseEndsWhatHangsInAServerOfYourOwn(t *testing.T) {
	for name, r := range map[string]pollertest.Rule{"hang": {Break: pollertest.Hang}, "delay": {Delay: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			server := pollertest.New()
			server.Fail(r)
			own := httptest.NewServer(server)
			defer own.Close()
			c := newCaller(t, server, own.URL, own.Client())
			done := make(chan reply)
			go func() { done <- c.poll("job") }()
			require.Eventually(t, func() bool { return len(server.Requests()) == 1 }, 10*time.Second, time.Millisecond)
			server.Close()
			assert.Error(t, (<-done).err)
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		c.server.Fail(pollertest.Rule{Times: 7, Status: 503})
		c.server.Fail(pollertest.Rule{Call: pollertest.Poll, Edit: func(j *status.Job) { j.Type = "edited" }})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				c.poll(c.server.Add(pollertest.Script{}))
				c.server.Requests()
			})
		}
		wg.Wait()
		count := make(map[int]int)
		for _, r := range c.server.Requests() {
			count[r.Status]++
		}
		assert.Equal(t, map[int]int{200: 93, 503: 7}, count)
	})
}
