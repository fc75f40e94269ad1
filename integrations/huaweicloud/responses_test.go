package huaweicloud_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

type rule = pollertest.Rule

// For each response, a poll through the SDK returns what a poll by poller.Client returns.
// The column sdk has what the SDK alone makes of the response: it shows what would be lost
// without the adapter, and, because others wrote the SDK, that pollertest speaks the
// service's language.
func TestEveryResponse(t *testing.T) {
	const (
		running = `{"job_id":"JOB","status":"running"}`
		object  = `{"status":"running",`
	)
	location := func(to string) http.Header { return http.Header{"Location": {to}} }
	raw := func(body string) rule { return rule{Raw: body} }
	tests := map[string]struct {
		rule rule
		want string // the job's status, or verdict and kind
		sdk  string // the job's status, or the HTTP status and the error's code
	}{
		"good":                  {rule{}, "running", "running"},
		"retry after":           {rule{RetryAfter: "7"}, "running", "running"},
		"no date, no id":        {rule{Header: http.Header{"Date": nil, "X-Request-Id": nil}}, "running", "running"},
		"upper case":            {raw(`{"status":"RUNNING"}`), "RUNNING", "RUNNING"},
		"a new status":          {raw(`{"status":"paused"}`), "paused", "paused"},
		"nulls":                 {raw(object + `"job_id":null,"sub_jobs":null,"error_code":null}`), "running", "running"},
		"a time in numbers":     {raw(object + `"begin_time":1690363638000}`), "running", `200 ""`},
		"sub-jobs are no list":  {raw(object + `"sub_jobs":{}}`), "running", `200 ""`},
		"1,000 levels":          {raw(object + `"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}"), "running", "running"},
		"no status":             {raw(`{}`), "passing bad answer", "200 without status"},
		"status null":           {raw(`{"status":null}`), "passing bad answer", "200 without status"},
		"status empty":          {raw(`{"status":""}`), "passing bad answer", ""},
		"another job":           {raw(object + `"job_id":"other"}`), "passing bad answer", "running"},
		"null":                  {raw(`null`), "passing bad answer", "200 without status"},
		"a list":                {raw(`[` + running + `]`), "passing bad answer", `200 ""`},
		"two jobs":              {raw(running + running), "passing bad answer", "running"},
		"no JSON":               {raw("OK"), "passing bad answer", `200 ""`},
		"nothing":               {rule{Body: pollertest.Empty}, "passing bad answer", "200 without status"},
		"a page":                {rule{Body: pollertest.HTML}, "passing bad answer", `200 ""`},
		"an error, though 200":  {rule{Body: pollertest.Gateway}, "passing bad answer", "200 without status"},
		"2,001 sub-jobs":        {raw(object + `"sub_jobs":[` + strings.Repeat("{},", 2000) + "{}]}"), "passing bad answer", "running"},
		"more than 1 MiB":       {raw(object + `"x":"` + strings.Repeat("x", 1<<20) + `"}`), "passing bad answer", "running"},
		"20,000 levels":         {raw(object + `"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "}"), "passing bad answer", `200 ""`},
		"202":                   {rule{Status: 202}, "passing bad answer", "running"},
		"204":                   {rule{Status: 204, Body: pollertest.Empty}, "passing bad answer", "204 without status"},
		"redirect":              {rule{Status: 302, Header: location("https://example.com/")}, "permanent 302", "302 without status"},
		"redirect to a file":    {rule{Status: 307, Header: location("file:///etc/passwd")}, "permanent 307", "307 without status"},
		"not modified":          {rule{Status: 304}, "permanent 304", "304 without status"},
		"no such job":           {rule{Status: 404}, "not found 404", `404 ""`},
		"bad parameter":         {rule{Status: 400, Code: "SFS.TURBO.0002"}, "not found 400", `400 ""`},
		"internal error, 400":   {rule{Status: 400, Code: "SFS.TURBO.0005"}, "passing 400", `400 ""`},
		"wrong address":         {rule{Status: 404, Body: pollertest.Gateway}, "permanent 404", `404 "APIGW.0101"`},
		"another gateway":       {rule{Status: 404, Body: pollertest.Gateway, Code: "APIC.0101"}, "permanent 404", `404 "APIC.0101"`},
		"token must be updated": {rule{Status: 401, Code: "APIGW.0307"}, "unauthorized 401", `401 "APIGW.0307"`},
		"no permission":         {rule{Status: 403, RetryAfter: "1"}, "permanent 403", `403 ""`},
		"throttled":             {rule{Status: 429, RetryAfter: "12"}, "throttled 429", `429 "APIGW.0308"`},
		"throttled till a date": {rule{Status: 429, RetryAfter: "Wed, 26 Jul 2023 09:34:00 GMT"}, "throttled 429", `429 "APIGW.0308"`},
		"overloaded":            {rule{Status: 503, RetryAfter: "soon"}, "passing 503", `503 "APIGW.0201"`},
		"a proxy's page":        {rule{Status: 502, Body: pollertest.HTML}, "passing 502", `502 ""`},
		"late":                  {rule{Delay: 20 * time.Millisecond}, "running", "running"},
		"reset":                 {rule{Break: pollertest.Reset}, "passing network", "no answer"},
		"reset in the body":     {rule{Break: pollertest.Reset, After: 9}, "passing bad answer", "no answer"},
		"closed":                {rule{Break: pollertest.Truncate}, "passing network", "no answer"},
		"truncated":             {rule{Break: pollertest.Truncate, After: 9}, "passing bad answer", "no answer"},
		"truncated 403":         {rule{Status: 403, Break: pollertest.Truncate, After: 9}, "permanent 403", `0 ""`},
		"cut":                   {rule{Break: pollertest.Cut}, "passing bad answer", `200 ""`},
		"cut 429":               {rule{Status: 429, Break: pollertest.Cut}, "throttled 429", `429 ""`},
		"hangs":                 {rule{Break: pollertest.Hang}, "passing timeout", "hangs"},
		"hangs in the body":     {rule{Break: pollertest.Hang, After: 9}, "passing timeout", "hangs"},
		"403, and hangs":        {rule{Status: 403, Break: pollertest.Hang, After: 9}, "permanent 403", "hangs"},
	}
	c := compare(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want, sdk := c.ask(t, test.rule)
			require.Equal(t, test.want, want)
			require.Equal(t, test.sdk, sdk)
		})
	}
}

