package status_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// The sample of the service's own page, byte for byte.
const published = `{
  "job_id" : "26f6b565-xxxx-XXXX-xxxx-03f0bd975433",
  "status" : "success",
  "job_type" : "bind_ldap",
  "begin_time" : "2023-07-26 09:33:58",
  "end_time" : "2023-07-26 09:33:58"
}`

func TestJobUnmarshalJSONPublishedSample(t *testing.T) {
	require.Equal(t, status.Job{
		ID: "26f6b565-xxxx-XXXX-xxxx-03f0bd975433", Type: "bind_ldap", Status: status.Success,
		BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:33:58",
	}, decode(t, published))
}

func TestJobUnmarshalJSON(t *testing.T) {
	sub := func(id string) status.Job { return status.Job{ID: id} }
	for name, c := range map[string]struct {
		body string
		want status.Job
	}{
		"empty object":              {`{}`, status.Job{}},
		"null":                      {`null`, status.Job{}},
		"numbers":                   {`{"job_id":7,"begin_time":1690364038000,"error_code":1.50}`, status.Job{ID: "7", BeginTime: "1690364038000", ErrorCode: "1.50"}},
		"numbers beyond a float64":  {`{"job_id":12345678901234567890,"fail_reason":1e999}`, status.Job{ID: "12345678901234567890", FailReason: "1e999"}},
		"booleans":                  {`{"status":true,"fail_reason":false}`, status.Job{Status: "true", FailReason: "false"}},
		"objects and lists":         {`{"status":{"a":1},"fail_reason":["b"],"job_id":"x"}`, status.Job{ID: "x"}},
		"escapes":                   {`{"fail_reason":"\u4f60\n\"\ud83d\ude00"}`, status.Job{FailReason: "你\n\"😀"}},
		"bytes that are no UTF-8":   {"{\"fail_reason\":\"\xff\"}", status.Job{FailReason: "\ufffd"}},
		"half a surrogate":          {`{"fail_reason":"\ud83d"}`, status.Job{FailReason: "\ufffd"}},
		"unknown keys":              {`{"jobs":[{}],"progress":50,"job_id":"x","":null}`, status.Job{ID: "x"}},
		"upper-case keys":           {`{"JOB_ID":"x","Status":"running","SUB_JOBS":[{"JOB_ID":"y"}]}`, status.Job{ID: "x", Status: status.Running, SubJobs: []status.Job{sub("y")}}},
		"upper-case status":         {`{"status":"SUCCESS"}`, status.Job{Status: "SUCCESS"}},
		"a later status":            {`{"status":"paused"}`, status.Job{Status: "paused"}},
		"the last of a key":         {`{"job_id":"x","job_id":"y"}`, status.Job{ID: "y"}},
		"sub-jobs null":             {`{"sub_jobs":null}`, status.Job{}},
		"sub-jobs empty text":       {`{"sub_jobs":""}`, status.Job{}},
		"sub-jobs empty list":       {`{"sub_jobs":[]}`, status.Job{}},
		"sub-jobs list of null":     {`{"sub_jobs":[null,{"job_id":"a"},null]}`, status.Job{SubJobs: []status.Job{sub("a")}}},
		"sub-jobs list of {}":       {`{"sub_jobs":[ {} , {} ]}`, status.Job{SubJobs: []status.Job{{}, {}}}},
		"sub-jobs with numbers":     {`{"sub_jobs":[{"job_id":1,"status":null}]}`, status.Job{SubJobs: []status.Job{sub("1")}}},
		"sub-jobs of a sub-job":     {`{"sub_jobs":[{"job_id":"a","sub_jobs":[{"job_id":"b"}]}]}`, status.Job{SubJobs: []status.Job{sub("a")}}},
		"garbage within a sub-job":  {`{"sub_jobs":[{"job_id":"a","sub_jobs":7}]}`, status.Job{SubJobs: []status.Job{sub("a")}}},
		"sub-jobs, then null again": {`{"sub_jobs":[{"job_id":"a"}],"sub_jobs":null}`, status.Job{}},
		"sub-jobs in two spellings": {`{"sub_jobs":[{"job_id":"a","status":"failed"}],"SUB_JOBS":[{"job_id":"b"}]}`, status.Job{SubJobs: []status.Job{sub("b")}}},
		"sub-jobs, escaped":         {`{"sub_jobs":[{"job_id":"a","status":"failed"}],"sub\u005fjobs":[{"job_id":"b"}]}`, status.Job{SubJobs: []status.Job{sub("b")}}},
		"sub-jobs with a long s":    {`{"\u017fub_jobs":[{"job_id":"a","status":"failed"}],"ſub_jobs":[{"job_id":"b"}]}`, status.Job{SubJobs: []status.Job{sub("b")}}},
		"sub-jobs twice":            {`{"sub_jobs":[{"job_id":"a","status":"failed"}],"sub_jobs":[{"job_id":"b"}]}`, status.Job{SubJobs: []status.Job{sub("b")}}},
		"spaces around a status":    {`{"status":" success  ","sub_jobs":[{"status":"\tfailed"}]}`, status.Job{Status: status.Success, SubJobs: []status.Job{{Status: status.Failed}}}},
		"newlines around a status":  {`{"status":"\r\nSUCCESS\n"}`, status.Job{Status: "SUCCESS"}},
		"NBSP around a status":      {`{"status":"\u00a0success\u00a0"}`, status.Job{Status: status.Success}},
		"invisible around a status": {`{"status":"\ufefffailed\u200b\u0000"}`, status.Job{Status: status.Failed}},
		"blanks within a status":    {`{"status":" rolling  back "}`, status.Job{Status: "rolling  back"}},
		"only blanks":               {`{"status":" \t\u00a0"}`, status.Job{}},
		"blanks around an id":       {`{"job_id":" x\n","sub_jobs":[{"job_id":"\u00a0a "}]}`, status.Job{ID: "x", SubJobs: []status.Job{sub("a")}}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, decode(t, c.body)) })
	}
}

