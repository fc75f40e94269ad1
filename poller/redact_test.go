package poller_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

func TestAJobThatQuotesTheTokenLosesIt(t *testing.T) {
	body := `{"job_id":"a","status":"failed","fail_reason":"bad token TOKEN","sub_jobs":[
		{"job_id":"TOKEN","status":"paused TOKEN","job_type":"TOKEN","error_code":"TOKEN"},{"job_id":"b","status":"running"}]}`
	ask := func(token string) poller.Reply {
		c := client(t, "https://example.com", poller.WithCredential(credential.Token(token)), poller.WithHTTPClient(&http.Client{
			Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, Request: r, Header: http.Header{},
					Body: io.NopCloser(strings.NewReader(strings.ReplaceAll(body, "TOKEN", token))),
				}, nil
			}),
		}))
		reply, err := c.Poll(t.Context(), "a")
		require.NoError(t, err)
		return reply
	}
	require.Equal(t, status.Job{ID: "a", Status: "failed", FailReason: "bad token [redacted]", SubJobs: []status.Job{
		{ID: "[redacted]", Status: "paused [redacted]", Type: "[redacted]", ErrorCode: "[redacted]"}, {ID: "b", Status: "running"},
	}}, ask(token).Job)
	require.Equal(t, status.Running, ask("running").Job.SubJobs[1].Status, "what is no secret stays")
}
