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
		`{"jobId":"a/b \u4efb"}`:              "a/b 任",
		`{"jobId":"x","errCode":"","a":[{}]}`: "x",
		pageSample:                            "26f6b565-xxxx-XXXX-xxxx-03f0bd975433",
	} {
		id, err := poller.JobID([]byte(body))
		require.NoError(t, err, body)
		require.Equal(t, want, id, body)
	}
}

func TestJobIDSaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		"":                         "it is empty",
		" \n":                      "it is empty",
		"OK":                       "not JSON",
		`{"jobId":"a`:              "not JSON",
		`{"jobId":"a"}x`:           "not JSON",
		"<title>Sign in</title>":   `HTML page "Sign in"`,
		"null":                     "unknown shape",
		`[{"jobId":"a"}]`:          "unknown shape",
		`"a"`:                      "unknown shape",
		"{}":                       "neither jobId nor job_id",
		`{"jobId":null}`:           "neither jobId nor job_id",
		`{"jobId":"","job_id":""}`: "neither jobId nor job_id",
		`{"jobId":7}`:              "not a string",
		`{"jobId":{"id":"a"}}`:     "not a string",
		`{"job_id":["a"]}`:         "not a string",
		`{"jobId":" "}`:            "job id is empty",
		`{"jobId":"."}`:            `job id is "."`,
		`{"job_id":".."}`:          `job id is ".."`,
	} {
		id, err := poller.JobID([]byte(body))
		require.ErrorContains(t, err, want, "%s", body)
		require.Empty(t, id)
	}
}

func TestJobIDOfARefusedCall(t *testing.T) {
	for name, body := range shapes("SFS.TURBO.0011") {
		_, err := poller.JobID([]byte(body))
		e, ok := errors.AsType[*poller.Error](err)
		require.True(t, ok, name)
		require.Equal(t, "SFS.TURBO.0011", e.Code)
		require.Equal(t, "words", e.Message)
		require.ErrorContains(t, err, "the call was refused: SFS.TURBO.0011: words")
	}
}

func FuzzJobID(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", `{"jobId":"a-1"}`, `{"job_id":"a-1"}`, `{"jobId":null,"job_id":".."}`, `{"jobId":7}`,
		`{"errCode":"SFS.TURBO.0011","errMsg":"busy"}`, "<html>", `{"jobId":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, err := poller.JobID(body)
		if (err == nil) == (id == "") {
			t.Fatalf("%q and %v", id, err)
		}
		if err == nil && (strings.TrimSpace(id) == "" || id == "." || id == "..") {
			t.Fatalf("%q can't be polled", id)
		}
		if err != nil && (len(err.Error()) > 5_000 || strings.ContainsAny(err.Error(), "\n\r\x1b")) {
			t.Fatalf("%q", err)
		}
	})
}
