package poller_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// hang sends nothing more.
func hang(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestGoodResponses(t *testing.T) {
	for name, body := range map[string]string{
		"as documented":         good,
		"no job id":             `{"status":"running"}`,
		"a null job id":         `{"job_id":null,"status":"running"}`,
		"no dashes":             `{"job_id":"26F6B565111122223333` + `03F0BD975433","status":"running"}`,
		"spaces around":         " \r\n\t" + good + " \n\n",
		"keys it does not know": `{"status":"running","progress":{"percent":[1,2]}}`,
		"an unknown status":     `{"status":"ROLLING_BACK"}`,
		"times as numbers":      `{"status":"running","begin_time":1690364038000}`,
		"2,000 sub-jobs":        `{"status":"running","sub_jobs":[` + strings.Repeat(`{"status":"running"},`, 1999) + `{}]}`,
		"no sub-jobs, long":     `{"status":"running","sub_jobs":"","fail_reason":"` + strings.Repeat("x", 10_000) + `"}`,
		"exactly 1 MiB":         `{"status":"running"}` + strings.Repeat(" ", 1<<20-20),
	} {
		t.Run(name, func(t *testing.T) {
			reply, err := poll(t, answer(200, body))
			require.NoError(t, err)
			require.NotEmpty(t, reply.Job.Status)
		})
	}
}

// A finished job that is read as a bad response is polled forever.
func TestAFinishedJobIsReadWhateverElseIsWrong(t *testing.T) {
	for body, dropped := range map[string]string{
		`{"status":"success","sub_jobs":{}}`:                    "sub_jobs, which is not a list",
		`{"status":"success","sub_jobs":7}`:                     "sub_jobs, which is not a list",
		`{"status":"success","sub_jobs":"x"}`:                   "sub_jobs, which is not a list",
		`{"status":"success","sub_jobs":[1,2]}`:                 "a sub-job, which is not an object",
		`{"status":"success","sub_jobs":[{"job_id":"a"},[]]}`:   "a sub-job, which is not an object",
		`{"status":"success","fail_reason":{}}`:                 "fail_reason, which is not a text",
		`{"status":"success ","job_id":" ` + jobID + `\n"}`:     "",
		`{"status":"\u00a0success\t"}`:                          "",
		`{"status":"\r\nsuccess"}`:                              "",
		"\ufeff" + `{"status":"success"}`:                       "",
		" \ufeff\r\n" + `{"status":"success"}`:                  "",
		`{"status":"success","sub_jobs":null,"progress":[1,2]}`: "",
	} {
		reply, err := poll(t, answer(200, body))
		require.NoError(t, err, body)
		require.Equal(t, status.Success, reply.Job.Status, body)
		require.Equal(t, dropped, reply.Dropped, body)
	}
}

func TestAByteOrderMarkHidesNoError(t *testing.T) {
	for code, verdict := range map[int]poller.Verdict{400: poller.NotFound, 404: poller.NotFound, 503: poller.Passing} {
		_, err := poll(t, answer(code, "\ufeff"+`{"errCode":"SFS.TURBO.0001","errMsg":"parameter error"}`))
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok)
		require.Equal(t, "SFS.TURBO.0001", e.Code)
		require.Equal(t, verdict, poller.Classify(err))
	}
}

