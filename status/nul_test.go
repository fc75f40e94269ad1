package status_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// PostgreSQL stores no U+0000, neither in jsonb nor in text: a checkpoint with one could never be
// saved.
func TestNoNULIsDecoded(t *testing.T) {
	var job status.Job
	require.NoError(t, json.Unmarshal([]byte(`{"job_id":"a","job_type":"bind\u0000ldap","status":"failed\u0000","begin_time":"\u00002024",
		"error_code":"E\u0000","fail_reason":"exit 1: \u0000\u0000 \\u0000","sub_jobs":[{"job_id":"x\u0000y","status":"ru\u0000n"}]}`), &job))
	require.Equal(t, status.Job{
		ID: "a", Type: "bind\ufffdldap", Status: "failed", BeginTime: "\ufffd2024", ErrorCode: "E\ufffd", FailReason: `exit 1: ` + "\ufffd\ufffd" + ` \u0000`,
		SubJobs: []status.Job{{ID: "x\ufffdy", Status: "ru\ufffdn"}},
	}, job)
	stored, err := json.Marshal(job)
	require.NoError(t, err)
	var read status.Job
	require.NoError(t, json.Unmarshal(stored, &read))
	require.Equal(t, job, read)
}
