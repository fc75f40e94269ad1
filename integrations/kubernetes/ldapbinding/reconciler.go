package ldapbinding

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
)

// Finalizer keeps a binding until the share is unbound.
const Finalizer = "sfsturbo.example.com/unbind"

// Reconciler binds and unbinds.
type Reconciler struct {
	Client  client.Client
	Jobs    *kubernetes.Reconciler
	Service Service
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(m ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(m).For(&LDAPBinding{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 16}). // a poll may take 15 s
		Complete(r)
}

// Reconcile takes one binding one step further.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var b LDAPBinding
	if err := r.Client.Get(ctx, request.NamespacedName, &b); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	deleted := !b.DeletionTimestamp.IsZero()
	switch {
	case deleted && (!controllerutil.ContainsFinalizer(&b, Finalizer) || b.Status.Job.Intent == ""): // nothing was submitted
		return r.release(ctx, &b)
	case !deleted && controllerutil.AddFinalizer(&b, Finalizer):
		if err := r.Client.Update(ctx, &b); err != nil {
			return ctrl.Result{}, err
		}
	}

	op, err := r.bind(ctx, &b)
	if job := b.Status.Job; err != nil && job.JobID != "" && job.Outcome == "" && !(deleted && errors.Is(err, errMissing)) {
		return ctrl.Result{}, err // what the service says of the job may repeat the password
	}
	if deleted { // the job that is followed may still be the one that binds
		op = r.unbind(&b, op.Secrets)
	}
	result, err := r.Jobs.Reconcile(ctx, &b, op)
	if err == nil && deleted && kubernetes.IsReady(&b) {
		return r.release(ctx, &b)
	}
	return result, err
}

func (r *Reconciler) release(ctx context.Context, b *LDAPBinding) (ctrl.Result, error) {
	if !controllerutil.RemoveFinalizer(b, Finalizer) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(r.Client.Update(ctx, b))
}

func (r *Reconciler) bind(ctx context.Context, b *LDAPBinding) (kubernetes.Operation, error) {
	password, err := r.password(ctx, b)
	return kubernetes.Operation{
		Submit: func(ctx context.Context) (string, error) {
			if err != nil {
				return "", fmt.Errorf("%w: %w", kubernetes.ErrNotSubmitted, err)
			}
			return r.Service.Bind(ctx, b.Spec, password)
		},
		Check: func(ctx context.Context) (kubernetes.Finding, error) {
			// That it is not bound proves nothing: the job may still run, or may have failed.
			bound, err := r.Service.Bound(ctx, b.Spec.ShareID)
			if err == nil && bound.URL == b.Spec.URL && bound.BaseDN == b.Spec.BaseDN && bound.UserDN == b.Spec.UserDN {
				return kubernetes.IsApplied, nil
			}
			return kubernetes.Unknown, err
		},
		Secrets: []string{password},
	}, err
}

func (r *Reconciler) unbind(b *LDAPBinding, secrets []string) kubernetes.Operation {
	return kubernetes.Operation{
		Secrets: secrets,
		Submit:  func(ctx context.Context) (string, error) { return r.Service.Unbind(ctx, b.Spec.ShareID) },
		Check: func(ctx context.Context) (kubernetes.Finding, error) {
			bound, err := r.Service.Bound(ctx, b.Spec.ShareID)
			if err == nil && bound == (Bound{}) {
				return kubernetes.IsApplied, nil
			}
			return kubernetes.Unknown, err
		},
	}
}

var errMissing = errors.New("the password is missing")

func (r *Reconciler) password(ctx context.Context, b *LDAPBinding) (string, error) {
	from := b.Spec.PasswordFrom
	if from == nil {
		return "", nil
	}
	var secret corev1.Secret
	if err := r.Client.Get(ctx, client.ObjectKey{Namespace: b.Namespace, Name: from.Name}, &secret); err != nil {
		if apierrors.IsNotFound(err) {
			return "", fmt.Errorf("%w: %w", errMissing, err)
		}
		return "", fmt.Errorf("the password: %w", err)
	}
	password := secret.Data[from.Key]
	if len(password) == 0 {
		return "", fmt.Errorf("%w: Secret %s has no key %q", errMissing, from.Name, from.Key)
	}
	return string(password), nil
}
