package waiter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/status"
)

// What is written here is read at night: one line, the job first, then what the service said, then
// what to do next.

const (
	waitAgain     = "The job itself may go on: wait again with the same job id"
	fixAndWait    = "Fix that, then wait again with the same job id"
	fixFailure    = "Fix the last failure first, then wait again with the same job id"
	ownCheckpoint = "give each job the checkpoint that was stored for it"
	mayBeOver     = "That status may be final: check the resource itself before you wait again with the same job id"
)

var advice = map[follow.End]string{
	follow.SubJobFailed: "The job itself may go on: wait again with the same job id, without WithFailFast, to see its end",
	follow.NotFound:     "If it is too new to be known, use a longer WithNotFoundGrace",
	follow.Disappeared:  "Finished jobs are deleted after a while: check the resource itself",
	follow.Unauthorized: "The job itself may go on: fix that, then wait again with the same job id", // the cause says what
	follow.Permanent:    fixAndWait,
	follow.Stalled:      "Waiting again is unlikely to help: check the resource, or ask the service's support with the request id",
	follow.Stopped:      waitAgain,
	follow.Refused:      fixAndWait,
	follow.Unsaved:      "Fix that, then wait again from the last checkpoint: what was not saved is delivered again",
	follow.TimedOut:     waitAgain,
	follow.Canceled:     waitAgain,
	follow.Unusable:     "No request was sent",
}

// Error states type, id, code and reason of the job and of each failed sub-job, and the request
// id, on one line.
func (e *FailedError) Error() string {
	if e.Job.Status == status.Success {
		return e.said() + ". Check the resource before you submit a new job"
	}
	return e.said() + ". The job has ended: fix the cause, then submit a new job"
}

// said is Error without what to do next.
func (e *FailedError) said() string {
	var b strings.Builder
	succeeded := e.Job.Status == status.Success
	if b.WriteString(name(e.Job)); succeeded {
		b.WriteString(" succeeded")
	} else {
		b.WriteString(" failed")
	}
	b.WriteString(e.duration())
	if succeeded {
		b.WriteString(", but not all of its sub-jobs")
	}
	why := []string{}
	if own := join(e.Job.ErrorCode, e.Job.FailReason); own != "" {
		why = append(why, own)
	}
	subs := failedSubJobs(e.Job)
	for _, sub := range subs[:min(shown, len(subs))] {
		why = append(why, join(subName(sub)+" failed", join(sub.ErrorCode, sub.FailReason)))
	}
	if more := len(subs) - shown; more > 0 {
		why = append(why, fmt.Sprintf("and %d more", more))
	}
	if len(why) == 0 {
		why = append(why, "the service gives neither a code nor a reason")
	}
	if e.RequestID != "" {
		why = append(why, "request id "+wire.OneLine(e.RequestID))
	}
	return b.String() + ": " + strings.Join(why, "; ")
}

// duration is the job's own, by the service's times, which are to the second. Without them it is
// the wait's.
func (e *FailedError) duration() string {
	begin, begun := e.Job.BeginTime.Time()
	end, ended := e.Job.EndTime.Time()
	switch d := end.Sub(begin); {
	case begun && ended && d > 0:
		return " " + wire.Round(d) + " after it began"
	case begun && ended && d == 0:
		return " within a second of its start"
	case e.Elapsed.Round(time.Millisecond) > 0:
		return " (seen " + wire.Round(e.Elapsed) + " after the wait began)"
	}
	return ""
}

func failedSubJobs(job status.Job) []status.Job {
	return slices.DeleteFunc(slices.Clone(job.SubJobs), func(sub status.Job) bool { return sub.Status != status.Failed })
}

// Error is a status report: which job, how the wait ended, what was last seen and how long ago,
// how the polls went, and what to do next, on one line.
func (e *UnfinishedError) Error() string {
	if e.Advice == "" {
		return e.said()
	}
	return e.said() + ". " + e.Advice
}

// said is Error without what to do next.
func (e *UnfinishedError) said() string {
	text := name(e.named()) + " " + e.reason()
	said := e.LastFailure == nil || e.Cause != nil && wire.Text(e.Cause) == wire.Text(e.LastFailure)
	var parts []string
	if e.Polls > 0 || e.Last.Status != "" || !said {
		parts = append(parts, e.lastSeen())
		if e.Polls > 1 || !said || e.LastFailure == nil {
			parts = append(parts, e.polls())
		}
	}
	if !said {
		parts = append(parts, "last failure: "+wire.OneLine(e.LastFailure))
	}
	if e.Asked != "" && !strings.Contains(text+strings.Join(parts, ""), e.Asked) {
		parts = append(parts, "asked was "+wire.OneLine(e.Asked))
	}
	if e.RequestID != "" {
		parts = append(parts, "last good response: request id "+wire.OneLine(e.RequestID))
	}
	if len(parts) > 0 {
		text += ". " + strings.Join(parts, "; ")
	}
	return text
}

