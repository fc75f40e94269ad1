package poller_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

func TestJobID(t *testing.T) {
	for body, want := range map[string]string{
		`{"jobId":"a-1"}`:                     "a-1",
		`{"job_id":"a-1"}`:                    "a-1",
		" {\n\"jobId\" : \"a-1\" }\n":         "a-1",
		`{"jobId":"first","job_id":"second"}`: "first",
		`{"job_id":"second","jobId":"first"}`: "first",
		`{"jobId":"","job_id":"second"}`:      "second",
		`{"jobId":null,"job_id":"second"}`:    "second",
		`{"jobId":"first","job_id":7}`:        "first",
		`{"jobId":"a/b\u4efb"}`:               "a/b任",
		`{"jobId":"x","errCode":"","a":[{}]}`: "x",
		"\ufeff" + `{"jobId":"a-1"}`:          "a-1",
		" \ufeff\n" + `{"job_id":"a-1"}`:      "a-1",
		"\ufeff\ufeff" + `{"jobId":"a-1"}`:    "a-1",
		pageSample:                            "26f6b565-xxxx-XXXX-xxxx-03f0bd975433",
	} {
		for _, code := range []int{200, 202} {
			id, err := poller.JobID(code, []byte(body))
			require.NoError(t, err, body)
			require.Equal(t, want, id, body)
		}
	}
}

func TestJobIDSaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		"":                         "it is empty",
		" \n":                      "it is empty",
		"\ufeff":                   "it is empty",
		`{"jobId":"a"}` + "\ufeff": `broken JSON: {"jobId":"a"}`,
		"OK":                       `no job id: "OK"`,
		`{"jobId":"a`:              `broken JSON: {"jobId":"a`,
		`{"jobId":"a"}x`:           `broken JSON: {"jobId":"a"}x`,
		"<title>Sign in</title>":   `HTML page "Sign in"`,
		"null":                     "unknown shape",
		`[{"jobId":"a"}]`:          "unknown shape",
		`"a"`:                      `no job id: "a"`,
		"{}":                       "neither jobId nor job_id",
		`{"jobId":null}`:           "neither jobId nor job_id",
		`{"jobId":"","job_id":""}`: "neither jobId nor job_id",
		`{"jobId":7}`:              "not a string",
		`{"jobId":{"id":"a"}}`:     "not a string",
		`{"job_id":["a"]}`:         "not a string",
		`{"jobId":" "}`:            "job id is empty",
		`{"jobId":"."}`:            `job id is "."`,
		`{"job_id":".."}`:          `job id is ".."`,
		`{"job_id":"a b"}`:         `job id "a b" has a space or an invisible character`,
	} {
		id, err := poller.JobID(202, []byte(body))
		require.ErrorContains(t, err, "HTTP 202 Accepted: the response", "%s", body)
		require.ErrorContains(t, err, want, "%s", body)
		require.Empty(t, id)
		require.Equal(t, poller.Passing, poller.Classify(err))
		require.Equal(t, "bad answer", poller.Kind(err))
	}
}

func TestJobIDOfARefusedCall(t *testing.T) {
	for name, body := range shapes("SFS.TURBO.0011") {
		for code, verdict := range map[int]poller.Verdict{200: poller.Passing, 302: poller.Permanent, 401: poller.Unauthorized, 409: poller.Permanent, 429: poller.Throttled, 503: poller.Passing} {
			_, err := poller.JobID(code, []byte(body))
			e, ok := errors.AsType[*poller.Error](err)
			require.True(t, ok, name)
			require.Equal(t, code, e.StatusCode)
			require.Equal(t, "SFS.TURBO.0011", e.Code)
			require.Equal(t, "words", e.Message)
			require.Equal(t, name == "the gateway", e.RequestID == "r")
			require.Equal(t, verdict, poller.Classify(err))
			require.ErrorContains(t, err, "the call was refused: SFS.TURBO.0011: words")
		}
	}
	_, err := poller.JobID(404, []byte(`{"errCode":"SFS.TURBO.0001","errMsg":"no such share"}`))
	require.EqualError(t, err, "HTTP 404 Not Found: the call was refused: SFS.TURBO.0001: no such share", "without advice about a job")
	_, err = poller.JobID(500, []byte(`{"jobId":"a"}`))
	require.EqualError(t, err, "HTTP 500 Internal Server Error: the call was refused: JSON of an unknown shape: {\"jobId\":\"a\"}")
}

func TestJobIDOfARefusedCallWithAByteOrderMark(t *testing.T) {
	_, err := poller.JobID(409, []byte("\ufeff"+`{"errCode":"SFS.TURBO.0011","errMsg":"busy"}`))
	require.EqualError(t, err, "HTTP 409 Conflict: the call was refused: SFS.TURBO.0011: busy; a share runs one operation at a time: wait until the other one has ended")
}

// What does not print is quoted: otherwise nobody sees what is wrong with the id.
func TestAnIDWithWhatDoesNotPrint(t *testing.T) {
	for id, quoted := range map[string]string{
		"a\nb": `"a\nb"`, "a b": `"a b"`, "\ufeffa": `"\ufeffa"`, "a\u200b": `"a\u200b"`, "a\u00a0b": `"a\u00a0b"`, "a\x00": `"a\x00"`,
		strings.Repeat("a", 1000) + " ": `"` + strings.Repeat("a", 64) + `"`,
	} {
		require.EqualError(t, poller.CheckID(id), "the job id "+quoted+" has a space or an invisible character in it: use the one that the submitting call returned")
	}
	_, err := poller.New("https://example.com", "a\tb")
	require.ErrorContains(t, err, `the project id "a\tb" has a space`)
}

func FuzzJobID(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"jobId":"a-1"}`, `{"job_id":"a-1"}`, `{"jobId":null,"job_id":".."}`, `{"jobId":7}`,
		`{"errCode":"SFS.TURBO.0011","errMsg":"busy"}`, "<html>", `{"jobId":"\ud800"}`,
	} {
		f.Add(202, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		id, err := poller.JobID(code, body)
		if (err == nil) == (id == "") {
			t.Fatalf("%q and %v", id, err)
		}
		if err == nil && (code/100 != 2 || poller.CheckID(id) != nil) {
			t.Fatalf("%d: %q can't be polled", code, id)
		}
		if err != nil && (len(err.Error()) > 5_000 || strings.ContainsAny(err.Error(), "\n\r\x1b")) {
			t.Fatalf("%q", err)
		}
	})
}
