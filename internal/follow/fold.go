package follow

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sfsturbo/waiter/status"
)

// fold returns job without blanks around ids and statuses, with the known statuses in lower case,
// because sibling services spell theirs in upper case, and fit to be stored, whichever Poller it
// came from. It shares no memory with job.
func fold(job status.Job) status.Job {
	job = job.Clone()
	foldOne(&job)
	for i := range job.SubJobs {
		foldOne(&job.SubJobs[i])
	}
	return job
}

func foldOne(job *status.Job) {
	job.ID, job.Status = trim(job.ID), Storable(foldStatus(job.Status))
	job.BeginTime, job.EndTime = Storable(job.BeginTime), Storable(job.EndTime)
	for _, s := range []*string{&job.ID, &job.Type, &job.ErrorCode, &job.FailReason} {
		*s = Storable(*s)
	}
}

// Storable returns s without U+0000, which PostgreSQL stores neither as jsonb nor as text.
func Storable[S ~string](s S) S { return S(strings.ReplaceAll(string(s), "\x00", "\ufffd")) }

func foldStatus(s status.Status) status.Status {
	s = status.Status(trim(string(s)))
	lower := status.Status(strings.ToLower(string(s)))
	for _, known := range []status.Status{status.Waiting, status.Running, status.Success, status.Failed} {
		if lower == known {
			return known // not lower, or each job would hold a string of its own
		}
	}
	return s
}

// trim removes blanks and invisible characters around s, as status.Decode does.
func trim(s string) string {
	return strings.TrimFunc(s, func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) })
}

// rank orders the statuses as a job goes through them; an unknown one counts as running.
func rank(s status.Status) int {
	switch {
	case s == "":
		return 0
	case s == status.Waiting:
		return 1
	case s.Terminal():
		return 3
	}
	return 2
}

const maxText = 2 << 20 // bytes of a snapshot: twice what one response may hold

// bound drops the least recently seen sub-jobs that the last response did not include, where
// there are too many: a service that keeps inventing new ones would fill any memory. Merge puts
// them last. The first own sub-jobs, which are the response's, stay.
func bound(merged status.Job, own int) status.Job {
	size := text(status.Job{SubJobs: merged.SubJobs[:own]})
	for n := own; n < len(merged.SubJobs); n++ {
		if size += text(merged.SubJobs[n]); n >= maxNames || size > maxText {
			merged.SubJobs = slices.Clone(merged.SubJobs[:n]) // or the rest would stay in memory
		}
	}
	return merged
}

func text(job status.Job) int {
	n := len(job.ID) + len(job.Type) + len(job.Status) + len(job.BeginTime) + len(job.EndTime) + len(job.ErrorCode) + len(job.FailReason)
	for _, sub := range job.SubJobs {
		n += text(sub)
	}
	return n
}
