package status_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Jobs are written "status: sub-job=status, ..."; a sub-job is "id", "/type" or "id/type".
// Transitions are written "name:from>to", where "." is the job itself.
func job(s string) status.Job {
	own, list, _ := strings.Cut(s, ":")
	j := status.Job{ID: "parent", Status: status.Status(own)}
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		label, state, _ := strings.Cut(part, "=")
		id, kind, _ := strings.Cut(label, "/")
		j.SubJobs = append(j.SubJobs, status.Job{ID: id, Type: kind, Status: status.Status(state)})
	}
	return j
}

func written(transitions []status.Transition) string {
	var all []string
	for _, tr := range transitions {
		name := tr.SubJob
		if !tr.IsSubJob() {
			name = "."
		}
		all = append(all, fmt.Sprintf("%s:%s>%s", name, tr.From, tr.To))
	}
	return strings.Join(all, " ")
}

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct{ prev, next, want string }{
		"first sight":                      {"", "waiting", ".:>waiting"},
		"nothing new":                      {"running: a=running", "running: a=running", ""},
		"nothing at all":                   {"", "", ""},
		"the start before its sub-jobs":    {"waiting", "running: a=running, b=waiting", ".:waiting>running a:>running b:>waiting"},
		"success after its sub-jobs":       {"running: a=running", "success: a=success, b=success", "a:running>success b:>success .:running>success"},
		"failure after its sub-jobs":       {"running: a=running", "failed: a=failed", "a:running>failed .:running>failed"},
		"all at first sight":               {"", "failed: a=success, b=failed", "a:>success b:>failed .:>failed"},
		"an unknown status is no end":      {"running", "paused: a=running", ".:running>paused a:>running"},
		"upper case is no end":             {"running", "SUCCESS: a=success", ".:running>SUCCESS a:>success"},
		"a sub-job alone":                  {"running: a=waiting", "running: a=running", "a:waiting>running"},
		"a late sub-job":                   {"running: a=success", "running: a=success, b=waiting", "b:>waiting"},
		"a missing sub-job":                {"running: a=running, b=running", "running: b=success", "b:running>success"},
		"all sub-jobs missing":             {"running: a=running", "success", ".:running>success"},
		"reordered":                        {"running: a=running, b=waiting", "running: b=waiting, a=running", ""},
		"reordered and changed":            {"running: a=waiting, b=waiting", "running: b=running, a=running", "b:waiting>running a:waiting>running"},
		"skipped":                          {"waiting: a=waiting", "success: a=success", "a:waiting>success .:waiting>success"},
		"backwards":                        {"running: a=success", "waiting: a=running", ".:running>waiting a:success>running"},
		"back from the end":                {"success: a=success", "running: a=failed", ".:success>running a:success>failed"},
		"a sub-job without a status":       {"running", "running: a, b=running", "b:>running"},
		"a status left out":                {"running: a=running", "running: a, b=waiting", "b:>waiting"},
		"a status left out for good":       {"running: a=success, b=running", "success: a, b", ".:running>success"},
		"a status left out, by type":       {"running: /a=running, /a=waiting", "running: /a, /a=success", "a#2:waiting>success"},
		"the job's status left out":        {"running: a=waiting", ": a=running", "a:waiting>running"},
		"the job's end left out":           {"success: a=running", ": a=success", "a:running>success"},
		"all statuses left out":            {"running: a=running", ": a", ""},
		"never any status":                 {"", ": a", ""},
		"the first status of a sub-job":    {"running: a", "running: a=waiting", "a:>waiting"},
		"a type where there is no id":      {"running: /attach=waiting", "running: /attach=running, x/attach=waiting", "attach:waiting>running x:>waiting"},
		"an id is not its type":            {"running: a/x=running", "running: b/x=running", "b:>running"},
		"a type that changes":              {"running: a/x=running", "running: a/y=running", ""},
		"one id twice":                     {"running: a=running, a=waiting", "running: a=running, a=running", "a#2:waiting>running"},
		"one type twice":                   {"", "running: /x=success, /x=running, /x=waiting", ".:>running x:>success x#2:>running x#3:>waiting"},
		"an id that is another's type":     {"", "running: /a=success, a=running", ".:>running a:>success a#2:>running"},
		"the parent's id":                  {"running: parent=waiting", "running: parent=running", "parent:waiting>running"},
		"neither id nor type":              {"", "running: /=success, /=running", ".:>running #1:>success #2:>running"},
		"a literal #2 between namesakes":   {"", "running: a=success, a#2=running, a=waiting", ".:>running a:>success a#2:>running a#3:>waiting"},
		"a literal #2 after namesakes":     {"", "running: a=success, a=running, a#2=waiting", ".:>running a:>success a#2:>running a#2#2:>waiting"},
		"a literal #2 before namesakes":    {"", "running: a#2=success, a=running, a=waiting", ".:>running a#2:>success a:>running a#3:>waiting"},
		"a literal #1 before the nameless": {"", "running: #1=success, /=running", ".:>running #1:>success #2:>running"},
	} {
		t.Run(name, func(t *testing.T) {
			prev, next := job(c.prev), job(c.next)
			diff := status.Diff(prev, next, noon)
			require.Equal(t, c.want, written(diff))
			for _, tr := range diff {
				require.Equal(t, "parent", tr.JobID)
				require.Equal(t, noon, tr.ObservedAt)
				require.Equal(t, tr.To, tr.Job.Status)
			}
			requireProperties(t, prev, next)
		})
	}
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ prev, next, want string }{
		"everything new":                             {"", "running: a=running", "running: a=running"},
		"missing ones come last":                     {"running: a=running, b=success", "success: c=success, b=failed", "success: c=success, b=failed, a=running"},
		"none at all":                                {"running: b=running, a=waiting", "running", "running: b=running, a=waiting"},
		"of namesakes, the later ones":               {"running: a=success, a=running", "running: a=failed", "running: a=failed, a=running"},
		"a literal #2 takes a name":                  {"running: a=success, a=running", "running: a#2=failed", "running: a#2=failed, a=success"},
		"a status left out":                          {"running: a=running, b=failed", "running: a, b", "running: a=running, b=failed"},
		"a status left out, reordered":               {"running: a=running, b=failed", "running: b, a", "running: b=failed, a=running"},
		"a status left out, with one more before it": {"running: a=running", "running: b, a", "running: b, a=running"},
		"the job's status left out":                  {"running: a=running", ": a=success", "running: a=success"},
		"the job's status left out, reordered":       {"failed: a=running, b=failed", ": b, a", "failed: b=failed, a=running"},
		"never any status":                           {": a", ": a, b", ": a, b"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, job(c.want), status.Merge(job(c.prev), job(c.next)))
			requireProperties(t, job(c.prev), job(c.next))
		})
	}
}

