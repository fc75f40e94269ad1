package waiter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/status"
)

// What is written here is read at night: one line, the job first, then what the
// service said, then what to do next.

// Error tells type, id, code and reason of the job and of each failed sub-job, and
// the request id, on one line.
func (e *FailedError) Error() string {
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
	subs := e.failedSubJobs()
	for _, sub := range subs[:min(shown, len(subs))] {
		why = append(why, join(subName(sub)+" failed", join(sub.ErrorCode, sub.FailReason)))
	}
	if more := len(subs) - shown; more > 0 {
		why = append(why, fmt.Sprintf("and %d more", more))
	}
	if e.RequestID != "" {
		why = append(why, "request id "+oneLine(e.RequestID))
	}
	if len(why) > 0 {
		b.WriteString(": " + strings.Join(why, "; "))
	}
	if succeeded {
		return b.String() + ". Look at the resource before submitting it anew"
	}
	return b.String() + ". The job has ended: mend the cause, then submit it anew"
}

// duration is the service's own, which is to the second, where it tells one.
func (e *FailedError) duration() string {
	begin, begun := e.Job.BeginTime.Time()
	end, ended := e.Job.EndTime.Time()
	switch d := end.Sub(begin); {
	case begun && ended && d > 0:
		return " after " + round(d)
	case begun && ended && d == 0:
		return " within a second"
	case e.Elapsed.Round(time.Millisecond) > 0:
		return " (seen " + round(e.Elapsed) + " after the wait began)"
	}
	return ""
}

func (e *FailedError) failedSubJobs() []status.Job {
	var subs []status.Job
	for _, sub := range e.Job.SubJobs {
		if sub.Status == status.Failed {
			subs = append(subs, sub)
		}
	}
	return subs
}

// Error is a status report: which job, how the wait ended, what was last seen and
// how long ago, how the polls went, and what to do next, on one line.
func (e *UnfinishedError) Error() string {
	text := name(e.Last) + " " + e.what
	if e.Polls == 0 && e.Last.Status == "" && (e.said || e.LastFailure == nil) {
		return text + ". " + e.advice
	}
	parts := []string{e.lastSeen()}
	if e.Polls > 1 || !e.said {
		parts = append(parts, e.polls())
	}
	if e.LastFailure != nil && !e.said {
		parts = append(parts, "last failure: "+oneLine(e.LastFailure))
	}
	if e.RequestID != "" {
		parts = append(parts, "last good answer: request id "+oneLine(e.RequestID))
	}
	return text + ". " + strings.Join(parts, "; ") + ". " + e.advice
}

func (e *UnfinishedError) lastSeen() string {
	seen := "Last seen " + oneLine(e.Last.Status)
	switch {
	case e.Last.Status == "":
		return "It was never seen"
	case e.LastSeen.IsZero():
		seen = "Its checkpoint says " + oneLine(e.Last.Status)
	case e.Age.Round(time.Millisecond) > 0:
		seen += " " + round(e.Age) + " ago"
	default:
		seen += " just now"
	}
	if e.still > e.Age {
		seen += ", unchanged for " + round(e.still)
	}
	var open []string
	for _, sub := range e.Last.SubJobs {
		if sub.Status != status.Success {
			open = append(open, join(subName(sub)+" "+oneLine(sub.Status), join(sub.ErrorCode, sub.FailReason)))
		}
	}
	if more := len(open) - shown; more > 0 {
		open = append(open[:shown], fmt.Sprintf("and %d more", more))
	}
	if len(open) > 0 {
		seen += " (" + strings.Join(open, ", ") + ")"
	}
	return seen
}

func (e *UnfinishedError) polls() string {
	text := fmt.Sprintf("%d polls in %s", e.Polls, round(e.Elapsed))
	if e.Polls == 1 {
		text = "1 poll in " + round(e.Elapsed)
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

// name is "bind_ldap job 26f6b565"; a type or id that is not known is left out.
func name(job status.Job) string { return oneLine(job.Type + " job " + job.ID) }

func subName(sub status.Job) string { return oneLine("sub-job " + sub.Type + " " + sub.ID) }

func join(code, reason string) string {
	code, reason = oneLine(code), oneLine(reason)
	if code == "" || reason == "" {
		return code + reason
	}
	return code + ": " + reason
}

// round keeps what a reader can use of a duration.
func round(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}

const (
	shown   = 5   // sub-jobs in a report
	longest = 768 // characters of one thing that the service said
)

// oneLine makes what came from outside fit for a line of a report.
func oneLine(v any) string { return wire.Line(fmt.Sprint(v), longest) }
