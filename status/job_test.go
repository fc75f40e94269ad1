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

func TestJobUnmarshalJSONErrors(t *testing.T) {
	for _, body := range []string{
		``, ` `, `7`, `"x"`, `true`, `[]`, `[{}]`, `{`, `{"job_id":"x"`, `{} {}`, `{"job_id":x}`,
		`{"sub_jobs":{}}`, `{"sub_jobs":{"job_id":"a"}}`, `{"sub_jobs":7}`, `{"sub_jobs":false}`, `{"sub_jobs":"a"}`,
		`{"sub_jobs":[1]}`, `{"sub_jobs":["a"]}`, `{"sub_jobs":[[]]}`, `{"sub_jobs":[{},true]}`, `{"sub_jobs":[{}`,
	} {
		job := status.Job{ID: "as it was"}
		require.Error(t, json.Unmarshal([]byte(body), &job), body)
		require.Equal(t, status.Job{ID: "as it was"}, job, "%s: half a response was kept", body)
	}
	require.ErrorContains(t, json.Unmarshal([]byte(`{"sub_jobs":[{},null,{},3]}`), new(status.Job)), "sub-job 3")
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
