package follow

import (
	"strings"

	"github.com/sfsturbo/waiter/status"
)

// fold returns job with the known statuses in lower case: sibling services spell
// theirs in upper case. It shares no memory with job.
func fold(job status.Job) status.Job {
	job = job.Clone()
	job.Status = foldStatus(job.Status)
	for i := range job.SubJobs {
		job.SubJobs[i].Status = foldStatus(job.SubJobs[i].Status)
	}
	return job
}

func foldStatus(s status.Status) status.Status {
	if lower := status.Status(strings.ToLower(string(s))); lower.Known() {
		return lower
	}
	return s
}

// rank orders the statuses as a job goes through them; an unknown one is taken for
// a kind of running.
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
