package poller_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

// said returns a poll of a service that responds with a status and a body, and says how long that
// is.
func said(t *testing.T) func(status, length int, body string) (poller.Reply, error) {
	t.Helper()
	var resp http.Response
	c, err := poller.New("http://127.0.0.1", "project", poller.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp.Request = r
			return &resp, nil
		}),
	}))
	require.NoError(t, err)
	return func(status, length int, body string) (poller.Reply, error) {
		resp = http.Response{StatusCode: status, ContentLength: int64(length), Body: io.NopCloser(strings.NewReader(body))}
		return c.Poll(t.Context(), jobID)
	}
}

// The memory of a body is used again for the next one.
func TestWhatAResponseSaidStaysWhenOthersFollow(t *testing.T) {
	poll := said(t)
	overwrite := func() {
		for range 4 {
			_, _ = poll(200, -1, strings.Repeat("#", 32<<10))
		}
	}
	for _, c := range []struct {
		status int
		body   string
	}{
		{200, `{"status":"a status","job_type":"a type","begin_time":1690364038,"sub_jobs":[{"job_id":"a sub-job"},{}]}`},
		{200, `{"status":"a status","sub_jobs":"no list","fail_reason":"a \"reason\"","error_code":[]}`},
		{200, `{"status":"running","fail_reason":"` + strings.Repeat("x", 100<<10) + `"}`},
		{200, `{"status":{}}`}, {200, `[1,2,3]`}, {200, `"not a job"`}, {200, `{"a":`}, {200, ""}, {200, "<html><title>a title"},
		{400, `{"errCode":"SFS.TURBO.0005","errMsg":"a message"}`}, {502, "<Error><Code>a code</Code><Message>a message"},
	} {
		overwrite()
		reply, err := poll(c.status, -1, c.body)
		before := fmt.Sprintf("%#v %v", reply, err)
		require.NotContains(t, before, "##", "nothing is left of the response before")
		overwrite()
		require.Equal(t, before, fmt.Sprintf("%#v %v", reply, err))
	}
}

func TestAContentLengthThatLiesTakesNoMemory(t *testing.T) {
	poll := said(t)
	each := leastOf(func() { _, _ = poll(200, 1<<30, `{"status":"running"}`) })[2]
	require.Less(t, each, 32.*1024)
}
