package kubernetes

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// eventLife is how long after a write its Events are created. The API server keeps them for an
// hour (kube-apiserver --event-ttl), and for that long creating them again changes nothing.
const eventLife = 50 * time.Minute

const controller = "sfsturbo.github.io/waiter" // that reports the Events

// emit creates the Events of the last write, unless this process has done so. It does not use an
// EventRecorder: that one drops what exceeds 25 Events of an object, merges those that look alike,
// and chooses a new name each time.
func (r *Reconciler) emit(ctx context.Context, obj Object) error {
	rec := obj.Job()
	if len(rec.Events) == 0 || rec.UpdatedAt == nil || time.Since(rec.UpdatedAt.Time) > eventLife {
		return nil
	}
	key := fmt.Sprint(rec.Attempt, " ", rec.Writes, " ", rec.UpdatedAt.Unix())
	if r.remembered(obj).emitted == key {
		return nil
	}
	about, err := r.reference(obj)
	if err != nil {
		return err
	}
	for i, e := range rec.Events {
		digest := sha256.Sum256(fmt.Append(nil, obj.GetUID(), " ", key, " ", i))
		at := metav1.NewMicroTime(rec.UpdatedAt.Time)
		err := r.client.Create(ctx, &eventsv1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: about.Namespace, Name: fmt.Sprintf("%.200s.%x", obj.GetName(), digest[:8])},
			EventTime:  at, ReportingController: controller, ReportingInstance: r.instance, Action: "Follow",
			Regarding: about, Type: e.Type, Reason: e.Reason, Note: e.Note,
		})
		switch {
		case err == nil, apierrors.IsAlreadyExists(err):
		case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
			log.FromContext(ctx).Error(err, "an Event cannot be created", "reason", e.Reason, "note", e.Note)
		default:
			return fmt.Errorf("creating an Event: %w", err)
		}
	}
	r.remember(obj, func(m *memory) { m.emitted = key })
	return nil
}

func (r *Reconciler) reference(obj Object) (corev1.ObjectReference, error) {
	kind, err := r.client.GroupVersionKindFor(obj)
	if err != nil {
		return corev1.ObjectReference{}, err
	}
	namespace := obj.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return corev1.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind,
		Namespace: namespace, Name: obj.GetName(), UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(),
	}, nil
}
