package kubernetes_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func bubble(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestReconcile(t *testing.T) {
	bubble(t, "submits once, follows the job, and is ready", func(t *testing.T) {
		c := newCluster(t)
		c.run(time.Hour)
		c.says(true, false, false, kubernetes.Succeeded)
		require.True(t, kubernetes.IsReady(c.binding()))
		require.Len(t, c.started(), 1)
		require.Equal(t, c.started()[0], c.binding().Status.Job.JobID)
		require.EqualValues(t, 1, c.condition(kubernetes.Ready).ObservedGeneration)
		require.ElementsMatch(t, []string{
			"Submitted: job " + c.started()[0] + " was submitted",
			"JobWaiting: job: waiting (job " + c.started()[0] + ")",
			"JobRunning: job: waiting -> running (job " + c.started()[0] + ")",
			"JobSucceeded: job: running -> success (job " + c.started()[0] + ")",
		}, c.events())
	})

	bubble(t, "shows code and reason of a failure, and does not submit again", func(t *testing.T) {
		c := newCluster(t)
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
			after(time.Second, status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "binding failed", SubJobs: []status.Job{
				{Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "no route to host"},
			}}),
		}})
		c.run(time.Hour)
		c.says(false, false, true, "JobFailed")
		for _, text := range []string{"SFS.TURBO.0100", "binding failed", "SFS.TURBO.0101", "no route to host"} {
			require.Contains(t, c.condition(kubernetes.Failed).Message, text)
			require.Equal(t, 1, contains(c.events(), text), text)
		}
		for range 100 {
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		require.Len(t, c.started(), 1)
	})

	bubble(t, "makes one request for a hundred reconciles", func(t *testing.T) {
		c := newCluster(t)
		for range 3 { // submit, and the first poll
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		require.Equal(t, 1, c.count(pollertest.Poll))
		version := c.binding().ResourceVersion
		for i := range 100 {
			if i%10 == 0 {
				c.restart()
			}
			result, err := c.reconcile()
			require.NoError(t, err)
			require.Positive(t, result.RequeueAfter)
		}
		require.Equal(t, 1, c.count(pollertest.Poll))
		require.Equal(t, version, c.binding().ResourceVersion, "the status was written without need")
	})

	bubble(t, "submits a job for each intent, one after the other", func(t *testing.T) {
		c := newCluster(t)
		_, _ = c.reconcile()
		first := c.started()
		c.change(func(b *ldapbinding.LDAPBinding) { b.Spec.URL, b.Generation = "ldap://192.168.0.11", 2 })
		c.run(time.Hour)
		require.Len(t, first, 1)
		require.Len(t, c.started(), 2)
		c.says(true, false, false, kubernetes.Succeeded)
		require.EqualValues(t, 2, c.condition(kubernetes.Ready).ObservedGeneration)
		last := c.service.Requests()
		require.Equal(t, pollertest.Poll, last[len(last)-1].Call)
	})

	bubble(t, "unbinds before the object goes, also while the job runs", func(t *testing.T) {
		c := newCluster(t)
		_, _ = c.reconcile()
		require.NoError(t, c.store.Delete(t.Context(), c.binding()))
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation++ }) // as the API server does
		c.run(time.Hour)
		require.Len(t, c.started(), 2)
		require.Error(t, c.store.Get(t.Context(), key, &ldapbinding.LDAPBinding{}))
	})

	bubble(t, "says what is missing before a submit, and goes on when it is there", func(t *testing.T) {
		c := newCluster(t)
		var secret corev1.Secret
		require.NoError(t, c.store.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: "ldap"}, &secret))
		require.NoError(t, c.store.Delete(t.Context(), &secret))
		c.run(time.Minute)
		c.says(false, true, false, kubernetes.SubmitRefused)
		require.Regexp(t, `the password is missing: .*"ldap" not found`, c.condition(kubernetes.Ready).Message)
		secret.ResourceVersion = ""
		require.NoError(t, c.store.Create(t.Context(), &secret))
		c.run(time.Hour)
		c.says(true, false, false, kubernetes.Succeeded)
	})

	bubble(t, "deletes an object whose job has failed: there is nothing to unbind", func(t *testing.T) {
		c := newCluster(t)
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{after(time.Second, job(status.Failed))}})
		c.run(time.Hour)
		c.says(false, false, true, "JobFailed")
		c.service.Fail(pollertest.Rule{Call: pollertest.Submit, Status: 404, Code: "SFS.TURBO.0002"})
		require.NoError(t, c.store.Delete(t.Context(), c.binding()))
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation++ })
		c.run(time.Hour)
		require.Error(t, c.store.Get(t.Context(), key, &ldapbinding.LDAPBinding{}))
	})

	bubble(t, "deletes at once what nothing was submitted for", func(t *testing.T) {
		c := newCluster(t)
		c.change(func(b *ldapbinding.LDAPBinding) { b.Finalizers = []string{ldapbinding.Finalizer} })
		require.NoError(t, c.store.Delete(t.Context(), c.binding()))
		c.run(time.Minute)
		require.Empty(t, c.service.Requests())
		require.Error(t, c.store.Get(t.Context(), key, &ldapbinding.LDAPBinding{}))
	})

	bubble(t, "goes on after a rejected token, without a new job", func(t *testing.T) {
		c := newCluster(t)
		c.service.Fail(pollertest.Rule{Call: pollertest.Poll, Times: 1, Status: 401})
		for range 2 { // the submit, and a poll
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		c.says(false, true, true, "Unauthorized")
		polls := c.count(pollertest.Poll)
		for range 100 {
			_, err := c.reconcile()
			require.NoError(t, err)
		}
		require.Equal(t, polls, c.count(pollertest.Poll))
		c.run(10 * time.Minute)
		c.says(true, false, false, kubernetes.Succeeded)
		require.Len(t, c.started(), 1)
	})

	bubble(t, "asks the resource when the job has disappeared", func(t *testing.T) {
		c := newCluster(t)
		_, _ = c.reconcile()
		_, _ = c.reconcile()
		time.Sleep(10 * time.Second) // the share is bound by now
		c.service.Fail(pollertest.Rule{Call: pollertest.Poll, Status: 404, Code: "SFS.TURBO.0019"})
		c.run(time.Hour)
		c.says(true, false, false, kubernetes.Applied)
	})

	bubble(t, "a job that has disappeared does not keep the next one from being submitted", func(t *testing.T) {
		c := newCluster(t)
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{after(2*time.Second, job(status.Failed))}})
		_, _ = c.reconcile()
		_, _ = c.reconcile()
		c.service.Fail(pollertest.Rule{Call: pollertest.Poll, Status: 404, Code: "SFS.TURBO.0019"})
		c.run(time.Minute)
		c.says(false, true, true, "Disappeared")
		c.change(func(b *ldapbinding.LDAPBinding) { b.Generation = 2 })
		_, err := c.reconcile()
		require.NoError(t, err)
		require.Len(t, c.started(), 2)
	})

	bubble(t, "refuses an object that would not wait for its job", func(t *testing.T) {
		c := newCluster(t)
		_, err := c.r.Jobs.Reconcile(t.Context(), c.binding(), kubernetes.Operation{Submit: func(context.Context) (string, error) {
			panic("submitted")
		}})
		require.ErrorContains(t, err, "finalizer")
	})
}