// named is the job to name, of an error that a test has built too.
func (e *UnfinishedError) named() status.Job {
	job := e.Last
	if job.ID == "" {
		job.ID = e.JobID
	}
	return job
}

// reason is how the wait ended, in words.
func (e *UnfinishedError) reason() string {
	var text string
	cause := e.Cause
	switch e.Outcome {
	case "not_found":
		text = "was not found"
	case "disappeared":
		text = "has disappeared"
	case "stalled":
		return "has stalled: no new status for " + wire.Round(e.Unchanged)
	case "sub_job_failed":
		text = "is no longer awaited: a sub-job has failed"
	case "checkpoint":
		text = "is no longer awaited: a checkpoint could not be saved"
	case "stopped":
		if text = "cannot be polled"; errors.Is(cause, errNoNextPoll) {
			text = "is not done"
		}
	case "timeout":
		text = "was not done in time: context deadline exceeded"
	case "canceled":
		text = "is no longer awaited: context canceled"
	case "usage":
		text = "cannot be awaited"
	default:
		text = "cannot be read"
	}
	if cause != nil {
		text += ": " + wire.OneLine(cause)
	}
	return text
}

func (e *UnfinishedError) lastSeen() string {
	seen := "Last seen " + wire.OneLine(e.Last.Status)
	switch {
	case e.Outcome == "checkpoint" && e.Last.Status == "":
		return "Nothing was saved yet"
	case e.Outcome == "checkpoint":
		return "Last saved " + wire.OneLine(e.Last.Status)
	case e.Last.Status == "":
		return "It was never seen"
	case e.LastSeen.IsZero():
		seen = "Its checkpoint says " + wire.OneLine(e.Last.Status)
	case e.Age.Round(time.Millisecond) > 0:
		seen += " " + wire.Round(e.Age) + " ago"
	default:
		seen += " just now"
	}
	if e.Unchanged > e.Age {
		seen += ", unchanged for " + wire.Round(e.Unchanged)
	}
	var open []string
	for _, sub := range e.Last.SubJobs {
		if sub.Status != status.Success {
			open = append(open, join(subName(sub)+" "+wire.OneLine(sub.Status), join(sub.ErrorCode, sub.FailReason)))
		}
	}
	if more := len(open) - shown; more > 0 {
		open = append(open[:shown], fmt.Sprintf("and %d more", more))
	}
	if why := join(e.Last.ErrorCode, e.Last.FailReason); why != "" { // services give them early, too
		open = slices.Insert(open, 0, why)
	}
	if !e.Last.Status.Known() {
		unknown := "an unknown status"
		if e.Last.EndTime != "" {
			unknown += " with the end time " + wire.OneLine(e.Last.EndTime)
		}
		open = slices.Insert(open, 0, unknown)
	}
	if len(open) > 0 {
		seen += " (" + strings.Join(open, ", ") + ")"
	}
	return seen
}

func (e *UnfinishedError) polls() string {
	text := fmt.Sprintf("%d polls in %s", e.Polls, wire.Round(e.Elapsed))
	if e.Polls == 1 {
		text = "1 poll in " + wire.Round(e.Elapsed)
	}
	var kinds []string
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(e.Failures)) {
		kinds = append(kinds, fmt.Sprintf("%d x %s", e.Failures[kind], kind))
		total += e.Failures[kind]
	}
	if total > 0 {
		text += fmt.Sprintf(", %d failed (%s)", total, strings.Join(kinds, ", "))
	}
	return text
}

// name is "bind_ldap job 26f6b565"; a type or id that is unknown is left out.
func name(job status.Job) string { return wire.OneLine(job.Type + " job " + job.ID) }

func subName(sub status.Job) string { return wire.OneLine("sub-job " + sub.Type + " " + sub.ID) }

func join(code, reason string) string {
	code, reason = wire.OneLine(code), wire.OneLine(reason)
	if code == "" || reason == "" {
		return code + reason
	}
	return code + ": " + reason
}

const shown = 5 // sub-jobs in a report
