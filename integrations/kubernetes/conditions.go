package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// The types of the conditions. Their ObservedGeneration is the generation that the job was
// submitted for.
const (
	Ready       = "Ready"       // the job has succeeded
	Progressing = "Progressing" // the job goes on, or is asked for again later without anybody's help
	Failed      = "Failed"      // the job has failed, or a person has to look at it
)

// The reasons of the conditions, beside one for each word of waiter.Outcome: JobFailed,
// SubJobFailed, Unauthorized, NotFound, Disappeared, Stalled, Permanent and Stopped.
const (
	Submitting        = "Submitting"        // the intent is recorded
	SubmitRefused     = "SubmitRefused"     // nothing was started; it is submitted again later
	SubmitUnconfirmed = "SubmitUnconfirmed" // a job may have been started, but its id is not known
	Submitted         = "Submitted"         // the id is recorded
	Following         = "Following"         // the job is polled
	Succeeded         = "Succeeded"
	Applied           = "Applied" // what the job is for is there, though no job says so
)

// IsReady reports whether the job for the resource's present generation has succeeded.
func IsReady(obj Object) bool {
	c := meta.FindStatusCondition(*obj.Conditions(), Ready)
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == obj.GetGeneration()
}

// stand is what the three conditions say.
type stand struct {
	ready, progressing, failed bool
	reason, message            string
	generation                 int64
}

const maxMessage = 16 << 10 // the API allows 32 KiB

func (s stand) set(conditions *[]metav1.Condition) {
	for _, c := range []struct {
		name string
		is   bool
	}{{Ready, s.ready}, {Progressing, s.progressing}, {Failed, s.failed}} {
		is := metav1.ConditionFalse
		if c.is {
			is = metav1.ConditionTrue
		}
		meta.SetStatusCondition(conditions, metav1.Condition{
			Type: c.name, Status: is, Reason: s.reason, Message: cut(s.message, maxMessage), ObservedGeneration: s.generation,
		})
	}
}

// following is where a job stands that goes on.
func following(p waiter.Progress, failures int) (s stand) {
	s = stand{progressing: true, reason: Following}
	s.message = fmt.Sprintf("%s is %s", name(p), cmp.Or(string(p.Job.Status), "not seen yet"))
	if n := len(p.Job.SubJobs); n > 0 {
		done := 0
		for _, sub := range p.Job.SubJobs {
			if sub.Status == status.Success {
				done++
			}
		}
		s.message += fmt.Sprintf(", %d of %d sub-jobs have succeeded", done, n)
	}
	if failed := total(p.Failures); failed > failures {
		s.message += ". The last poll failed: " + p.LastFailure
	}
	return s
}

func total(failures map[string]int) (n int) {
	for _, times := range failures {
		n += times
	}
	return n
}

func name(p waiter.Progress) string {
	return cmp.Or(p.Job.Type, "the") + " job " + p.JobID
}

// reason returns the word of waiter.Outcome as a reason: "not_found" is NotFound.
func reason(outcome string) string {
	switch outcome {
	case "success":
		return Succeeded
	case "failed":
		return "JobFailed"
	}
	var b strings.Builder
	for word := range strings.SplitSeq(outcome, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

const maxEvents = 20 // of one write

// events returns what a write that records these transitions has to emit: all of the job and of
// failures, and of the rest what there is room for.
func events(ctx context.Context, transitions []status.Transition) (all []Event) {
	room := maxEvents - 1
	for _, t := range transitions {
		if !t.IsSubJob() || t.To == status.Failed {
			room--
		}
	}
	left := 0
	for _, t := range transitions {
		matters := !t.IsSubJob() || t.To == status.Failed
		if !matters && room <= 0 || len(all) == maxEvents-1 {
			left++
			continue
		}
		if !matters {
			room--
		}
		all = append(all, event(ctx, t))
	}
	if left > 0 {
		all = append(all, Event{corev1.EventTypeNormal, "MoreTransitions", fmt.Sprintf("and %d more changes of sub-jobs", left)})
	}
	return all
}

func event(ctx context.Context, t status.Transition) Event {
	e := Event{Type: corev1.EventTypeNormal, Reason: "Job", Note: t.String() + " (job " + t.JobID + ")"}
	if t.IsSubJob() {
		e.Reason = "SubJob"
	}
	switch t.To {
	case status.Waiting, status.Running:
		e.Reason += strings.ToUpper(string(t.To[:1])) + string(t.To[1:])
	case status.Success:
		e.Reason += "Succeeded"
	case status.Failed:
		e.Reason += "Failed"
		e.Type = corev1.EventTypeWarning
	default: // a status that this library does not know
		e.Reason += "Changed"
	}
	for _, why := range []string{t.Job.ErrorCode, t.Job.FailReason} {
		if why != "" {
			e.Note += ": " + why
		}
	}
	e.Note = cut(mask(ctx, e.Note), maxText)
	return e
}

// standing returns what the conditions say.
func standing(conditions []metav1.Condition) (s stand) {
	if c := meta.FindStatusCondition(conditions, Ready); c != nil {
		s.reason, s.message = c.Reason, c.Message
	}
	s.ready = meta.IsStatusConditionTrue(conditions, Ready)
	s.progressing = meta.IsStatusConditionTrue(conditions, Progressing)
	s.failed = meta.IsStatusConditionTrue(conditions, Failed)
	return s
}