func TestEveryStatusAndShape(t *testing.T) {
	c := compare(t)
	for code := 201; code < 600; code++ {
		_, sdk := c.ask(t, rule{Status: code})
		if code >= 300 {
			require.Regexp(t, fmt.Sprintf(`^%d `, code), sdk)
		}
	}
	for _, shape := range []pollertest.Body{
		pollertest.Service, pollertest.ServiceSnake, pollertest.Gateway, pollertest.IAM,
		pollertest.Forbidden, pollertest.Bare, pollertest.HTML, pollertest.Empty,
	} {
		for _, code := range []int{400, 401, 403, 404, 429, 500, 503} {
			c.ask(t, rule{Status: code, Body: shape, Message: "a reason"})
			if shape != pollertest.Forbidden && shape != pollertest.HTML && shape != pollertest.Empty {
				c.ask(t, rule{Status: code, Body: shape, Code: "X.1", Message: "a reason"})
			}
		}
	}
}

// comparison asks one server for a job three times.
type comparison struct {
	server          *pollertest.Server
	sdk             showJobDetail
	through, direct poller.Poller
	jobs            int
}

type showJobDetail func(*model.ShowJobDetailRequest) (*model.ShowJobDetailResponse, error)

func compare(t *testing.T) *comparison {
	server := service(t)
	client := client(t, server.Start())
	return &comparison{server: server, sdk: client.ShowJobDetail, through: through(t, client), direct: direct(t, server.Start())}
}

// ask returns what a Client makes of the rule, and checks that the adapter makes the
// same of it; and what the SDK does.
func (c *comparison) ask(t *testing.T, r rule) (client, sdk string) {
	t.Helper()
	c.jobs++
	r.JobID = c.server.Add(pollertest.Script{ID: fmt.Sprintf("job-%d", c.jobs), Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}}})
	r.Raw = strings.ReplaceAll(r.Raw, "JOB", r.JobID)
	c.server.Fail(r)

	want, wantErr := patiently(t, c.direct, r)
	reply, err := patiently(t, c.through, r)
	require.Equal(t, told(wantErr), told(err))
	require.Equal(t, poller.Classify(wantErr), poller.Classify(err), "%v", err)
	require.Equal(t, poller.Kind(wantErr), poller.Kind(err), "%v", err)
	if e, ok := errors.AsType[*poller.Error](wantErr); ok && e.StatusCode != 0 {
		through, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok)
		require.Equal(t, []any{e.StatusCode, e.Code, e.Message, e.RetryAfter}, []any{through.StatusCode, through.Code, through.Message, through.RetryAfter})
		require.Equal(t, c.lastID(), through.RequestID)
	}
	if err == nil {
		require.Equal(t, want.Job, reply.Job)
		require.Equal(t, want.RetryAfter, reply.RetryAfter)
		require.Equal(t, want.RequestID != "", reply.RequestID == c.lastID())
		require.WithinDuration(t, want.ServerTime, reply.ServerTime, time.Second)
		return string(want.Job.Status), c.bySDK(r)
	}
	return poller.Classify(err).String() + " " + poller.Kind(err), c.bySDK(r)
}

func (c *comparison) lastID() string { r := c.server.Requests(); return r[len(r)-1].RequestID }

// patiently waits for an answer, unless there will be none.
func patiently(t *testing.T, p poller.Poller, r rule) (poller.Reply, error) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout(r, 10*time.Second))
	defer cancel()
	return p.Poll(ctx, r.JobID)
}

func timeout(r rule, usual time.Duration) time.Duration {
	if r.Break == pollertest.Hang {
		return 250 * time.Millisecond // long enough for the head of an answer
	}
	return usual
}

var differs = regexp.MustCompile(`[0-9a-f]{32}|127\.0\.0\.1:\d+->`) // request ids and ports

func told(err error) string {
	return differs.ReplaceAllString(fmt.Sprint(err), "*")
}

// bySDK says what a caller of ShowJobDetail gets.
func (c *comparison) bySDK(r rule) string {
	said := make(chan string, 1)
	go func() {
		resp, err := c.sdk(&model.ShowJobDetailRequest{ContentType: "application/json", JobId: r.JobID})
		e, refused := errors.AsType[*sdkerr.ServiceResponseError](err)
		switch {
		case refused:
			said <- fmt.Sprintf("%d %q", e.StatusCode, e.ErrorCode)
		case err != nil:
			said <- "no answer"
		case resp.Status == nil:
			said <- fmt.Sprintf("%d without status", resp.HttpStatusCode)
		default:
			said <- resp.Status.Value()
		}
	}()
	select {
	case s := <-said:
		return s
	case <-time.After(timeout(r, 10*time.Second)):
		return "hangs"
	}
}
