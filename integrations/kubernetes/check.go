package kubernetes

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// check decides about a submit whose response was not recorded.
func (r *Reconciler) check(ctx context.Context, obj Object, op Operation) (reconcile.Result, error) {
	rec := obj.Job()
	age := settled
	if rec.SubmittedAt != nil {
		age = time.Since(rec.SubmittedAt.Time)
	}
	if r.remembered(obj).unsent == rec.Attempt {
		return r.submit(ctx, obj, op)
	}
	if rec.Intent != op.Intent { // another job is wanted by now
		if age < settled {
			return after(settled - age), nil
		}
		return r.submit(ctx, obj, op)
	}
	finding, err := op.find(ctx)
	if ctx.Err() != nil {
		return reconcile.Result{}, ctx.Err()
	}
	if err == nil && finding == NotStarted && age >= settled {
		return r.submit(ctx, obj, op)
	}
	c := change{base: *rec.DeepCopy(), record: rec.next()}
	c.record.Writes++
	result := reconcile.Result{}
	if err == nil && finding == IsApplied && !rec.Held {
		c.record.Outcome = "success"
		c.stand = applied
		c.record.Events = []Event{{corev1.EventTypeNormal, Applied, applied.message}}
	} else {
		d := soon
		if age > checkOften || op.Check == nil {
			d = lookAgain
		}
		result, c.record.NotBefore = after(d), later(d)
		c.stand = unconfirmed(rec, op, err)
		c.stand.message = mask(ctx, c.stand.message)
	}
	if err := r.save(ctx, obj, c); err != nil {
		return reconcile.Result{}, err
	}
	return result, r.emit(ctx, obj)
}

// find asks Check.
func (op *Operation) find(ctx context.Context) (Finding, error) {
	if op.Check == nil {
		return Unknown, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return op.Check(ctx)
}

// applied reports whether the work of rec's job is there.
func (op *Operation) applied(ctx context.Context, rec *Record) bool {
	if rec.Held {
		return false
	}
	finding, err := op.find(ctx)
	return err == nil && finding == IsApplied
}

var applied = stand{ready: true, reason: Applied, message: "the service does not say how the job ended, but what it was for is there"}

func unconfirmed(rec *Record, op Operation, err error) stand {
	s := stand{progressing: op.Check != nil, failed: op.Check == nil, reason: SubmitUnconfirmed}
	if rec.SubmittedAt != nil {
		s.failed = s.failed || time.Since(rec.SubmittedAt.Time) > checkOften
		s.message = " at " + rec.SubmittedAt.UTC().Format(time.RFC3339)
	}
	s.message = "a job was submitted" + s.message + ", or was about to be, and its id is not known, so no second one is submitted"
	if err != nil {
		s.message += ": " + err.Error()
	}
	s.message += ". If a job runs, set its id in status.job.jobID; if none was started, remove status.job"
	return s
}
