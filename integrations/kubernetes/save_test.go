package kubernetes_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
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

func TestEvents(t *testing.T) {
	create := func(c *cluster, fail func(n int) error) {
		n := 0
		c.funcs.Create = func(ctx context.Context, s client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			n++
			if err := fail(n); err != nil {
				return err
			}
			return s.Create(ctx, obj, opts...)
		}
	}

	bubble(t, "are created again by the next process, and are not two", func(t *testing.T) {
		c := newCluster(t)
		for range 40 {
			_, err := c.reconcile()
			require.NoError(t, err)
			c.restart()
			time.Sleep(time.Second)
		}
		require.Len(t, c.events(), 3)
	})

	bubble(t, "are asked for once by a process", func(t *testing.T) {
		c := newCluster(t)
		asked := 0
		create(c, func(int) error { asked++; return nil })
		c.run(time.Hour)
		for range 100 {
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		require.Equal(t, 4, asked)
	})

	bubble(t, "that a kill has cut off are created by the next process", func(t *testing.T) {
		c := polled(t)
		create(c, func(int) error { return errLost })
		_, err := c.reconcile()
		require.ErrorIs(t, err, errLost)
		c.funcs.Create = nil
		c.restart()
		_, err = c.reconcile()
		require.NoError(t, err)
		require.Equal(t, 1, contains(c.events(), "waiting -> success"))
	})

	bubble(t, "are not created again when the API server may have forgotten them", func(t *testing.T) {
		c := newCluster(t)
		c.run(time.Hour)
		require.NoError(t, c.store.DeleteAllOf(t.Context(), &eventsv1.Event{}, client.InNamespace(key.Namespace)))
		time.Sleep(2 * time.Hour)
		c.restart()
		_, err := c.reconcile()
		require.NoError(t, err)
		require.Empty(t, c.events())
	})

	bubble(t, "that may not be created do not hold up the job", func(t *testing.T) {
		c := newCluster(t)
		create(c, func(int) error { return apierrors.NewForbidden(resource, key.Name, errors.New("no")) })
		c.run(time.Hour)
		c.says(true, false, false, kubernetes.Succeeded)
		require.Empty(t, c.events())
	})

	bubble(t, "have names and times that the API server accepts", func(t *testing.T) {
		c := newCluster(t)
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
			after(time.Second, status.Job{Status: status.Failed, FailReason: strings.Repeat("ü", 5_000)}),
		}})
		c.run(time.Hour)
		var list eventsv1.EventList
		require.NoError(t, c.store.List(t.Context(), &list))
		names := map[string]bool{}
		for _, e := range list.Items {
			names[e.Name] = true
			require.NotEmpty(t, e.ReportingInstance)
			require.NotEmpty(t, e.Action)
			require.False(t, e.EventTime.IsZero())
			require.LessOrEqual(t, len(e.Note), 1024)
		}
		require.Len(t, names, 3)
	})
}
