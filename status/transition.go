package status

import (
	"cmp"
	"log/slog"
	"time"
)

// Transition is one change of a job or of one of its sub-jobs.
type Transition struct {
	JobID string `json:"job_id"` // of the awaited job
	// SubJob is "" for the job itself, otherwise the sub-job's id, or its type where it has none;
	// the second of a name in one response is "name#2", and so on. Those with neither are "#1",
	// "#2", ...
	SubJob     string    `json:"sub_job,omitempty"`
	Job        Job       `json:"job"`            // what changed, as it is now; the receiver's own copy
	From       Status    `json:"from,omitempty"` // "" at first sight
	To         Status    `json:"to,omitempty"`
	ObservedAt time.Time `json:"observed_at"` // when the response arrived, by the caller's clock
}

// IsSubJob reports whether it is a sub-job that changed.
func (t Transition) IsSubJob() bool { return t.SubJob != "" }

// String returns "check_ldap: running -> success", with "job" for the job itself, and without the
// arrow at first sight. A sub-job is named by its type, if it has one.
func (t Transition) String() string {
	what := "job"
	if t.IsSubJob() {
		what = cmp.Or(t.Job.Type, t.SubJob)
	}
	if t.From == "" {
		return what + ": " + string(t.To)
	}
	return what + ": " + string(t.From) + " -> " + string(t.To)
}

// LogValue returns the job's id, the sub-job's name, type, from, to, and the code of a failure:
// what a line of log/slog needs, without the texts of a whole job. It implements slog.LogValuer.
func (t Transition) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("job_id", t.JobID)}
	for _, a := range []slog.Attr{
		slog.String("sub_job", t.SubJob), slog.String("type", t.Job.Type), slog.String("from", string(t.From)),
		slog.String("to", string(t.To)), slog.String("error_code", t.Job.ErrorCode),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(attrs...)
}

// Merge returns next, completed from prev: the sub-jobs that it lacks are kept as they were last
// seen, after its own, and a job or sub-job that comes without a status keeps its last one, with
// the times, code and reason that it lacks.
func Merge(prev, next Job) Job {
	merged := next.Clone()
	complete(&merged, &prev)
	if linedUp(prev.SubJobs, next.SubJobs) {
		for i := range prev.SubJobs {
			complete(&merged.SubJobs[i], &prev.SubJobs[i])
		}
	} else {
		mergeByName(&merged, prev.SubJobs)
	}
	return merged
}

// mergeByName completes merged from the sub-jobs that it had before.
func mergeByName(merged *Job, prev []Job) {
	at := make(map[string]int, len(merged.SubJobs))
	var names namer
	for i := range merged.SubJobs {
		at[names.name(&merged.SubJobs[i])] = i
	}
	var before namer
	for i := range prev {
		if now, ok := at[before.name(&prev[i])]; ok {
			complete(&merged.SubJobs[now], &prev[i])
		} else {
			merged.SubJobs = append(merged.SubJobs, prev[i])
		}
	}
}

// complete fills what next lacks, if it has no status, with prev's status, times, code and reason.
func complete(next, prev *Job) {
	if next.Status != "" {
		return
	}
	next.Status = prev.Status
	next.BeginTime, next.EndTime = cmp.Or(next.BeginTime, prev.BeginTime), cmp.Or(next.EndTime, prev.EndTime)
	next.ErrorCode, next.FailReason = cmp.Or(next.ErrorCode, prev.ErrorCode), cmp.Or(next.FailReason, prev.FailReason)
}

// Diff returns what Merge(prev, next) shows and prev does not, in the order of delivery: the job's
// own change before its sub-jobs', or after them if the job has ended. Sub-jobs come in the order
// of next. A status that is skipped is not invented; one that goes backwards is delivered as it
// is; one that next leaves out has not changed.
//
// Diff takes one pass over both, and no transition shares memory with them.
func Diff(prev, next Job, at time.Time) []Transition {
	next.Status = cmp.Or(next.Status, prev.Status)
	if prev.Status == next.Status && unchanged(prev.SubJobs, next.SubJobs) {
		return nil // as nearly always
	}
	return changes(&prev, &next, at)
}

// changes is a function of its own, so that a wait whose job has not changed needs only a small
// stack.
func changes(prev, next *Job, at time.Time) []Transition {
	id := cmp.Or(next.ID, prev.ID)
	was := make(map[string]Status, len(prev.SubJobs))
	var before namer
	for i := range prev.SubJobs {
		was[before.name(&prev.SubJobs[i])] = prev.SubJobs[i].Status
	}
	var changes []Transition
	own := func() {
		if prev.Status != next.Status {
			changes = append(changes, Transition{JobID: id, Job: Merge(*prev, *next), From: prev.Status, To: next.Status, ObservedAt: at})
		}
	}
	if !next.Status.Terminal() {
		own()
	}
	var names namer
	for i := range next.SubJobs {
		sub := &next.SubJobs[i]
		name := names.name(sub)
		if from := was[name]; sub.Status != "" && from != sub.Status {
			changes = append(changes, Transition{JobID: id, SubJob: name, Job: sub.Clone(), From: from, To: sub.Status, ObservedAt: at})
		}
	}
	if next.Status.Terminal() {
		own()
	}
	return changes
}

// linedUp reports whether next begins with the sub-jobs of prev, in their order, as nearly every
// response does. Each has then the same name in both, since that depends only on those before it.
func linedUp(prev, next []Job) bool {
	if len(prev) > len(next) {
		return false
	}
	for i := range prev {
		if label(&prev[i]) != label(&next[i]) {
			return false
		}
	}
	return true
}

// unchanged reports whether next has the sub-jobs of prev, in their order, and each its status.
func unchanged(prev, next []Job) bool {
	if len(prev) != len(next) || !linedUp(prev, next) {
		return false
	}
	for i := range next {
		if now := next[i].Status; now != "" && now != prev[i].Status {
			return false
		}
	}
	return true
}

// Apply returns the checkpoint after t was delivered: told, which is what was delivered before,
// with what t shows, and nothing that has not been delivered yet. Folding Diff(prev, next) into
// prev gives the statuses of Merge(prev, next).
func Apply(told Job, t Transition) Job {
	after := told.Clone()
	if !t.IsSubJob() {
		after = t.Job
		after.SubJobs = told.Clone().SubJobs // those in t.Job have transitions of their own
	}
	if after.ID == "" {
		after.ID = t.JobID
	}
	if !t.IsSubJob() {
		return after
	}
	i, names := find(after.SubJobs, t.SubJob)
	if i >= 0 {
		sub, old := t.Job.Clone(), after.SubJobs[i]
		if label(&sub) != label(&old) {
			// The second "a" after one spelled "a#2", or the reverse: with another
			// label in its place, those around it would change their names.
			sub.ID, sub.Type = old.ID, old.Type
		}
		after.SubJobs[i] = sub
		return after
	}
	// Namesakes that came without a status were never delivered, yet they count.
	blank := Job{ID: t.Job.ID, Type: t.Job.Type}
	for range ordinal(t) - 1 {
		if name, _ := names.find(label(&blank)); name == t.SubJob {
			break
		}
		names.name(&blank)
		after.SubJobs = append(after.SubJobs, blank)
	}
	after.SubJobs = append(after.SubJobs, t.Job.Clone())
	return after
}
