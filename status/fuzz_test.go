package status_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// FuzzJob: whatever can be decoded is a checkpoint.
func FuzzJob(f *testing.F) {
	for _, seed := range []string{
		published, `null`, `{}`, `{"job_id":1e999,"status":true,"fail_reason":"\ud83d"}`,
		`{"sub_jobs":[null,{},{"job_id":"a","sub_jobs":[{}]}]}`, `{"SUB_JOBS":[{"Job_Type":-0}],"sub_jobs":""}`,
		`{"status":" success\n","sub_jobs":{}}`, `{"sub_jobs":[1,{"status":[]},"x"]}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		var job status.Job
		if json.Unmarshal(response, &job) != nil {
			require.Zero(t, job, "half a response was kept")
			return
		}
		again, _, err := status.Decode(response)
		require.NoError(t, err)
		require.Equal(t, job, again)
		require.Equal(t, job, throughJSON(t, job))
		for _, sub := range job.SubJobs {
			require.Empty(t, sub.SubJobs)
		}
	})
}

// FuzzDiff: the properties hold for any responses. Each byte draws one word of them, so that the
// fuzzer can change one thing at a time.
func FuzzDiff(f *testing.F) {
	f.Add([]byte("waiting, then running"))
	f.Add([]byte{0, 0, 2, 1, 4, 0, 2, 0, 0, 0, 1, 4, 0, 0}) // statuses that the second response leaves out
	f.Add([]byte{0, 0, 2, 2, 5, 0, 1, 3, 0, 2, 0, 0, 2, 3, 3, 0, 3, 3, 0, 4, 5, 0, 2, 6, 10, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		draw := func(n int) int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b) % n
		}
		var seen status.Job
		for range 3 {
			_, seen = requireProperties(t, seen, pick(draw))
		}
	})
}

// FuzzTimestamp: whatever is read as a time is UTC, and reads as the same again.
func FuzzTimestamp(f *testing.F) {
	for _, seed := range []string{
		"2023-07-26 09:33:58", "2023-07-26T17:33:58.123+0800", "1690364038.5", "1690364038123", "0x1p31", "NaN", "-1", "9999-12-31T23:59:59-23:59",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		at, ok := status.Timestamp(wire).Time()
		if !ok {
			require.Zero(t, at)
			return
		}
		require.False(t, at.IsZero())
		require.Equal(t, time.UTC, at.Location())
		if year := at.Year(); year < 0 || year > 9999 {
			return // a zone has moved it to where RFC 3339 ends
		}
		again, ok := status.Timestamp(at.Format(time.RFC3339Nano)).Time()
		require.True(t, ok)
		require.Equal(t, at, again)
	})
}
