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
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

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