func TestMergeFields(t *testing.T) {
	prev := status.Job{ID: "p", ErrorCode: "old", FailReason: "old", BeginTime: "1", SubJobs: job("running: a=running").SubJobs}
	next := status.Job{ID: "p", Status: status.Running, EndTime: "2"}
	require.Equal(t, status.Job{ID: "p", Status: status.Running, EndTime: "2", SubJobs: prev.SubJobs}, status.Merge(prev, next),
		"with a status, all fields are the newest response's alone")
	prev.SubJobs = []status.Job{{ID: "a", Type: "old", Status: status.Failed, ErrorCode: "old"}}
	next.SubJobs = []status.Job{{ID: "a", EndTime: "2"}}
	require.Equal(t, []status.Job{{ID: "a", Status: status.Failed, ErrorCode: "old", EndTime: "2"}}, status.Merge(prev, next).SubJobs,
		"a status that is left out is kept with its code")
	require.Equal(t, "old", status.Merge(prev, status.Job{SubJobs: next.SubJobs}).FailReason, "so is the job's own")
}

func TestDiffJobID(t *testing.T) {
	diff := status.Diff(status.Job{ID: "known"}, status.Job{Status: status.Running, SubJobs: []status.Job{{ID: "a", Status: status.Running}}}, noon)
	require.Equal(t, ".:>running a:>running", written(diff))
	for _, tr := range diff {
		require.Equal(t, "known", tr.JobID)
	}
	require.Equal(t, "known", status.Apply(status.Job{}, diff[0]).ID)
	require.Equal(t, "known", status.Apply(status.Job{}, diff[1]).ID)
}

func TestApply(t *testing.T) {
	prev, next := job("waiting: a=waiting"), job("running: b=running, a=running")
	next.SubJobs[0].FailReason = "why"
	checkpoint, want := prev, []string{
		"running: a=waiting", "running: a=waiting, b=running", "running: a=running, b=running",
	}
	for i, tr := range status.Diff(prev, next, noon) {
		checkpoint = status.Apply(checkpoint, tr)
		require.Equal(t, statuses(job(want[i])), statuses(checkpoint))
	}
	require.Equal(t, "why", checkpoint.SubJobs[1].FailReason, "the whole sub-job, not its status alone")
}

// Two "a" and one that is spelled "a#2" compete for the name "a#2".
func TestApplyNames(t *testing.T) {
	for _, c := range []struct{ prev, next string }{
		{"running: a#2=waiting, a=waiting, a=waiting", "running: a=running, a=success"},
		{"running: a#2=waiting", "running: a, a=running"},
		{"running: a=waiting, a=waiting, a=waiting", "running: a#2=running, a=running"},
		{"running: /=waiting, /=waiting", "running: #2=running, #1=success"},
	} {
		requireProperties(t, job(c.prev), job(c.next))
	}
}

