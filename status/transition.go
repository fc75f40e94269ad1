package status

import (
	"cmp"
	"log/slog"
	"slices"
	"strconv"
	"strings"
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
	merged := complete(prev, next).Clone()
	if linedUp(prev, next) {
		for i, sub := range prev.SubJobs {
			merged.SubJobs[i] = complete(sub, next.SubJobs[i])
		}
		return merged
	}
	at := make(map[string]int, len(next.SubJobs))
	var names namer
	for i, sub := range next.SubJobs {
		at[names.name(sub)] = i
	}
	var before namer
	for _, sub := range prev.SubJobs {
		if i, ok := at[before.name(sub)]; ok {
			merged.SubJobs[i] = complete(sub, next.SubJobs[i])
		} else {
			merged.SubJobs = append(merged.SubJobs, sub)
		}
	}
	return merged
}

// complete returns next. If it has no status, prev's status, times, code and reason fill what it
// lacks.
func complete(prev, next Job) Job {
	if next.Status != "" {
		return next
	}
	next.Status = prev.Status
	next.BeginTime, next.EndTime = cmp.Or(next.BeginTime, prev.BeginTime), cmp.Or(next.EndTime, prev.EndTime)
	next.ErrorCode, next.FailReason = cmp.Or(next.ErrorCode, prev.ErrorCode), cmp.Or(next.FailReason, prev.FailReason)
	return next
}

// Diff returns what Merge(prev, next) shows and prev does not, in the order of delivery: the job's
// own change before its sub-jobs', or after them if the job has ended. Sub-jobs come in the order
// of next. A status that is skipped is not invented; one that goes backwards is delivered as it
// is; one that next leaves out has not changed.
//
// Diff takes one pass over both, and no transition shares memory with them.
func Diff(prev, next Job, at time.Time) []Transition {
	next.Status = cmp.Or(next.Status, prev.Status)
	if prev.Status == next.Status && slices.EqualFunc(prev.SubJobs, next.SubJobs, alike) {
		return nil
	}
	id := cmp.Or(next.ID, prev.ID)
	var was map[string]Status
	if len(next.SubJobs) > 0 {
		was = make(map[string]Status, len(prev.SubJobs))
		var before namer
		for _, sub := range prev.SubJobs {
			was[before.name(sub)] = sub.Status
		}
	}
	var changes []Transition
	own := func() {
		if prev.Status != next.Status {
			changes = append(changes, Transition{JobID: id, Job: Merge(prev, next), From: prev.Status, To: next.Status, ObservedAt: at})
		}
	}
	if !next.Status.Terminal() {
		own()
	}
	var names namer
	for _, sub := range next.SubJobs {
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
func linedUp(prev, next Job) bool {
	n := len(prev.SubJobs)
	return n <= len(next.SubJobs) && slices.EqualFunc(prev.SubJobs, next.SubJobs[:n], namesakes)
}

func namesakes(a, b Job) bool { return label(a) == label(b) }

func alike(a, b Job) bool { return namesakes(a, b) && (a.Status == b.Status || b.Status == "") }

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
		if label(sub) != label(old) {
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
		if name, _ := names.find(blank); name == t.SubJob {
			break
		}
		names.name(blank)
		after.SubJobs = append(after.SubJobs, blank)
	}
	after.SubJobs = append(after.SubJobs, t.Job.Clone())
	return after
}

// find returns where the sub-job with a name is; if it is -1, also the namer that has named all.
func find(subs []Job, name string) (int, namer) {
	if !strings.Contains(name, "#") { // the first that is labeled so: a checkpoint a transition needs it to be quick
		return slices.IndexFunc(subs, func(sub Job) bool { return label(sub) == name }), namer{}
	}
	var names namer
	for i, sub := range subs {
		if names.name(sub) == name {
			return i, names
		}
	}
	return -1, names
}

func ordinal(t Transition) int {
	suffix, ok := strings.CutPrefix(t.SubJob, label(t.Job)+"#")
	if !ok {
		return 1
	}
	n, _ := strconv.Atoi(suffix)
	return min(n, MaxSubJobs)
}

// A namer names the sub-jobs of one response, in its order. A name depends only on the sub-jobs
// before it: so a merged snapshot, which has the kept ones last, gives each the name that it had
// in its own response. Were real ids to go first instead, a sub-job could take the name of one
// that had been delivered.
type namer struct {
	used  map[string]bool
	count map[string]int // by label
}

func label(sub Job) string {
	if sub.ID != "" {
		return sub.ID
	}
	return sub.Type
}

func (n *namer) find(sub Job) (name string, count int) {
	base := label(sub)
	for count = n.count[base] + 1; ; count++ {
		name = base
		if count > 1 || base == "" {
			name += "#" + strconv.Itoa(count)
		}
		if !n.used[name] {
			return name, count
		}
	}
}

func (n *namer) name(sub Job) string {
	if n.used == nil {
		n.used, n.count = make(map[string]bool), make(map[string]int)
	}
	name, count := n.find(sub)
	n.used[name], n.count[label(sub)] = true, count
	return name
}