func TestJobUnmarshalJSONEmpty(t *testing.T) {
	for _, key := range []string{
		"job_id", "job_type", "status", "begin_time", "end_time", "error_code", "fail_reason", "sub_jobs",
	} {
		for _, empty := range []string{`null`, `""`} {
			require.Equal(t, status.Job{}, decode(t, `{"`+key+`":`+empty+`}`), key)
			subJob := decode(t, `{"sub_jobs":[{"`+key+`":`+empty+`}]}`)
			require.Equal(t, status.Job{SubJobs: []status.Job{{}}}, subJob, key)
		}
	}
}

// The job's own status decides: sub-jobs that can't be read must not hide it.
func TestDecodeDrops(t *testing.T) {
	const list, element = "sub_jobs, which is not a list", "a sub-job, which is not an object"
	sub := func(ids ...string) (subs []status.Job) {
		for _, id := range ids {
			subs = append(subs, status.Job{ID: id})
		}
		return subs
	}
	for fields, want := range map[string]struct {
		subs    []status.Job
		dropped string
	}{
		`"sub_jobs":{}`:                   {nil, list},
		`"sub_jobs":{"job_id":"a"}`:       {nil, list},
		`"sub_jobs":7`:                    {nil, list},
		`"sub_jobs":-0.5e3`:               {nil, list},
		`"sub_jobs":true`:                 {nil, list},
		`"sub_jobs":"x"`:                  {nil, list},
		`"SUB_JOBS":"x"`:                  {nil, list},
		`"sub_jobs":[1,2]`:                {nil, element},
		`"sub_jobs":["a",{"job_id":"b"}]`: {sub("b"), element},
		`"sub_jobs":[{"job_id":"a"},[{}],{"job_id":"b"}]`: {sub("a", "b"), element},
		`"sub_jobs":[{"job_id":"a"},null,false]`:          {sub("a"), element},
		`"sub_jobs":7,"sub_jobs":[{"job_id":"a"}]`:        {sub("a"), ""},
		`"sub_jobs":[{"job_id":"a"}],"sub_jobs":7`:        {nil, list},
		`"sub_jobs":null`:   {nil, ""},
		`"sub_jobs":""`:     {nil, ""},
		`"sub_jobs":[null]`: {nil, ""},
		`"sub_jobs":[{"job_id":"a"}],"progress":{}`: {sub("a"), ""},
		`"sub_jobs":[{"job_id":"a","sub_jobs":7}]`:  {sub("a"), ""},
		`"fail_reason":{"text":"x"}`:                {nil, "fail_reason, which is not a text"},
		`"job_type":[],"begin_time":{}`:             {nil, "job_type, which is not a text, begin_time, which is not a text"},
		`"end_time":[1],"end_time":""`:              {nil, ""},
		`"sub_jobs":[{"job_id":"a","status":{}},{"job_id":"b","status":[]},3]`: {
			sub("a", "b"), "a sub-job, which is not an object, a sub-job's status, which is not a text",
		},
	} {
		document := `{"status":"success",` + fields + `}`
		job, dropped, err := status.Decode([]byte(document))
		require.NoError(t, err, document)
		require.Equal(t, status.Job{Status: status.Success, SubJobs: want.subs}, job, document)
		require.Equal(t, want.dropped, dropped, document)
		require.Equal(t, job, decode(t, document))
	}
}

