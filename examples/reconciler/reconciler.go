package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter"
)

// LDAPBinding is the object: the status of a custom resource.
type LDAPBinding struct {
	Phase    string          `json:"phase"` // "", Binding, Ready or Failed
	Message  string          `json:"message,omitempty"`
	Progress waiter.Progress `json:"progress,omitzero"`
}

// Reconciler keeps no state between two calls of Reconcile.
type Reconciler struct {
	waiter *waiter.Waiter
	submit func(context.Context) (jobID string, err error)
	stored []byte // the object as JSON, as the cluster stores it
}

// Reconcile takes the binding one step further. It returns when to call it again: 0 is never, the
// binding is Ready or Failed. After an error it has to be called again too.
func (r *Reconciler) Reconcile(ctx context.Context) (requeueAfter time.Duration, err error) {
	var b LDAPBinding
	if err := json.Unmarshal(r.stored, &b); err != nil {
		return 0, err
	}
	switch b.Phase {
	case "Ready", "Failed":
		return 0, nil
	case "":
		id, err := r.submit(ctx)
		if err != nil {
			return 0, err
		}
		b.Phase, b.Progress.JobID = "Binding", id
		if err := r.store(b); err != nil { // first of all: the id must not be lost
			return 0, err
		}
	}

	p, err := r.waiter.Step(ctx, b.Progress)
	if err != nil && !p.Done {
		return 0, err // ctx was canceled within the poll, for example: p is as it was
	}
	if !p.Done && p.Polls == b.Progress.Polls { // before p.Due: no request, and nothing to store
		return p.Next, nil
	}
	for _, t := range p.Transitions { // events, delivered again if the object cannot be stored
		fmt.Printf("    event: %s %s -> %s\n", cmp.Or(t.SubJob, "job"), cmp.Or(t.From, "new"), t.To)
	}
	b.Progress, b.Message, requeueAfter = p, "", p.Next
	switch {
	case errors.Is(err, waiter.ErrJobFailed): // polling again does not help
		b.Phase, b.Message = "Failed", err.Error()
	case err != nil: // a rejected token, for example: the job may go on, so a new wait begins later
		b.Message, requeueAfter = err.Error(), 5*time.Minute
		b.Progress = waiter.Progress{JobID: p.JobID, Job: p.Job, Due: time.Now().Add(requeueAfter)}
	case p.Done:
		b.Phase = "Ready"
	}
	return requeueAfter, r.store(b)
}

func (r *Reconciler) store(b LDAPBinding) (err error) {
	r.stored, err = json.Marshal(b)
	return err
}
