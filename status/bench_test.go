package status_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// response is as the service spells one.
const response = `{
  "job_id" : "26f6b565-1111-2222-3333-03f0bd975433", "status" : "running", "job_type" : "create_share", "begin_time" : "2023-07-26 09:33:58",
  "sub_jobs" : [ {
    "job_id" : "26f6b565-1111-2222-3333-000000000001", "status" : "success", "job_type" : "create_network",
    "begin_time" : "2023-07-26 09:33:58", "end_time" : "2023-07-26 09:34:31", "error_code" : null, "fail_reason" : null
  }, {
    "job_id" : "26f6b565-1111-2222-3333-000000000002", "status" : "running", "job_type" : "create_storage",
    "begin_time" : "2023-07-26 09:34:31", "end_time" : "", "error_code" : null, "fail_reason" : null
  }, {
    "job_id" : "26f6b565-1111-2222-3333-000000000003", "status" : "waiting", "job_type" : "mount_share",
    "begin_time" : "", "end_time" : "", "error_code" : null, "fail_reason" : null
  } ]
}`

// BenchmarkDecode decodes a response, and for comparison as encoding/json does into plain strings.
func BenchmarkDecode(b *testing.B) {
	b.Run("Decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, err := status.Decode([]byte(response))
			require.NoError(b, err)
		}
	})
	b.Run("plain", func(b *testing.B) {
		type fields struct {
			ID         string `json:"job_id"`
			Type       string `json:"job_type"`
			Status     string `json:"status"`
			BeginTime  string `json:"begin_time"`
			EndTime    string `json:"end_time"`
			ErrorCode  string `json:"error_code"`
			FailReason string `json:"fail_reason"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var job struct {
				fields
				SubJobs []fields `json:"sub_jobs"`
			}
			require.NoError(b, json.Unmarshal([]byte(response), &job))
		}
	})
}
