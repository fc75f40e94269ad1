package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// memory is what a process knows of an object beyond what it reads. Losing it loses nothing that
// is recorded.
type memory struct {
	version string  // the resourceVersion of this process's last write
	emitted string  // the write whose Events were created
	unsent  string  // an attempt whose submit this process knows did not start anything
	unsaved *change // what could not be written
}

// change is a write of the status.
type change struct {
	base, record Record
	stand        stand
}

const maxRemembered = 10_000 // objects

func (r *Reconciler) remembered(obj Object) memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.memories[obj.GetUID()]
}

func (r *Reconciler) remember(obj Object, set func(*memory)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.memories) >= maxRemembered {
		for uid, m := range r.memories {
			if m.unsaved == nil && m.unsent == "" {
				delete(r.memories, uid)
			}
		}
	}
	m := r.memories[obj.GetUID()]
	set(&m)
	r.memories[obj.GetUID()] = m
}

// stale reports whether obj was read before this process last wrote it: caches lag.
func (r *Reconciler) stale(obj Object) bool {
	written := r.remembered(obj).version
	order, err := resourceversion.CompareResourceVersion(obj.GetResourceVersion(), written)
	return written != "" && err == nil && order < 0
}

var (
	errSuperseded = errors.New("another process has written the status meanwhile")
	errGone       = errors.New("the object is gone")
)

// save writes a change, or keeps it in memory for the next Reconcile. A conflict is not a reason
// to poll again: the change is applied to what the others wrote, unless they changed the record.
// It does not end with ctx, because what it writes has happened.
func (r *Reconciler) save(ctx context.Context, obj Object, c change) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	var err error
	fresh := true
	for pause := 20 * time.Millisecond; ; pause *= 2 {
		if fresh {
			var stored bool
			if stored, err = c.onto(obj.Job()); !stored && err == nil {
				err = r.write(ctx, obj, c)
			}
		}
		if err == nil || !again(err) || pause > time.Second || !wait(ctx, pause) {
			break
		}
		e := r.client.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		if fresh = e == nil; apierrors.IsNotFound(e) {
			err = fmt.Errorf("%w: %w", errGone, e)
		}
	}
	r.remember(obj, func(m *memory) {
		if m.unsaved = nil; err != nil && !errors.Is(err, errGone) && !errors.Is(err, errSuperseded) {
			m.unsaved = &c
		}
	})
	return err
}

// onto decides whether the change may be written over what is stored now.
func (c *change) onto(now *Record) (stored bool, err error) {
	switch {
	case now.Attempt == c.record.Attempt && now.Writes == c.record.Writes && now.JobID == c.record.JobID && now.Progress == c.record.Progress:
		return true, nil // it was written, and the response was lost
	case now.Attempt != c.base.Attempt:
		return false, errSuperseded
	case now.Writes == c.base.Writes:
		return false, nil
	case now.JobID == "" && c.record.JobID != "": // the id must not be lost
		c.base.Writes, c.record.Writes = now.Writes, now.Writes+1
		return false, nil
	}
	return false, errSuperseded
}

// write makes one attempt.
func (r *Reconciler) write(ctx context.Context, obj Object, c change) error {
	now := metav1.NewTime(time.Now().Truncate(time.Second)) // as it is stored
	c.record.UpdatedAt = &now
	*obj.Job() = *c.record.DeepCopy()
	c.stand.generation = c.record.Generation
	c.stand.set(obj.Conditions())
	err := r.client.Status().Update(ctx, obj)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if err != nil {
		return err
	}
	r.remember(obj, func(m *memory) { m.version, m.unsaved = obj.GetResourceVersion(), nil })
	return nil
}

// probe writes a full record, without storing it, and reports what would be lost: a CRD whose
// schema lacks a field drops that field without an error, and with it a job's id.
func (r *Reconciler) probe(ctx context.Context, obj Object) error {
	now := metav1.NewTime(time.Now().Truncate(time.Second)) // as it is stored
	full := Record{
		Intent: "x", Generation: 1, Attempt: "x", SubmittedAt: &now, JobID: "x", Held: true, NotBefore: &now, Progress: "{}", Outcome: "x",
		Writes: 1, UpdatedAt: &now, Events: []Event{{Type: "x", Reason: "x", Note: "x"}},
	}
	tried := obj.DeepCopyObject().(Object) //nolint:forcetypeassert // a copy of an Object is one
	*tried.Job() = *full.DeepCopy()
	stand{reason: Submitting}.set(tried.Conditions())
	err := r.client.Status().Update(ctx, tried, client.DryRunAll)
	if apierrors.IsNotFound(err) {
		if r.client.Get(ctx, client.ObjectKeyFromObject(obj), obj.DeepCopyObject().(client.Object)) == nil { //nolint:forcetypeassert // as above
			return errors.New("the object is there, and its status is not: the CRD needs the status subresource")
		}
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if err == nil && (!equality.Semantic.DeepEqual(full, *tried.Job()) || len(*tried.Conditions()) < 3) {
		err = errors.New("the CRD's schema lacks fields of Record, or the conditions: what it lacks would be lost")
	}
	return err
}

// again reports whether a write that failed so may succeed later.
func again(err error) bool {
	return err != nil && !errors.Is(err, errGone) && !errors.Is(err, errSuperseded) &&
		!apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) && !apierrors.IsNotFound(err)
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
