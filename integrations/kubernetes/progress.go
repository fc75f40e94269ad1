package kubernetes

import (
	"encoding/json"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// MaxProgress bounds Record.Progress, in bytes. The API server accepts objects of 1.5 MiB, and
// every watcher of the resource holds each of them in memory.
const MaxProgress = 256 << 10

const maxText = 1024 // bytes of a text of the service that is stored: an Event has no room for more

// encode returns p as it is stored. The transitions are left out, because [Record.Events] has them,
// and texts are cut. A record that is too large even so keeps of each sub-job only what tells
// whether it has changed; one that is still too large has no sub-jobs, and whole is false.
func encode(p waiter.Progress) (stored string, whole bool) {
	p.Transitions = nil
	p.LastFailure = cut(p.LastFailure, maxText)
	p.Job = p.Job.Clone()
	shorten(&p.Job)
	for i := range p.Job.SubJobs {
		shorten(&p.Job.SubJobs[i])
	}
	if stored = toJSON(p); len(stored) <= MaxProgress {
		return stored, true
	}
	for i, sub := range p.Job.SubJobs {
		least := status.Job{ID: sub.ID, Status: sub.Status}
		if sub.ID == "" {
			least.Type = sub.Type // its name
		}
		p.Job.SubJobs[i] = least
	}
	if stored = toJSON(p); len(stored) <= MaxProgress {
		return stored, true
	}
	p.Job.SubJobs = nil
	if stored = toJSON(p); len(stored) <= MaxProgress {
		return stored, false
	}
	return toJSON(waiter.Progress{JobID: p.JobID, Trace: p.Trace, Due: p.Due}), false
}

func shorten(j *status.Job) {
	j.ErrorCode, j.FailReason = cut(j.ErrorCode, maxText), cut(j.FailReason, maxText)
	j.BeginTime, j.EndTime = status.Timestamp(cut(string(j.BeginTime), maxText)), status.Timestamp(cut(string(j.EndTime), maxText))
}

func toJSON(p waiter.Progress) string {
	data, err := json.Marshal(p)
	if err != nil {
		panic(err) // a Progress that Step returned can be encoded
	}
	return string(data)
}

// progress returns where the record stands. A Progress that cannot be read, or is another job's
// because a person has changed the id, begins again.
func (r *Record) progress() waiter.Progress {
	var p waiter.Progress
	if json.Unmarshal([]byte(r.Progress), &p) != nil || !status.SameID(p.JobID, r.JobID) {
		p = waiter.Progress{JobID: r.JobID}
	}
	return p
}

// cut returns at most limit bytes of text, and whole characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := 0
	for i := range text {
		if i > limit-len("…") {
			break
		}
		end = i
	}
	return text[:end] + "…"
}
