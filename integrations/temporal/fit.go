package temporalwait

import (
	"encoding/json"
	"strings"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// maxPayload is how long the JSON of a Progress may be. Temporal refuses 2 MiB, for ever: the
// activity that has ended would be tried again and again.
const maxPayload = 1 << 20 // bytes

// fit returns p with its texts cut so that Temporal takes it: reasons, codes, types, times and the
// request id. If that is not enough, the last sub-jobs are left out, and so are their transitions.
// Statuses are never cut, or they would look like changes; Step takes no long ones, and keeps the
// rest of a Progress short. It is pure, and shares no memory with a p that it cuts.
func fit(p waiter.Progress) waiter.Progress {
	for limit := 64 << 10; size(p) > maxPayload; limit /= 4 {
		if limit > 0 {
			p = withTexts(p, limit)
			continue
		}
		p = withSubJobs(p, len(p.Job.SubJobs)/2)
		if len(p.Job.SubJobs) == 0 {
			break
		}
	}
	return p
}

func size(p waiter.Progress) int {
	data, err := json.Marshal(p)
	if err != nil {
		return 0 // Temporal's own encoding says so
	}
	return len(data)
}

// withTexts returns p with no text longer than limit, in bytes.
func withTexts(p waiter.Progress, limit int) waiter.Progress {
	p.Job = shortened(p.Job, limit)
	cut(&p.RequestID, limit)
	transitions := make([]status.Transition, 0, len(p.Transitions))
	for _, t := range p.Transitions {
		t.Job = shortened(t.Job, limit)
		transitions = append(transitions, t)
	}
	p.Transitions = transitions
	return p
}

func shortened(job status.Job, limit int) status.Job {
	job = job.Clone()
	shorten(&job, limit)
	for i := range job.SubJobs {
		shorten(&job.SubJobs[i], limit)
	}
	return job
}

func shorten(job *status.Job, limit int) {
	cut(&job.FailReason, limit)
	cut(&job.ErrorCode, limit)
	cut(&job.Type, limit)
	cut(&job.BeginTime, max(limit, 64)) // one that can be read is shorter
	cut(&job.EndTime, max(limit, 64))
}

func cut[T ~string](text *T, limit int) {
	if len(*text) > limit {
		*text = T(strings.ToValidUTF8(string((*text)[:limit]), "")) + "…"
	}
}

// withSubJobs returns p without any but the first sub-jobs: in the job, in the transitions of the
// job, and of those that are left out.
func withSubJobs(p waiter.Progress, first int) waiter.Progress {
	left := map[string]bool{}
	for _, t := range status.Diff(status.Job{}, withFirst(p.Job, first), p.LastSeen) {
		left[t.SubJob] = true
	}
	p.Job = withFirst(p.Job, first)
	var transitions []status.Transition
	for _, t := range p.Transitions {
		if left[t.SubJob] {
			t.Job = withFirst(t.Job, first)
			transitions = append(transitions, t)
		}
	}
	p.Transitions = transitions
	return p
}

func withFirst(job status.Job, n int) status.Job {
	job.SubJobs = job.SubJobs[:min(n, len(job.SubJobs))]
	return job.Clone()
}
