package kubernetes_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var resource = schema.GroupResource{Group: "sfsturbo.example.com", Resource: "ldapbindings"}

// operation is a bind whose Submit and Check a test chooses.
func (c *cluster) operate(op kubernetes.Operation) error {
	b := c.binding()
	if len(b.Finalizers) == 0 {
		c.change(func(b *ldapbinding.LDAPBinding) { b.Finalizers = []string{ldapbinding.Finalizer} })
		b = c.binding()
	}
	_, err := c.r.Jobs.Reconcile(c.Context(), b, op)
	return err
}

func TestSubmit(t *testing.T) {
	bubble(t, "is not reached before the intent is stored", func(t *testing.T) {
		for name, err := range map[string]error{
			"a conflict": apierrors.NewConflict(resource, key.Name, errors.New("changed")),
			"an outage":  errLost,
			"no right":   apierrors.NewForbidden(resource, key.Name, errors.New("no")),
		} {
			c := newCluster(t)
			c.funcs.SubResourceUpdate = func(context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption) error {
				return err
			}
			_, got := c.reconcile()
			require.ErrorContains(t, got, "before the submit", name)
			require.Zero(t, c.count(pollertest.Submit), name)
			c.funcs.SubResourceUpdate = nil
			c.run(time.Hour)
			require.Len(t, c.started(), 1, name)
			c.says(true, false, false, kubernetes.Succeeded)
		}
	})

	bubble(t, "goes on after an intent that was stored although its write failed", func(t *testing.T) {
		c := newCluster(t)
		c.funcs.SubResourceUpdate = storedButLost(c, 1)
		_, err := c.reconcile()
		require.Error(t, err)
		require.NotEmpty(t, c.binding().Status.Job.Attempt)
		c.run(time.Hour)
		require.Len(t, c.started(), 1)
		c.says(true, false, false, kubernetes.Succeeded)
	})

	bubble(t, "is not repeated when its response is lost, and what it did is found", func(t *testing.T) {
		c := newCluster(t)
		c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Break: pollertest.Reset})
		_, err := c.reconcile()
		require.NoError(t, err)
		c.says(false, true, false, kubernetes.SubmitUnconfirmed)
		asked := c.count(pollertest.Show)
		for range 100 {
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		require.Equal(t, asked, c.count(pollertest.Show), "it asks without being due")
		c.run(time.Hour)
		require.Len(t, c.started(), 1)
		c.says(true, false, false, kubernetes.Applied)
	})

	bubble(t, "is not taken for done by what showed before it, such as all but the password", func(t *testing.T) {
		c := newCluster(t)
		c.run(time.Hour)
		c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Status: 502}) // it never reaches the service
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation = 2 })                 // of passwordFrom
		c.run(time.Hour)
		c.says(false, true, true, kubernetes.SubmitUnconfirmed)
		require.Len(t, c.started(), 1)
	})

	bubble(t, "waits for a person where nothing proves what came of it", func(t *testing.T) {
		for name, person := range map[string]func(*cluster, *ldapbinding.LDAPBinding){
			"who knows the id":              func(c *cluster, b *ldapbinding.LDAPBinding) { b.Status.Job.JobID = c.started()[0] },
			"who knows that nothing is run": func(_ *cluster, b *ldapbinding.LDAPBinding) { b.Status.Job = kubernetes.Record{} },
		} {
			c := newCluster(t)
			c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
				after(time.Second, status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100"}),
			}})
			c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Break: pollertest.Reset})
			c.run(10 * time.Minute)
			c.says(false, true, false, kubernetes.SubmitUnconfirmed)
			c.run(20 * time.Minute)
			c.says(false, true, true, kubernetes.SubmitUnconfirmed)
			require.Contains(t, c.condition(kubernetes.Failed).Message, "status.job.jobID")
			require.Len(t, c.started(), 1)
			b := c.binding()
			person(c, b)
			require.NoError(t, c.store.Status().Update(t.Context(), b))
			c.run(time.Hour)
			c.says(false, false, true, "JobFailed")
			require.Contains(t, c.condition(kubernetes.Failed).Message, "SFS.TURBO.0100", name)
		}
	})

	bubble(t, "is repeated only after a proof, and only a minute later", func(t *testing.T) {
		c := newCluster(t)
		submits := 0
		op := kubernetes.Operation{
			Submit: func(context.Context) (string, error) {
				if submits++; submits == 1 {
					return "", errors.New("unexpected EOF")
				}
				return c.service.Add(pollertest.Script{}), nil
			},
			Check: func(context.Context) (kubernetes.Finding, error) { return kubernetes.NotStarted, nil },
		}
		for range 59 {
			require.NoError(t, c.operate(op))
			require.Equal(t, 1, submits)
			time.Sleep(time.Second)
		}
		for range 40 {
			require.NoError(t, c.operate(op))
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, submits)
		c.says(true, false, false, kubernetes.Succeeded)
	})

	bubble(t, "that is refused is tried again, when there is hope", func(t *testing.T) {
		for _, refusal := range []struct {
			rule   pollertest.Rule
			failed bool
			after  time.Duration
		}{
			{pollertest.Rule{Status: 400, Code: "SFS.TURBO.0011", Message: "Cluster is doing something"}, false, 30 * time.Second},
			{pollertest.Rule{Status: 429, RetryAfter: "7"}, false, 30 * time.Second},
			{pollertest.Rule{Status: 401}, true, 5 * time.Minute},
			{pollertest.Rule{Status: 403, Code: "SFS.TURBO.9000", Message: "no permission"}, true, 5 * time.Minute},
			{pollertest.Rule{Status: 400, Code: "SFS.TURBO.0001", Message: "parameter error"}, true, 5 * time.Minute},
		} {
			c := newCluster(t)
			refusal.rule.Call, refusal.rule.Times = pollertest.Submit, 1
			c.service.Fail(refusal.rule)
			_, err := c.reconcile()
			require.NoError(t, err)
			c.says(false, true, refusal.failed, kubernetes.SubmitRefused)
			require.Contains(t, c.condition(kubernetes.Ready).Message, refusal.rule.Message)
			c.restart()
			time.Sleep(refusal.after - 2*time.Second)
			_, _ = c.reconcile()
			require.Equal(t, 1, c.count(pollertest.Submit), "%v", refusal)
			c.run(time.Hour)
			require.Equal(t, 2, c.count(pollertest.Submit), "%v", refusal)
			c.says(true, false, false, kubernetes.Succeeded)
		}
	})

	bubble(t, "has started nothing at a server whose certificate does not verify", func(t *testing.T) {
		c := newCluster(t)
		require.NoError(t, c.operate(kubernetes.Operation{Submit: func(context.Context) (string, error) {
			return "", &url.Error{Op: "Post", URL: c.at, Err: &tls.CertificateVerificationError{Err: errors.New("unknown authority")}}
		}}))
		c.says(false, true, false, kubernetes.SubmitRefused)
	})

	bubble(t, "that has nothing to do makes the object ready", func(t *testing.T) {
		c := newCluster(t)
		op := kubernetes.Operation{Submit: func(context.Context) (string, error) { return "", nil }}
		require.NoError(t, c.operate(op))
		c.says(true, false, false, kubernetes.Applied)
		require.True(t, kubernetes.IsReady(c.binding()))
		op.Submit = func(context.Context) (string, error) { panic("a second submit") }
		require.NoError(t, c.operate(op))
		require.Equal(t, []string{"Applied: nothing was submitted: it is as wanted already"}, c.events())
	})

	bubble(t, "is not cut off when the process is asked to stop", func(t *testing.T) {
		c := newCluster(t)
		c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Delay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, c.operateIn(ctx))
		require.Equal(t, c.started()[0], c.binding().Status.Job.JobID)
	})

	bubble(t, "keeps an id that cannot be stored, until it can", func(t *testing.T) {
		c := newCluster(t)
		writes := 0
		c.funcs.SubResourceUpdate = func(ctx context.Context, s client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			if writes++; writes > 1 {
				return errLost
			}
			return s.SubResource(name).Update(ctx, obj, opts...)
		}
		_, err := c.reconcile()
		require.ErrorContains(t, err, c.started()[0])
		_, err = c.reconcile()
		require.Error(t, err)
		require.Empty(t, c.binding().Status.Job.JobID)
		c.funcs.SubResourceUpdate = nil
		_, err = c.reconcile()
		require.NoError(t, err)
		require.Equal(t, c.started()[0], c.binding().Status.Job.JobID)
		c.run(time.Hour)
		require.Len(t, c.started(), 1)
		c.says(true, false, false, kubernetes.Succeeded)
	})

	bubble(t, "of another intent goes on a minute after one that is not confirmed", func(t *testing.T) {
		c := newCluster(t)
		c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Times: 1, Break: pollertest.Reset})
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{after(time.Second, job(status.Failed))}})
		_, _ = c.reconcile()
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation = 2 })
		_, err := c.reconcile()
		require.NoError(t, err)
		time.Sleep(58 * time.Second)
		_, err = c.reconcile()
		require.NoError(t, err)
		require.Len(t, c.started(), 1)
		c.run(time.Minute)
		require.Len(t, c.started(), 2)
		c.says(false, false, true, "JobFailed")
	})

	bubble(t, "does not write an id into a record that a person has removed", func(t *testing.T) {
		c := newCluster(t)
		writes := c.updates(func(n int) error {
			if n > 1 {
				return errLost
			}
			return nil
		})
		_, err := c.reconcile()
		require.Error(t, err)
		require.Greater(t, *writes, 1)
		c.funcs.SubResourceUpdate = nil
		b := c.binding()
		b.Status.Job = kubernetes.Record{}
		require.NoError(t, c.store.Status().Update(t.Context(), b))
		_, err = c.reconcile()
		require.NoError(t, err)
		require.Empty(t, c.binding().Status.Job.JobID)
	})

	bubble(t, "records its id over what another process wrote meanwhile", func(t *testing.T) {
		c := newCluster(t)
		other := newCluster(t)
		err := c.operate(kubernetes.Operation{Submit: func(ctx context.Context) (string, error) {
			other.store, other.client, other.service, other.at, other.http = c.store, c.client, c.service, c.at, c.http
			other.restart() // it leads by now, and does not submit
			_, err := other.r.Jobs.Reconcile(ctx, c.binding(), kubernetes.Operation{Submit: func(context.Context) (string, error) {
				panic("a second submit")
			}})
			require.NoError(t, err)
			c.says(false, false, true, kubernetes.SubmitUnconfirmed)
			return c.service.Add(pollertest.Script{ID: "the-job"}), nil
		}})
		require.NoError(t, err)
		require.Equal(t, "the-job", c.binding().Status.Job.JobID)
	})
}

func (c *cluster) operateIn(ctx context.Context) error {
	c.change(func(b *ldapbinding.LDAPBinding) { b.Finalizers = []string{ldapbinding.Finalizer} })
	_, err := c.r.Jobs.Reconcile(ctx, c.binding(), kubernetes.Operation{Submit: func(ctx context.Context) (string, error) {
		return c.r.Service.Bind(ctx, c.binding().Spec, password)
	}})
	return err
}