func TestBadResponses(t *testing.T) {
	for name, c := range map[string]struct {
		code       int
		body, want string
	}{
		"empty":                   {200, "", "the response is empty"},
		"blank":                   {200, " \n ", "the response is empty"},
		"HTML":                    {200, "<html><title>Sign in</title>", `HTML page "Sign in"`},
		"text":                    {200, "OK", `not a job: "OK": if this persists`},
		"a list":                  {200, "[" + good + "]", "not a job"},
		"null":                    {200, "null", "not a job"},
		"a text in JSON":          {200, `"success"`, "not a job"},
		"truncated JSON":          {200, good[:40], "unexpected end of JSON"},
		"trailing garbage":        {200, good + "x", "invalid character 'x' after top-level value"},
		"two jobs":                {200, good + good, "after top-level value"},
		"no status":               {200, `{"job_id":"` + jobID + `"}`, "no status"},
		"an empty status":         {200, `{"status":""}`, "no status"},
		"a blank status":          {200, `{"status":" "}`, "no status"},
		"a null status":           {200, `{"status":null}`, "no status"},
		"a status as object":      {200, `{"status":{}}`, "no status"},
		"an error":                {200, `{"errCode":"SFS.TURBO.0005","errMsg":"Internal server error"}`, "no status: SFS.TURBO.0005: Internal server error"},
		"another job":             {200, `{"job_id":"another","status":"success"}`, `for another job, "another"`},
		"ends early":              {200, `{"status":"success","sub_jobs":{`, "unexpected end of JSON"},
		"only a byte-order mark":  {200, "\ufeff", "the response is empty"},
		"2,001 bad sub-jobs":      {200, `{"status":"success","sub_jobs":[` + strings.Repeat("1,", 5000) + `1]}`, "more than 2000 sub-jobs"},
		"2,001 sub-jobs":          {200, `{"status":"running","sub_jobs":[` + strings.Repeat("{},", 2000) + `{}]}`, "more than 2000 sub-jobs"},
		"2,001 in two lists":      {200, `{"status":"running","sub_jobs":[` + strings.Repeat("{},", 1000) + `{}],"SUB_JOBS":[` + strings.Repeat("{},", 999) + `{}]}`, "more than 2000 sub-jobs"},
		"more than 1 MiB":         {200, `{"status":"running"}` + strings.Repeat(" ", 1<<20-19), "longer than 1 MiB"},
		"created":                 {201, good, "only a 200 is a good response"},
		"accepted":                {202, good, "only a 200 is a good response"},
		"no content":              {204, "", "only a 200 is a good response"},
		"deeper than JSON may be": {200, `{"status":"running","x":` + strings.Repeat("[", 20_000), "exceeded max depth"},
	} {
		t.Run(name, func(t *testing.T) {
			reply, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", "9f3c2a")
				w.Header().Set("Retry-After", "3")
				answer(c.code, c.body)(w, r)
			})
			require.Zero(t, reply)
			e, ok := errors.AsType[*poller.Error](err)
			require.True(t, ok)
			require.Equal(t, c.code, e.StatusCode)
			require.Error(t, e.Err)
			require.Equal(t, "9f3c2a", e.RequestID)
			require.Equal(t, 3*time.Second, e.RetryAfter)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, name == "an error", e.Message != "", "the words of a service that refuses")
			require.Equal(t, poller.Passing, poller.Classify(err))
			require.Equal(t, "bad answer", poller.Kind(err))
		})
	}
}

func TestResponsesThatBreakOff(t *testing.T) {
	for name, c := range map[string]struct{ response, kind string }{
		"nothing":         {"", "network"},
		"within headers":  {"HTTP/1.1 200 OK\r\nContent-Le", "network"},
		"no HTTP":         {"SSH-2.0-OpenSSH_9.6\r\n", "network"},
		"within the body": {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + good, "bad answer"},
		"within a chunk":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + good, "bad answer"},
		"no gzip":         {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "bad answer"},
		"of an error":     {"HTTP/1.1 503 Oops\r\nContent-Length: 1000\r\n\r\n{", "503"},
		"header too long": {"HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 300<<10) + "\r\n\r\n", "network"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, serveRaw(t, c.response)).Poll(within(t, 10*time.Second), jobID)
			require.Error(t, err)
			require.Equal(t, poller.Passing, poller.Classify(err), "%v", err)
			require.Equal(t, c.kind, poller.Kind(err), "%v", err)
		})
	}
}

// A status that was seen counts, even if the body never came.
func TestRefusalThatBreaksOffIsStillARefusal(t *testing.T) {
	_, err := client(t, serveRaw(t, "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n{")).Poll(within(t, 10*time.Second), jobID)
	require.Equal(t, poller.Permanent, poller.Classify(err))
}

func TestLongBodyDoesNotHoldAPollUp(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat(" ", 1<<20+1))
		hang(w, r)
	})
	_, err := client(t, s.URL).Poll(within(t, 10*time.Second), jobID)
	require.ErrorContains(t, err, "longer than 1 MiB")
}

