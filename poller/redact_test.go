package poller_test

import (
	"context"
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
	require.Equal(t, status.Status("failed"), ask("failed").Job.Status)
}

type keyed struct{}

func (keyed) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=AKEXAMPLE0000000000, SignedHeaders=host;x-sdk-date, Signature="+strings.Repeat("5a", 32))
	return nil
}

func TestTheNameOfASchemeIsNoSecret(t *testing.T) {
	c := client(t, "https://example.com", poller.WithCredential(keyed{}), poller.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			said := `{"error_code":"APIGW.0301","error_msg":"SDK-HMAC-SHA256 Access key not found, got Signature=` + strings.Repeat("5a", 32) + `"}`
			return &http.Response{StatusCode: 401, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(said))}, nil
		}),
	}))
	_, err := c.Poll(t.Context(), "a")
	require.ErrorContains(t, err, "SDK-HMAC-SHA256 Access key not found, got Signature=[redacted]")
}