func TestDecodeByteOrderMark(t *testing.T) {
	for _, mark := range []string{"\ufeff", "\ufeff\r\n", " \ufeff", "\ufeff\ufeff"} {
		job, dropped, err := status.Decode([]byte(mark + `{"status":"success"}`))
		require.NoError(t, err, "%q", mark)
		require.Equal(t, status.Job{Status: status.Success}, job)
		require.Empty(t, dropped)
	}
	for _, document := range []string{"\ufeff", "{\ufeff}", "\xef\xbb{}", "{}\ufeff"} {
		_, _, err := status.Decode([]byte(document))
		require.Error(t, err, "%q", document)
	}
}

func TestJobUnmarshalJSONErrors(t *testing.T) {
	for _, document := range []string{
		``, ` `, `7`, `"x"`, `true`, `[]`, `[{}]`, `{`, `{"job_id":"x"`, `{} {}`, `{"job_id":x}`,
		`{"sub_jobs":[{}`, `{"sub_jobs":{}`, `{"sub_jobs":[1,]}`, `{"status":"success","sub_jobs":`, `{"status":"succ`,
	} {
		job := status.Job{ID: "as it was"}
		require.Error(t, json.Unmarshal([]byte(document), &job), document)
		require.Equal(t, status.Job{ID: "as it was"}, job, "%s: half a document was kept", document)
		_, _, err := status.Decode([]byte(document))
		require.Error(t, err, document)
	}
}

func TestJobUnmarshalJSONReplaces(t *testing.T) {
	job := status.Job{ID: "old", ErrorCode: "old", SubJobs: []status.Job{{ID: "old"}}}
	require.NoError(t, json.Unmarshal([]byte(`{"job_id":"new"}`), &job))
	require.Equal(t, status.Job{ID: "new"}, job)
}

func TestJobCheckpoint(t *testing.T) {
	full := func(id string) status.Job {
		return status.Job{
			ID: id, Type: "bind_ldap", Status: status.Failed, BeginTime: "2023-07-26 09:33:58", EndTime: "1690364038000",
			ErrorCode: "SFS.TURBO.0005", FailReason: "no route to \"ldap\" <host>\n\u2028 你",
		}
	}
	job := full("parent")
	job.SubJobs = []status.Job{full("a"), {}, {Type: "attach", Status: "paused"}, {ID: "a"}}
	for _, checkpoint := range []status.Job{job, {}, decode(t, published)} {
		require.Equal(t, checkpoint, throughJSON(t, checkpoint))
	}
	encoded, err := json.Marshal(status.Job{ID: "x", Status: status.Waiting})
	require.NoError(t, err)
	require.JSONEq(t, `{"job_id":"x","status":"waiting"}`, string(encoded), "the keys are the service's, and empty fields are omitted")
}

func TestJobClone(t *testing.T) {
	job := status.Job{ID: "x", SubJobs: []status.Job{{ID: "a"}}}
	clone := job.Clone()
	require.Equal(t, job, clone)
	clone.SubJobs[0].ID = "changed"
	_ = append(clone.SubJobs[:0], status.Job{ID: "changed"})
	require.Equal(t, "a", job.SubJobs[0].ID)
}

func decode(t testing.TB, body string) (job status.Job) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(body), &job), body)
	return job
}

func throughJSON(t testing.TB, job status.Job) status.Job {
	t.Helper()
	encoded, err := json.Marshal(job)
	require.NoError(t, err)
	return decode(t, string(encoded))
}

func TestJobLogValue(t *testing.T) {
	for name, c := range map[string]struct {
		job  status.Job
		want string
	}{
		"running, without its sub-jobs": {
			status.Job{ID: "j", Type: "bind_ldap", Status: "running", BeginTime: "1", SubJobs: []status.Job{{ID: "a"}}},
			`{"id":"j","type":"bind_ldap","status":"running"}`,
		},
		"failed": {
			status.Job{ID: "j", Status: "failed", EndTime: "2", ErrorCode: "SFS.TURBO.0005", FailReason: "no route"},
			`{"id":"j","type":"","status":"failed","error_code":"SFS.TURBO.0005"}`,
		},
		"empty": {status.Job{}, `{"id":"","type":"","status":""}`},
	} {
		t.Run(name, func(t *testing.T) { require.JSONEq(t, c.want, logged(t, c.job)) })
	}
}

// logged returns what a line of log/slog shows of a value.
func logged(t *testing.T, value any) string {
	t.Helper()
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("message", "value", value)
	var line struct {
		Value json.RawMessage `json:"value"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	return string(line.Value)
}
