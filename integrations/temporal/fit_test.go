package temporalwait

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

func TestFit(t *testing.T) {
	progress := func(job status.Job) waiter.Progress {
		return waiter.Progress{JobID: job.ID, Job: job, Transitions: status.Diff(status.Job{}, job, time.Now())}
	}
	many := status.Job{ID: "j", Status: status.Running}
	for n := range 2000 {
		many.SubJobs = append(many.SubJobs, status.Job{ID: fmt.Sprintf("%036d", n), Type: "mount", Status: status.Running, FailReason: strings.Repeat("<", 200)})
	}
	endless := many.Clone()
	for n := range endless.SubJobs {
		endless.SubJobs[n].ID += strings.Repeat("x", 2000)
	}
	t.Run("what is small enough is not touched", func(t *testing.T) {
		p := progress(status.Job{ID: "j", Status: status.Failed, FailReason: strings.Repeat("r", 100_000)})
		assert.Equal(t, p, fit(p))
	})
	t.Run("a reason of 3 MB is cut, and the rest stays", func(t *testing.T) {
		p := progress(status.Job{ID: "j", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: strings.Repeat("ü", 1_500_000)})
		cut := fit(p)
		assert.LessOrEqual(t, size(cut), maxPayload)
		assert.Greater(t, len(cut.Job.FailReason), 50_000)
		assert.Equal(t, "SFS.TURBO.0100", cut.Job.ErrorCode)
		assert.Len(t, p.Job.FailReason, 3_000_000, "the argument is not changed")
	})
	t.Run("of many sub-jobs all are kept if their texts are what is long", func(t *testing.T) {
		cut := fit(progress(many))
		assert.LessOrEqual(t, size(cut), maxPayload)
		assert.Len(t, cut.Job.SubJobs, 2000)
		assert.Len(t, cut.Transitions, 2001)
		assert.Empty(t, status.Diff(many, cut.Job, time.Now()), "no status has changed")
	})
	t.Run("sub-jobs that do not fit are left out, with their transitions", func(t *testing.T) {
		cut := fit(progress(endless))
		assert.LessOrEqual(t, size(cut), maxPayload)
		assert.Len(t, cut.Transitions, len(cut.Job.SubJobs)+1)
		assert.Greater(t, len(cut.Job.SubJobs), 50)
	})
	t.Run("whatever text is long is cut, but no status", func(t *testing.T) {
		const control = "\x01" // six bytes, in JSON
		long := strings.Repeat(control, 1<<20)
		for name, p := range map[string]waiter.Progress{
			"request id":            {JobID: "j", RequestID: long},
			"begin":                 progress(status.Job{ID: "j", Status: status.Failed, BeginTime: status.Timestamp(long)}),
			"end":                   progress(status.Job{ID: "j", Status: status.Failed, EndTime: status.Timestamp(long)}),
			"type":                  progress(status.Job{ID: "j", Status: status.Failed, Type: long}),
			"sub-job":               progress(status.Job{ID: "j", Status: status.Failed, SubJobs: []status.Job{{ID: "s", Status: status.Failed, ErrorCode: long}}}),
			"the only sub-job's id": progress(status.Job{ID: "j", Status: status.Failed, SubJobs: []status.Job{{ID: long, Status: status.Failed}}}),
		} {
			cut := fit(p)
			assert.LessOrEqual(t, size(cut), maxPayload, name)
			assert.Equal(t, p.JobID, cut.JobID, name)
			assert.Equal(t, p.Job.Status, cut.Job.Status, name)
		}
	})
	t.Run("an error's details fit too", func(t *testing.T) {
		data, err := json.Marshal(details(progress(endless), end{}))
		require.NoError(t, err)
		assert.LessOrEqual(t, len(data), maxPayload+1000)
	})
}

func TestSummary(t *testing.T) {
	for _, id := range []string{"j", "26f6b565-0000-4000-8000-000000000001", strings.Repeat("<", 500), strings.Repeat("é", 500)} {
		payload, err := converter.GetDefaultDataConverter().ToPayload(summary(id))
		require.NoError(t, err)
		assert.LessOrEqual(t, payload.Size(), 400, "%.20q", id)
		assert.Equal(t, len(id) <= 50, summary(id) == "job "+id, "it is cut only if it is long: %.20q", id)
	}
}