type closing struct {
	io.ReadCloser
	closed *int
}

func (c closing) Close() error {
	*c.closed++
	return c.ReadCloser.Close()
}

func TestEveryBodyIsClosed(t *testing.T) {
	opened, closed := 0, 0
	transport := &http.Transport{}
	own := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := transport.RoundTrip(r)
		if err == nil {
			opened++
			resp.Body = closing{resp.Body, &closed}
		}
		return resp, err
	})}
	defer transport.CloseIdleConnections()
	for _, c := range []struct {
		code int
		body string
	}{{200, good}, {200, "<html>"}, {200, strings.Repeat(" ", 2<<20)}, {204, ""}, {302, "x"}, {404, "x"}, {503, strings.Repeat("x", 2<<20)}} {
		poll(t, answer(c.code, c.body), poller.WithHTTPClient(own))
	}
	require.Equal(t, 7, opened)
	require.Equal(t, opened, closed)
}

func zipped(body string) http.HandlerFunc {
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestSpeed)
	io.WriteString(w, body)
	w.Close()
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(z.Bytes())
	}
}

func TestGzip(t *testing.T) {
	reply, err := poll(t, zipped(good))
	require.NoError(t, err)
	require.Equal(t, status.Running, reply.Job.Status)

	_, err = poll(t, zipped(`{"status":"running"}`+strings.Repeat(" ", 4<<20)))
	require.ErrorContains(t, err, "longer than 1 MiB")
}

// hostileBodies need much more memory decoded than on the wire.
func hostileBodies() map[string]string {
	list := func(element string) string {
		const begin, end = `{"status":"running","sub_jobs":[`, `{}]}`
		return begin + strings.Repeat(element, (1<<20-len(begin+end))/len(element)) + end
	}
	return map[string]string{
		"sub-jobs":          list("{},"),
		"null sub-jobs":     list("null,"),
		"long sub-jobs":     list(`{"job_id":"` + strings.Repeat("x", 100) + `"},`),
		"nested sub-jobs":   `{"status":"running","sub_jobs":[{"sub_jobs":[` + strings.Repeat("{},", 300_000) + `{}]}]}`,
		"many lists":        `{"status":"running"` + strings.Repeat(`,"sub_jobs":[{},{},{},{},{},{},{},{}]`, 20_000) + `}`,
		"a long error":      `{"errMsg":"` + strings.Repeat("错", 300_000) + `"}`,
		"an echoed token":   `{"errMsg":"` + strings.Repeat(token, 30_000) + `"}`,
		"an error of lists": `{"error":{"code":[` + strings.Repeat("{},", 300_000) + `{}]}}`,
	}
}

func TestHostileResponsesNeedLittleMemory(t *testing.T) {
	for name, body := range hostileBodies() {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(200, body))
			c := client(t, s.URL)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c.Poll(t.Context(), jobID)
			runtime.ReadMemStats(&after)
			t.Logf("%d KiB", (after.TotalAlloc-before.TotalAlloc)>>10)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(24<<20))
		})
	}
}

func TestRequestIDOfTheHeaderWins(t *testing.T) {
	const body = `{"error_code":"APIGW.0301","error_msg":"no","request_id":"of the body"}`
	for header, want := range map[string]string{"of the header": "of the header", "": "of the body"} {
		_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
			if header != "" {
				w.Header().Set("X-Request-Id", header)
			}
			answer(403, body)(w, r)
		})
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok)
		require.Equal(t, want, e.RequestID)
	}
}

func TestRetryAfterOnErrors(t *testing.T) {
	for _, code := range []int{301, 400, 401, 404, 429, 500, 503} {
		_, err := poll(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Wed, 26 Jul 2023 09:34:00 GMT")
			w.Header().Set("Retry-After", "Wed, 26 Jul 2023 09:34:30 GMT")
			answer(code, "")(w, r)
		})
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok, fmt.Sprint(code))
		require.Equal(t, 30*time.Second, e.RetryAfter)
	}
}
