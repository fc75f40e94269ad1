package pollertest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

type rule = pollertest.Rule

func TestResponsesOfARule(t *testing.T) {
	const id = "00000000000000000000000000000001"
	tests := map[string]struct {
		rule   rule
		status int
		body   string
	}{
		"400": {rule{Status: 400}, 400, `{"errCode":"SFS.TURBO.0001","errMsg":"Bad Request"}`},
		"401": {rule{Status: 401}, 401, `{"error_code":"APIGW.0301","error_msg":"Unauthorized","request_id":"` + id + `"}`},
		"403": {rule{Status: 403}, 403, `{"errCode":"SFS.TURBO.9000","errMsg":"Forbidden"}`},
		"404": {rule{Status: 404}, 404, `{"errCode":"SFS.TURBO.0019","errMsg":"Not Found"}`},
		"429": {rule{Status: 429}, 429, `{"error_code":"APIGW.0308","error_msg":"Too Many Requests","request_id":"` + id + `"}`},
		"500": {rule{Status: 500}, 500, `{"errCode":"SFS.TURBO.0005","errMsg":"Internal Server Error"}`},
		"502": {rule{Status: 502}, 502, `{"error_code":"APIGW.0201","error_msg":"Bad Gateway","request_id":"` + id + `"}`},
		"302": {rule{Status: 302}, 302, ``},
		"304": {rule{Status: 304}, 304, ``},
		"204": {rule{Status: 204, Body: pollertest.Empty}, 204, ``},
		"202": {rule{Status: 202}, 202, `{"job_id":"job","status":"running","begin_time":"2000-01-01 00:00:00"}`},
		"service": {
			rule{Status: 500, Body: pollertest.Service, Code: "C", Message: "m"}, 500, `{"errCode":"C","errMsg":"m"}`,
		},
		"newer page": {
			rule{Status: 400, Body: pollertest.ServiceSnake, Message: "m"}, 400, `{"error_code":"SFS.TURBO.0001","error_msg":"m"}`,
		},
		"gateway": {
			rule{Status: 404, Body: pollertest.Gateway, Message: "m"}, 404, `{"error_code":"APIGW.0101","error_msg":"m","request_id":"` + id + `"}`,
		},
		"gateway by another name": {
			rule{Status: 500, Body: pollertest.Gateway, Code: "APIG.0201"}, 500,
			`{"error_code":"APIG.0201","error_msg":"Internal Server Error","request_id":"` + id + `"}`,
		},
		"iam": {
			rule{Status: 401, Body: pollertest.IAM, Message: "m"}, 401, `{"error":{"code":401,"message":"m","title":"Unauthorized"}}`,
		},
		"iam, a code of letters": {
			rule{Status: 400, Body: pollertest.IAM, Code: "Ecs.0114"}, 400, `{"error":{"code":"Ecs.0114","message":"Bad Request","title":"Bad Request"}}`,
		},
		"forbidden": {rule{Status: 403, Body: pollertest.Forbidden}, 403, `{"forbidden":{"code":403,"message":"Forbidden"}}`},
		"bare":      {rule{Status: 400, Body: pollertest.Bare, Code: "C"}, 400, `{"code":"C","message":"Bad Request"}`},
		"html": {
			rule{Status: 503, Body: pollertest.HTML, Message: "m"}, 503, "<html><head><title>m</title></head><body><h1>m</h1></body></html>\n",
		},
		"html, and 200":        {rule{Body: pollertest.HTML, Message: "m"}, 200, "<html><head><title>m</title></head><body><h1>m</h1></body></html>\n"},
		"empty":                {rule{Body: pollertest.Empty}, 200, ``},
		"empty, and a status":  {rule{Status: 503, Body: pollertest.Empty}, 503, ``},
		"verbatim":             {rule{Raw: `{"status":null}`}, 200, `{"status":null}`},
		"verbatim, and status": {rule{Status: 418, Raw: `[]`, Body: pollertest.HTML}, 418, `[]`},
		"huge":                 {rule{Raw: strings.Repeat(" ", 5<<20)}, 200, strings.Repeat(" ", 5<<20)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t)
				c.server.Add(pollertest.Script{ID: "job", Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}})
				c.server.Fail(test.rule)
				r := c.poll("job")
				require.NoError(t, r.err)
				assert.Equal(t, test.status, r.status)
				if strings.HasPrefix(test.body, "{") {
					assert.JSONEq(t, test.body, r.body)
				} else {
					assert.True(t, test.body == r.body, "%.200s", r.body)
				}
				assert.Equal(t, id, r.header.Get("X-Request-Id"))
				assert.Equal(t, strings.HasPrefix(test.body, "<"), strings.HasPrefix(r.header.Get("Content-Type"), "text/html"))
				assert.Equal(t, test.status, c.server.Requests()[0].Status)
			})
		})
	}
}

