package kubernetes_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// updates counts the writes of the status, and fails those that fail says.
func (c *cluster) updates(fail func(n int) error) *int {
	n := 0
	c.funcs.SubResourceUpdate = func(ctx context.Context, s client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		n++
		if err := fail(n); err != nil {
			return err
		}
		return s.SubResource(name).Update(ctx, obj, opts...)
	}
	return &n
}

// polled is a cluster whose job was polled once.
func polled(t *testing.T) *cluster {
	c := newCluster(t)
	for range 2 {
		_, err := c.reconcile()
		require.NoError(t, err)
	}
	require.Equal(t, 1, c.count(pollertest.Poll))
	time.Sleep(20 * time.Second) // the job has ended
	return c
}

func TestStatus(t *testing.T) {
	bubble(t, "that meets a conflict is written over the others' change, without another poll", func(t *testing.T) {
		c := polled(t)
		c.updates(func(n int) error {
			if n == 1 {
				c.change(func(b *ldapbinding.LDAPBinding) { b.Labels = map[string]string{"team": "storage"} })
			}
			return nil
		})
		_, err := c.reconcile()
		require.NoError(t, err)
		require.Equal(t, 2, c.count(pollertest.Poll))
		require.Equal(t, "storage", c.binding().Labels["team"])
		c.says(true, false, false, kubernetes.Succeeded)
	})

	bubble(t, "that cannot be stored loses nothing, and emits nothing before it is", func(t *testing.T) {
		c := polled(t)
		before := c.events()
		c.updates(func(int) error { return errLost })
		for range 20 {
			_, err := c.reconcile()
			require.ErrorIs(t, err, errLost)
			require.Equal(t, before, c.events())
		}
		require.Equal(t, 2, c.count(pollertest.Poll), "the job is polled again and again")
		c.funcs.SubResourceUpdate = nil
		_, err := c.reconcile()
		require.NoError(t, err)
		require.Equal(t, 2, c.count(pollertest.Poll))
		c.says(true, false, false, kubernetes.Succeeded)
		require.Equal(t, 1, contains(c.events(), "waiting -> success"))
	})

	bubble(t, "that a killed process could not store is found again", func(t *testing.T) {
		c := polled(t)
		c.updates(func(int) error { return errLost })
		_, err := c.reconcile()
		require.Error(t, err)
		c.funcs.SubResourceUpdate = nil
		c.restart()
		c.run(time.Hour)
		c.says(true, false, false, kubernetes.Succeeded)
		require.Equal(t, 1, contains(c.events(), "waiting -> success"))
	})

	bubble(t, "whose write was stored and its response lost is not written twice", func(t *testing.T) {
		c := polled(t)
		c.funcs.SubResourceUpdate = storedButLost(c, 1)
		_, err := c.reconcile()
		require.NoError(t, err)
		require.EqualValues(t, 4, c.binding().Status.Job.Writes)
		require.Equal(t, 1, contains(c.events(), "waiting -> success"))
	})

	bubble(t, "is left alone if another process has gone on", func(t *testing.T) {
		c := polled(t)
		c.updates(func(n int) error {
			if n == 1 {
				b := c.binding()
				b.Status.Job.Writes, b.Status.Job.Outcome = 77, "success"
				require.NoError(t, c.store.Status().Update(context.Background(), b))
			}
			return nil
		})
		result, err := c.reconcile()
		require.NoError(t, err)
		require.Positive(t, result.RequeueAfter)
		require.EqualValues(t, 77, c.binding().Status.Job.Writes)
	})

	bubble(t, "of an object that is gone is nobody's error", func(t *testing.T) {
		c := polled(t)
		c.updates(func(n int) error {
			if n == 1 {
				require.NoError(t, c.store.Delete(context.Background(), c.binding()))
				c.change(func(b *ldapbinding.LDAPBinding) { b.Finalizers = nil })
			}
			return nil
		})
		_, err := c.reconcile()
		require.NoError(t, err)
	})

	bubble(t, "says the id of a job whose object has gone within the submit", func(t *testing.T) {
		c := newCluster(t)
		c.updates(func(n int) error {
			if n == 2 {
				require.NoError(t, c.store.Delete(context.Background(), c.binding()))
				c.change(func(b *ldapbinding.LDAPBinding) { b.Finalizers = nil })
			}
			return nil
		})
		_, err := c.reconcile()
		require.ErrorContains(t, err, c.started()[0])
	})

	bubble(t, "that was read from a cache that lags makes no request", func(t *testing.T) {
		c := newCluster(t)
		_, _ = c.reconcile()
		old := c.binding()
		_, _ = c.reconcile()
		c.funcs.Get = func(_ context.Context, _ client.WithWatch, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
			if b, ok := obj.(*ldapbinding.LDAPBinding); ok {
				*b = *old.DeepCopyObject().(*ldapbinding.LDAPBinding)
				return nil
			}
			return c.store.Get(context.Background(), client.ObjectKey{Namespace: key.Namespace, Name: "ldap"}, obj)
		}
		for range 10 {
			result, err := c.reconcile()
			require.NoError(t, err)
			require.Positive(t, result.RequeueAfter)
		}
		require.Equal(t, 1, c.count(pollertest.Poll))
	})

	bubble(t, "follows a generation that does not change the intent", func(t *testing.T) {
		c := newCluster(t)
		op := kubernetes.Operation{Intent: "a digest", Submit: func(context.Context) (string, error) { return c.service.Add(pollertest.Script{}), nil }}
		for range 3 {
			require.NoError(t, c.operate(op))
		}
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation = 5 })
		require.False(t, kubernetes.IsReady(c.binding()))
		require.NoError(t, c.operate(op))
		require.True(t, kubernetes.IsReady(c.binding()))
		require.Equal(t, 1, contains(c.events(), "was submitted"))
	})
}

// storedButLost stores the n-th write, and says that it did not.
func storedButLost(c *cluster, n int) func(context.Context, client.Client, string, client.Object, ...client.SubResourceUpdateOption) error {
	return func(ctx context.Context, s client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		copied := obj.DeepCopyObject().(client.Object)
		if n--; n != 0 {
			copied = obj
		}
		err := s.SubResource(name).Update(ctx, copied, opts...)
		if err == nil && n == 0 {
			return errLost
		}
		return err
	}
}