func TestDiffSharesNoMemory(t *testing.T) {
	for _, c := range []struct{ prev, next string }{
		{"waiting: a=waiting, z=waiting", "running: a=running, b=running"},
		{"running: a=waiting, z=waiting", "success: a=running, b=running"},
	} {
		prev, next := job(c.prev), job(c.next)
		checkpoint := prev.Clone()
		for i := range status.Diff(prev, next, noon) {
			diff, before := status.Diff(prev, next, noon), checkpoint.Clone()
			after := status.Apply(checkpoint, diff[i])
			kept := after.Clone()
			spoil(&diff[i].Job)
			require.Equal(t, kept, after, "a checkpoint shares memory with a transition")
			for k, tr := range status.Diff(prev, next, noon) {
				require.True(t, k == i || assert.ObjectsAreEqual(tr, diff[k]), "two transitions share memory")
			}
			spoil(&after)
			require.Equal(t, before, checkpoint, "two checkpoints share memory")
			checkpoint = kept
		}
		require.Equal(t, job(c.prev), prev)
		require.Equal(t, job(c.next), next)
	}
}

func TestMergeSharesNoMemory(t *testing.T) {
	for _, list := range []string{"running: a=waiting", "running: a=waiting, z=waiting"} {
		prev, next := job(list), job("running: a=running")
		next.SubJobs = append(next.SubJobs, status.Job{})[:1] // room to spare, where an append would write
		merged := status.Merge(prev, next)
		require.Zero(t, next.SubJobs[:2][1], "written beyond the end of a response")
		spoil(&merged)
		require.Equal(t, job(list), prev)
		require.Equal(t, job("running: a=running"), next)
	}
}

func spoil(j *status.Job) {
	j.ID = "spoiled"
	for i := range j.SubJobs {
		j.SubJobs[i].ID = "spoiled"
	}
}

func TestDiffManySubJobs(t *testing.T) {
	var next status.Job
	for range 2_000 { // as many as one response may hold, and all of one name
		next.SubJobs = append(next.SubJobs, status.Job{Type: "attach", Status: status.Running})
	}
	diff := status.Diff(status.Job{}, next, noon)
	require.Len(t, diff, 2_000)
	require.Equal(t, "attach#2000", diff[1_999].SubJob)
	allocs := testing.AllocsPerRun(1, func() { status.Diff(next, next, noon) })
	require.Less(t, allocs, 20.*2_000, "for each name, all numbers were tried from the first on")

	last := status.Apply(status.Job{}, diff[1_999])
	require.Len(t, last.SubJobs, 2_000, "those before it count, delivered or not")
	tampered := status.Transition{SubJob: "attach#999999999", Job: status.Job{Type: "attach"}}
	require.Len(t, status.Apply(status.Job{}, tampered).SubJobs, 2_000, "a tampered transition makes no checkpoint grow without bounds")
}

func TestApplyManySubJobs(t *testing.T) {
	next := status.Job{Status: status.Running}
	for i := range status.MaxSubJobs {
		next.SubJobs = append(next.SubJobs, status.Job{ID: strconv.Itoa(i), Status: status.Running})
	}
	last := status.Diff(status.Job{}, next, time.Time{})[status.MaxSubJobs]
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { status.Apply(next, last) }), 2., "it copies the list, and names nothing")
}

// BenchmarkApply applies what the first sight of a job with so many sub-jobs brings.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{200, status.MaxSubJobs} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			next := status.Job{Status: status.Running}
			for i := range n {
				next.SubJobs = append(next.SubJobs, status.Job{ID: strconv.Itoa(i), Status: status.Running})
			}
			transitions := status.Diff(status.Job{}, next, time.Time{})
			b.ReportAllocs()
			for b.Loop() {
				var told status.Job
				for _, t := range transitions {
					told = status.Apply(told, t)
				}
			}
		})
	}
}

func TestApplyFailure(t *testing.T) {
	before := status.Job{ID: "j", Status: "running", SubJobs: []status.Job{{ID: "a", Status: "running"}}}
	after := before.Clone()
	after.SubJobs[0] = status.Job{ID: "a", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no response"}
	diff := status.Diff(before, after, time.Time{})
	require.Len(t, diff, 1)
	require.Equal(t, after, status.Apply(before, diff[0]))
}

func TestTransitionLogValue(t *testing.T) {
	for name, c := range map[string]struct {
		transition status.Transition
		want       string
	}{
		"the job at first sight": {
			status.Transition{JobID: "j", Job: status.Job{ID: "j", Status: "waiting"}, To: "waiting"},
			`{"job_id":"j","to":"waiting"}`,
		},
		"a failed sub-job, without its texts": {
			status.Transition{
				JobID: "j", SubJob: "a", From: "running", To: "failed", ObservedAt: noon,
				Job: status.Job{ID: "a", Type: "check_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no route"},
			},
			`{"job_id":"j","sub_job":"a","type":"check_ldap","from":"running","to":"failed","error_code":"SFS.TURBO.0101"}`,
		},
	} {
		t.Run(name, func(t *testing.T) { require.JSONEq(t, c.want, logged(t, c.transition)) })
	}
}

func TestMergeTakesAResponseWithAStatusAsItIs(t *testing.T) {
	ended := status.Job{Status: "paused", BeginTime: "1", EndTime: "2", ErrorCode: "SFS.TURBO.0100", FailReason: "full"}
	require.Equal(t, status.Job{Status: "running"}, status.Merge(ended, status.Job{Status: "running"}))
}