// The page: errMsg has 2 to 512 characters, and errCode 8 to 36. That holds for statuses
// without a name (494 is the gateway's) as well.
func TestEveryRefusalHasAMessage(t *testing.T) {
	c := inMemory(t)
	shapes := []pollertest.Body{"", pollertest.Service, pollertest.ServiceSnake, pollertest.Gateway, pollertest.IAM, pollertest.Forbidden, pollertest.Bare}
	for status := 400; status < 600; status++ {
		for _, shape := range shapes {
			c.server.Fail(rule{Times: 1, Status: status, Body: shape})
			body := c.do("GET", []string{ldap, "/v3/auth/domains"}[status%2], "").body
			var flat struct {
				ErrCode   string
				Code      any
				ErrorCode string `json:"error_code"`
				ErrMsg    string
				ErrorMsg  string `json:"error_msg"`
				Message   string
				Error     struct{ Title, Message string }
				Forbidden struct{ Message string }
			}
			require.NoError(t, json.Unmarshal([]byte(body), &flat), body)
			message := flat.ErrMsg + flat.ErrorMsg + flat.Message + flat.Error.Message + flat.Forbidden.Message
			require.True(t, len(message) >= 2 && len(message) <= 512, "%d %s", status, body)
			if code := flat.ErrCode + flat.ErrorCode; code != "" {
				require.True(t, len(code) >= 8 && len(code) <= 36, "%d %s", status, body)
			}
			if strings.Contains(body, `"error":`) {
				require.NotEmpty(t, flat.Error.Title, body)
			}
		}
	}
	c.server.Fail(rule{Times: 1, Status: 494})
	assert.JSONEq(t, `{"errCode":"SFS.TURBO.0005","errMsg":"HTTP status 494"}`, c.poll("job").body)
	long := c.do("POST", "/v3/auth/tokens", tokenBody(byPassword, `,"scope":{"project":{"name":"`+strings.Repeat("x", 9000)+`"}}`))
	assert.Equal(t, 201, long.status, "any project")
	c = inMemory(t, pollertest.WithNamedProject("p1", "eu-west-101"))
	long = c.do("POST", "/v3/auth/tokens", tokenBody(byPassword, `,"scope":{"project":{"name":"`+strings.Repeat("x", 9000)+`"}}`))
	assert.JSONEq(t, `{"error":{"code":401,"message":"Could not find project, `+strings.Repeat("x", 64)+`.","title":"Unauthorized"}}`, long.body)
}

func TestIAMRefusesInItsOwnForm(t *testing.T) {
	c := inMemory(t)
	for _, call := range []struct{ method, path string }{
		{"POST", "/v3/auth/tokens"}, {"GET", "/v3/projects"}, {"GET", "/v3/auth/projects"}, {"GET", "/v3/auth/domains"}, {"GET", "/v3/auth/catalog"},
	} {
		for status, want := range map[int]string{
			400: `{"error":{"code":400,"message":"Bad Request","title":"Bad Request"}}`,
			401: `{"error":{"code":401,"message":"Unauthorized","title":"Unauthorized"}}`,
			403: `{"error":{"code":403,"message":"Forbidden","title":"Forbidden"}}`,
			500: `{"error":{"code":500,"message":"Internal Server Error","title":"Internal Server Error"}}`,
			302: ``,
		} {
			c.server.Fail(rule{Times: 1, Status: status})
			got := c.do(call.method, call.path, "")
			assert.Equal(t, status, got.status)
			if want == "" {
				assert.Empty(t, got.body)
			} else {
				assert.JSONEq(t, want, got.body, call.path)
			}
		}
		for _, status := range []int{429, 502, 503, 504} { // before IAM is reached
			c.server.Fail(rule{Times: 1, Status: status})
			assert.Contains(t, c.do(call.method, call.path, "").body, `"error_code":"APIGW.`)
		}
	}
}

func TestHeaders(t *testing.T) {
	c := inMemory(t)
	id := c.server.Add(pollertest.Script{})
	header := http.Header{"location": {"http://elsewhere/"}, "Date": nil, "X-Request-Id": nil}
	c.server.Fail(rule{Times: 1, Status: 307, Header: header})
	c.server.Fail(rule{Times: 1, RetryAfter: "7"})
	c.server.Fail(rule{Times: 1, Status: 503, RetryAfter: "Sat, 01 Jan 2000 01:00:00 GMT"})
	header["location"] = nil // the rule is a copy

	r := c.poll(id)
	assert.Equal(t, 307, r.status)
	assert.Equal(t, "http://elsewhere/", r.header.Get("Location"))
	assert.NotContains(t, r.header, "Date")
	assert.NotContains(t, r.header, "X-Request-Id")

	r = c.poll(id)
	assert.Equal(t, 200, r.status, "on a good answer too")
	assert.Equal(t, "7", r.header.Get("Retry-After"))
	assert.Equal(t, "Sat, 01 Jan 2000 01:00:00 GMT", c.poll(id).header.Get("Retry-After"))
	assert.NotContains(t, c.poll(id).header, "Retry-After")
}

