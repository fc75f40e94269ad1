package terraform

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

// Private is the private state in the response of Create, Read, Update, Delete or ModifyPlan.
type Private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// privateKey is where the private state holds the record of a job whose end was not seen.
const privateKey = "sfsturbo_job"

// record is one attempt to change an object. It holds no secret.
type record struct {
	Version int       `json:"version"`
	Intent  string    `json:"intent"` // see Change.Intent
	JobType string    `json:"job_type"`
	JobID   string    `json:"job_id,omitempty"` // "" until the submitting call's response has arrived
	Done    bool      `json:"done,omitempty"`   // the object is as wanted
	Held    bool      `json:"held,omitempty"`   // it showed what is wanted before the submit
	At      time.Time `json:"at"`
}

func (r *record) pending() bool { return r != nil && r.JobID != "" && !r.Done }

// proven reports whether an object that is as wanted is the work of this attempt.
func (r *record) proven() bool { return r.Done || !r.Held }

// decode returns nil for what it cannot read: a newer version's record is nothing to go on with.
func decode(data []byte) *record {
	var r record
	if len(data) == 0 || json.Unmarshal(data, &r) != nil || r.Version != 1 {
		return nil
	}
	return &r
}

// Pending returns the id of the job that a resource's private state remembers: an earlier Create,
// Update or Delete did not see its end. "" if there is none. Where there is one, Read leaves the
// state as it is, and ModifyPlan plans an update.
func Pending(ctx context.Context, p Private) (jobID string, diags diag.Diagnostics) {
	data, diags := p.GetKey(ctx, privateKey)
	if r := decode(data); r.pending() {
		return r.JobID, diags
	}
	return "", diags
}

func remember(ctx context.Context, p Private, r *record) diag.Diagnostics {
	if r == nil {
		return p.SetKey(ctx, privateKey, nil)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Cannot record the job", err.Error())}
	}
	return p.SetKey(ctx, privateKey, data)
}
