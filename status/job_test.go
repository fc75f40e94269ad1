package status_test

import (
	"encoding/json"
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

func TestJobDecodesThePublishedSample(t *testing.T) {
	require.Equal(t, status.Job{
		ID: "26f6b565-xxxx-XXXX-xxxx-03f0bd975433", Type: "bind_ldap", Status: status.Success,
		BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:33:58",
	}, decode(t, published))
}

func TestJobDecodesLeniently(t *testing.T) {
	sub := func(id string) status.Job { return status.Job{ID: id} }
	for name, c := range map[string]struct {
		answer string
		want   status.Job
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
		"garbage below a sub-job":   {`{"sub_jobs":[{"job_id":"a","sub_jobs":7}]}`, status.Job{SubJobs: []status.Job{sub("a")}}},
		"sub-jobs, then null again": {`{"sub_jobs":[{"job_id":"a"}],"sub_jobs":null}`, status.Job{}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, decode(t, c.answer)) })
	}
}

func TestJobFieldsAbsentNullAndEmptyAreTheSame(t *testing.T) {
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

func TestJobRefusesWhatIsNoJob(t *testing.T) {
	for _, answer := range []string{
		``, ` `, `7`, `"x"`, `true`, `[]`, `[{}]`, `{`, `{"job_id":"x"`, `{} {}`, `{"job_id":x}`,
		`{"sub_jobs":{}}`, `{"sub_jobs":{"job_id":"a"}}`, `{"sub_jobs":7}`, `{"sub_jobs":false}`, `{"sub_jobs":"a"}`,
		`{"sub_jobs":[1]}`, `{"sub_jobs":["a"]}`, `{"sub_jobs":[[]]}`, `{"sub_jobs":[{},true]}`, `{"sub_jobs":[{}`,
	} {
		job := status.Job{ID: "as it was"}
		require.Error(t, json.Unmarshal([]byte(answer), &job), answer)
		require.Equal(t, status.Job{ID: "as it was"}, job, "%s: half an answer was taken", answer)
	}
	require.ErrorContains(t, json.Unmarshal([]byte(`{"sub_jobs":[{},null,{},3]}`), new(status.Job)), "sub-job 3")
}

func TestJobIsReplacedByWhatIsDecodedIntoIt(t *testing.T) {
	job := status.Job{ID: "old", ErrorCode: "old", SubJobs: []status.Job{{ID: "old"}}}
	require.NoError(t, json.Unmarshal([]byte(`{"job_id":"new"}`), &job))
	require.Equal(t, status.Job{ID: "new"}, job)
}

func TestJobIsACheckpoint(t *testing.T) {
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
	require.JSONEq(t, `{"job_id":"x","status":"waiting"}`, string(encoded), "with the service's own keys, and what is empty left out")
}

func TestCloneSharesNothing(t *testing.T) {
	job := status.Job{ID: "x", SubJobs: []status.Job{{ID: "a"}}}
	clone := job.Clone()
	require.Equal(t, job, clone)
	clone.SubJobs[0].ID = "changed"
	_ = append(clone.SubJobs[:0], status.Job{ID: "changed"})
	require.Equal(t, "a", job.SubJobs[0].ID)
}

func decode(t testing.TB, answer string) (job status.Job) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(answer), &job), answer)
	return job
}

func throughJSON(t testing.TB, job status.Job) status.Job {
	t.Helper()
	encoded, err := json.Marshal(job)
	require.NoError(t, err)
	return decode(t, string(encoded))
}
