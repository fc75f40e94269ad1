// Package truth knows how each job will go before it begins, and judges what a wait reports about
// it.
//
// A job's life follows from its id alone, so that the service and the judge of the wait agree on it
// without any communication, even in two processes.
package truth

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Job is what will happen to a job, and to the wait for it.
type Job struct {
	Script pollertest.Script
	// End is the job in its last step. Its Status is Success or Failed, or Running for a job that
	// never ends.
	End status.Job
	// Patience is how long the wait's context lasts if the job never ends; otherwise 0.
	Patience time.Duration
	Cancel   bool // the context has no deadline, and is canceled after Patience
}

// Life returns the minimum duration of a wait for the job: from the job's beginning until its end,
// or until its Patience is over.
func (j Job) Life() time.Duration {
	if j.Patience > 0 {
		return j.Patience
	}
	return j.Script.Steps[len(j.Script.Steps)-1].After
}

// moments are the times that the responses show. They stand in the script and come from no clock,
// so that the judge knows them too.
var moments = [...]status.Timestamp{
	"2026-01-02 03:04:05", "2026-01-02 03:05:17", "2026-01-02 03:06:00", "2026-01-02 03:08:59", "2026-01-02 03:10:31",
}

// Draw returns the life of the job with this id. It lasts between a quarter of longest and all of
// it, and has one to four sub-jobs that begin one after the other. Of twenty jobs fourteen succeed,
// four fail, and two never end. Draw panics if longest is less than two nanoseconds.
func Draw(id string, longest time.Duration) Job {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(id)) // never fails
	r := rand.New(rand.NewPCG(sum.Sum64(), 0))
	life := longest/4 + time.Duration(r.Int64N(int64(longest*3/4)))

	script := pollertest.Script{ID: id, Type: "bind_ldap"}
	now := status.Job{ID: id, Type: script.Type, Status: status.Running, BeginTime: moments[0]}
	subJobs := 1 + r.IntN(4)
	for i := range subJobs {
		if i > 0 {
			now.SubJobs[i-1].Status, now.SubJobs[i-1].EndTime = status.Success, moments[i]
		}
		now.SubJobs = append(now.SubJobs, status.Job{
			ID: fmt.Sprintf("%s-%d", id, i), Type: "step", Status: status.Running, BeginTime: moments[i],
		})
		after := life * time.Duration(i+1) / time.Duration(subJobs+2)
		script.Steps = append(script.Steps, pollertest.Step{After: after, Job: now.Clone()})
	}
	job := Job{}
	last := &now.SubJobs[subJobs-1]
	switch n := r.IntN(20); {
	case n < 14:
		now.Status, last.Status = status.Success, status.Success
	case n < 18:
		now.Status, last.Status = status.Failed, status.Failed
		now.ErrorCode, now.FailReason = "SFS.TURBO.0100", "failed to connect to the ldap server"
		last.ErrorCode, last.FailReason = "SFS.TURBO.0101", "no route to host"
	default:
		job.Patience, job.Cancel = life, n == 19
	}
	if job.Patience == 0 {
		now.EndTime, last.EndTime = moments[subJobs], moments[subJobs]
		script.Steps = append(script.Steps, pollertest.Step{After: life, Job: now.Clone()})
	}
	job.Script, job.End = script, now
	return job
}