func TestEdit(t *testing.T) {
	c := inMemory(t)
	id := c.server.Add(pollertest.Script{ID: "job", Type: "bind_ldap", Steps: []pollertest.Step{{Job: status.Job{
		Status: status.Success, BeginTime: "b", EndTime: "e", SubJobs: []status.Job{{ID: "s1"}, {ID: "s2"}},
	}}}})
	whole := c.job(id)
	edits := []struct {
		edit func(*status.Job)
		want string
	}{
		{func(j *status.Job) { *j = status.Job{Status: "RUNNING"} }, `{"status":"RUNNING"}`},
		{func(j *status.Job) { j.ID, j.Status, j.SubJobs = "another", "", nil },
			`{"job_id":"another","job_type":"bind_ldap","begin_time":"b","end_time":"e"}`},
		{func(j *status.Job) { j.SubJobs[0], j.SubJobs[1] = j.SubJobs[1], j.SubJobs[0] },
			`{"job_id":"job","job_type":"bind_ldap","status":"success","begin_time":"b","end_time":"e","sub_jobs":[{"job_id":"s2"},{"job_id":"s1"}]}`},
	}
	for _, e := range edits {
		c.server.Fail(rule{Times: 1, Edit: e.edit})
	}
	for _, e := range edits {
		assert.JSONEq(t, e.want, c.poll(id).body)
	}
	assert.Equal(t, whole, c.job(id), "the job itself is as it was")

	c.server.Fail(rule{Edit: func(*status.Job) { t.Error("there is no job") }})
	c.submit("share")
	assert.Equal(t, 404, c.poll("nope").status)
}

func TestBrokenConnections(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		id := c.server.Add(pollertest.Script{})
		whole := c.poll(id).body
		// A connection that was never used before: net/http repeats nothing on it.
		fresh := func(r rule) reply {
			c.client.CloseIdleConnections()
			c.server.Fail(r)
			return c.poll(id)
		}
		last := func() pollertest.Request {
			all := c.server.Requests()
			return all[len(all)-1]
		}

		r := fresh(rule{Times: 1, Break: pollertest.Reset})
		if strings.HasSuffix(t.Name(), "port") {
			assert.ErrorIs(t, r.err, syscall.ECONNRESET)
		} else {
			assert.ErrorIs(t, r.err, io.EOF)
		}
		assert.Zero(t, last().Status)

		assert.Error(t, fresh(rule{Times: 1, Break: pollertest.Reset, After: 5}).err)
		assert.Equal(t, 200, last().Status)

		assert.ErrorIs(t, fresh(rule{Times: 1, Break: pollertest.Truncate}).err, io.EOF)
		assert.Zero(t, last().Status)

		r = fresh(rule{Times: 1, Break: pollertest.Truncate, After: 5})
		assert.ErrorIs(t, r.err, io.ErrUnexpectedEOF)
		assert.Equal(t, whole[:5], r.body)

		r = fresh(rule{Times: 1, Break: pollertest.Truncate, After: 1_000_000})
		assert.ErrorIs(t, r.err, io.ErrUnexpectedEOF, "even with the whole body")
		assert.Equal(t, whole, r.body)

		r = fresh(rule{Times: 1, Break: pollertest.Cut})
		assert.NoError(t, r.err)
		assert.Equal(t, whole[:len(whole)/2], r.body)

		r = fresh(rule{Times: 1, Break: pollertest.Cut, After: 5, Status: 500})
		assert.NoError(t, r.err)
		assert.Equal(t, `{"err`, r.body)

		assert.Equal(t, whole, c.poll(id).body)
	})
}

func TestUsedConnectionsAreRepeatedByNetHTTP(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		id := c.server.Add(pollertest.Script{})
		c.job(id)
		c.server.Fail(rule{Times: 1, Break: pollertest.Reset})
		c.job(id)
		assert.Len(t, c.server.Requests(), 3)
	})
}

