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

// LDAPBinding is the object: what a custom resource's status would be.
type LDAPBinding struct {
	Phase    string          `json:"phase"` // "", Binding, Ready or Failed
	Message  string          `json:"message,omitempty"`
	Progress waiter.Progress `json:"progress,omitzero"`
}

// Reconciler remembers nothing between two calls of Reconcile.
type Reconciler struct {
	waiter *waiter.Waiter
	submit func(context.Context) (jobID string, err error)
	stored []byte // stands for the cluster: the object as JSON
}

// Reconcile brings the binding one step further. A requeueAfter of 0 means that it
// has come to its end; an error, that it is to be tried again.
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
		if err := r.store(b); err != nil { // before anything else: the id must not be lost
			return 0, err
		}
	}

	p, err := r.waiter.Step(ctx, b.Progress)
	if err != nil && !p.Done {
		return 0, err // ctx has ended in the middle of the poll, say: p is as it was
	}
	for _, t := range p.Transitions { // events; told again if the object can't be stored
		fmt.Printf("    event: %s %s -> %s\n", cmp.Or(t.SubJob, "job"), cmp.Or(t.From, "new"), t.To)
	}
	b.Progress, b.Message, requeueAfter = p, "", p.Next
	switch {
	case errors.Is(err, waiter.ErrJobFailed): // trying again would not help
		b.Phase, b.Message = "Failed", err.Error()
	case err != nil: // a rejected token, say: the job itself may go on, so look again later
		b.Message, requeueAfter = err.Error(), 5*time.Minute
		b.Progress = waiter.Progress{JobID: p.JobID, Job: p.Job}
	case p.Done:
		b.Phase = "Ready"
	}
	return requeueAfter, r.store(b)
}

func (r *Reconciler) store(b LDAPBinding) (err error) {
	r.stored, err = json.Marshal(b)
	return err
}
