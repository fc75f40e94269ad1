package kubernetes

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Object is a custom resource that jobs are submitted for. Its CRD needs the status subresource.
type Object interface {
	client.Object
	Job() *Record                    // the field of the status, usually status.job
	Conditions() *[]metav1.Condition // the field of the status, usually status.conditions
}

// Record is what a custom resource's status holds of its job. It is the package's own: read it, and
// change it only as the package's README says. Its size is bounded: see [MaxProgress].
type Record struct {
	// Intent is what the job was submitted for, and Generation the resource's at that time.
	Intent     string `json:"intent,omitempty"`
	Generation int64  `json:"generation,omitempty"`
	// Attempt is random. It is written before the submit, so that an attempt without a JobID is a
	// submit whose response was not recorded.
	Attempt     string       `json:"attempt,omitempty"`
	SubmittedAt *metav1.Time `json:"submittedAt,omitempty"`
	JobID       string       `json:"jobID,omitempty"`
	// Held is that Check found the object as wanted before the submit, or failed. Then what it finds
	// later is no proof of the job.
	Held bool `json:"held,omitempty"`
	// NotBefore is when to submit or to check again, while there is no JobID.
	NotBefore *metav1.Time `json:"notBefore,omitempty"`
	// Progress is a waiter.Progress as JSON. It is a string because a string needs no
	// x-kubernetes-preserve-unknown-fields, comes back byte for byte, and is one value for
	// server-side apply. jq's fromjson reads it.
	Progress string `json:"progress,omitempty"`
	// Outcome is how it ended: "success", "failed" or "sub_job_failed"; "not_found" or "disappeared"
	// if the service does not know the job; "" while it goes on.
	Outcome string `json:"outcome,omitempty"`
	// Writes counts the writes, and Events is what the last one, at UpdatedAt, has to emit.
	Writes    int64        `json:"writes,omitempty"`
	UpdatedAt *metav1.Time `json:"updatedAt,omitempty"`
	Events    []Event      `json:"events,omitempty"`
}

// Event is what a write of the status has to emit.
type Event struct {
	Type   string `json:"type"` // Normal or Warning
	Reason string `json:"reason"`
	Note   string `json:"note"`
}

// DeepCopyInto copies r, as generated code expects it.
func (r *Record) DeepCopyInto(out *Record) {
	*out = *r
	out.SubmittedAt, out.NotBefore, out.UpdatedAt = r.SubmittedAt.DeepCopy(), r.NotBefore.DeepCopy(), r.UpdatedAt.DeepCopy()
	out.Events = slices.Clone(r.Events)
}

// DeepCopy returns a copy of r; nil for nil.
func (r *Record) DeepCopy() *Record {
	if r == nil {
		return nil
	}
	out := new(Record)
	r.DeepCopyInto(out)
	return out
}

// unconfirmed reports whether a submit may have started a job whose id is not recorded.
func (r *Record) unconfirmed() bool { return r.Attempt != "" && r.JobID == "" && r.Outcome == "" }

// next returns a copy of r for the next write.
func (r *Record) next() Record {
	next := *r.DeepCopy()
	next.Events, next.NotBefore = nil, nil
	return next
}

// lost reports whether the service does not know the job. It is asked for again, but a job for
// another intent need not wait for it.
func (r *Record) lost() bool { return r.Outcome == "not_found" || r.Outcome == "disappeared" }