func TestALostResponseToASubmit(t *testing.T) {
	everywhere(t, func(t *testing.T, c *caller) {
		c.server.Fail(rule{Call: pollertest.Submit, Times: 1, Status: 503})
		c.server.Fail(rule{Call: pollertest.Submit, Times: 1, Break: pollertest.Reset})
		bind := func() reply { return c.do("POST", prefix+"shares/share/fs/ldap", ldapBody) }
		assert.Equal(t, 503, bind().status)
		assert.Error(t, bind().err)
		assert.Equal(t, 400, bind().status, "the lost one has started a job, and the refused one has not")
		requests := c.server.Requests()
		assert.Empty(t, requests[0].JobID)
		assert.Equal(t, 200, c.poll(requests[1].JobID).status)
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		id := c.server.Add(pollertest.Script{Steps: []pollertest.Step{{After: time.Second, Job: status.Job{Status: status.Success}}}})
		c.server.Fail(rule{Delay: 10 * time.Second})
		began := time.Now()
		r := c.poll(id)
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Equal(t, status.Waiting, decode[status.Job](t, r.body).Status, "as of the arrival")
		assert.Equal(t, "Sat, 01 Jan 2000 00:00:00 GMT", r.header.Get("Date"))

		c.client.Timeout = 3 * time.Second
		began = time.Now()
		assert.ErrorIs(t, c.poll(id).err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Zero(t, c.server.Requests()[1].Status)
	})
}

func TestHangUntilTheClientGivesUp(t *testing.T) {
	for _, after := range []int{0, 5} {
		synctest.Test(t, func(t *testing.T) {
			c := inMemory(t)
			id := c.server.Add(pollertest.Script{})
			c.server.Fail(rule{Times: 1, Break: pollertest.Hang, After: after})
			c.client.Timeout = time.Hour
			began := time.Now()
			r := c.poll(id)
			assert.ErrorIs(t, r.err, context.DeadlineExceeded)
			assert.Len(t, r.body, after)
			assert.Equal(t, time.Hour, time.Since(began))
			assert.Equal(t, id, c.job(id).ID)
		})
	}
}

func TestCloseEndsWhatHangsOrIsDelayed(t *testing.T) {
	for name, r := range map[string]rule{
		"hang":   {Break: pollertest.Hang},
		"middle": {Break: pollertest.Hang, After: 5},
		"delay":  {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, c *caller) {
				c.server.Fail(r)
				done := make(chan reply)
				go func() { done <- c.poll("job") }()
				require.Eventually(t, func() bool { return len(c.server.Requests()) == 1 }, 10*time.Second, time.Millisecond)
				c.server.Close()
				assert.Error(t, (<-done).err)
			})
		})
	}
}

func TestWhichRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t)
		c.server.Add(pollertest.Script{ID: "AB-CD"})
		c.server.Add(pollertest.Script{ID: "other"})
		c.server.Fail(rule{JobID: "abcd", Skip: 1, Times: 2, Status: 501})
		c.server.Fail(rule{Call: pollertest.Poll, Skip: 3, Times: 1, Status: 502})
		c.server.Fail(rule{Call: pollertest.Submit, Status: 503})
		c.server.Fail(rule{From: time.Minute, Until: 2 * time.Minute, Status: 504})
		c.server.Fail(rule{From: time.Hour, Status: 500})

		polls := func(id string, n int) (got []int) {
			for range n {
				got = append(got, c.poll(id).status)
			}
			return got
		}
		assert.Equal(t, []int{200, 501, 501, 200, 200, 502, 200}, polls("AB-CD", 7), "the second rule counts what the first lets through")
		assert.Equal(t, []int{200}, polls("other", 1))
		assert.Equal(t, 503, c.do("POST", prefix+"shares/abcd/fs/ldap", ldapBody).status)
		assert.Equal(t, 404, c.do("GET", "/nowhere", "").status)

		time.Sleep(time.Minute)
		assert.Equal(t, []int{504}, polls("other", 1))
		assert.Equal(t, 504, c.do("GET", "/nowhere", "").status, "any call")
		assert.Equal(t, 503, c.do("POST", prefix+"shares/abcd/fs/ldap", ldapBody).status, "the first that fits")
		time.Sleep(time.Minute)
		assert.Equal(t, []int{200}, polls("other", 1))
		time.Sleep(time.Hour)
		assert.Equal(t, []int{500}, polls("other", 1))
	})
}

func TestRulesThatMakeNoSense(t *testing.T) {
	for name, r := range map[string]rule{
		"call":                {Call: "watch"},
		"a submitted job":     {Call: pollertest.Submit, JobID: "job"},
		"skip":                {Skip: -1},
		"times":               {Times: -1},
		"after":               {After: -1},
		"delay":               {Delay: -1},
		"an empty window":     {From: 2, Until: 2},
		"an interim status":   {Status: 100},
		"body":                {Status: 500, Body: "xml"},
		"break":               {Break: "fast"},
		"a code without body": {Code: "SFS.TURBO.0005"},
		"a message for 200":   {Status: 200, Message: "m"},
		"a code and raw":      {Raw: "{}", Code: "C"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Panics(t, func() { pollertest.New().Fail(r) })
		})
	}
}
