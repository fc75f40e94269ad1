package kubernetes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// crowd is a job with as many sub-jobs as a response may have.
func crowd(s status.Status, id func(i int) string, reason string) status.Job {
	j := status.Job{Status: status.Running}
	for i := range status.MaxSubJobs {
		j.SubJobs = append(j.SubJobs, status.Job{ID: id(i), Type: "mount_ldap", Status: s, ErrorCode: "SFS.TURBO.0100", FailReason: reason})
	}
	return j
}

func TestProgress(t *testing.T) {
	// run follows a job whose 2,000 sub-jobs wait, run and end, and returns its largest record.
	run := func(c *cluster, id func(i int) string) (largest int) {
		end := crowd(status.Failed, id, strings.Repeat("no route to host ", 25))
		end.Status = status.Failed
		waits := crowd(status.Waiting, id, "")
		runs := crowd(status.Running, id, strings.Repeat("Ω", 200))
		p := poller.Func(func(_ context.Context, jobID string) (poller.Reply, error) {
			j := []status.Job{waits, runs, end}[min(largestStep(c), 2)].Clone()
			j.ID = jobID
			return poller.Reply{Job: j}, nil
		})
		jobs, err := kubernetes.New(c.client, p)
		require.NoError(t, err)
		c.r.Jobs = jobs
		for c.binding().Status.Job.Outcome == "" {
			result, err := c.reconcile()
			require.NoError(t, err)
			stored, err := json.Marshal(c.binding())
			require.NoError(t, err)
			require.Less(t, len(c.binding().Status.Job.Progress), kubernetes.MaxProgress+1)
			largest = max(largest, len(stored))
			time.Sleep(result.RequeueAfter)
		}
		return largest
	}

	bubble(t, "is bounded with 2,000 sub-jobs, none of which changes twice", func(t *testing.T) {
		c := newCluster(t)
		largest := run(c, func(i int) string { return fmt.Sprintf("26f6b565-1111-2222-3333-%012d", i) })
		t.Log("the largest object has", largest, "bytes")
		require.Less(t, largest, 400<<10)
		c.says(false, false, true, "JobFailed")
		require.Equal(t, 3, contains(c.events(), "MoreTransitions"))
		require.LessOrEqual(t, len(c.events()), 3*20+1)
	})

	bubble(t, "is bounded with sub-jobs whose names are too long to be kept", func(t *testing.T) {
		c := newCluster(t)
		largest := run(c, func(i int) string { return fmt.Sprint(i, strings.Repeat("x", 400)) })
		require.Less(t, largest, 400<<10)
		c.says(false, false, true, "JobFailed")
		require.Zero(t, contains(c.events(), "SubJob"))
		require.Len(t, c.events(), 3) // submitted, running, failed
	})

	bubble(t, "begins again where it cannot be read", func(t *testing.T) {
		for _, broken := range []string{"{", `{"job_id":"another"}`, `{"memory":{}}`} {
			c := newCluster(t)
			_, _ = c.reconcile()
			b := c.binding()
			b.Status.Job.Progress = broken
			require.NoError(t, c.store.Status().Update(t.Context(), b))
			c.run(time.Hour)
			c.says(true, false, false, kubernetes.Succeeded)
		}
	})
}

// largestStep is how often the job was polled.
func largestStep(c *cluster) int { return max(0, int(c.binding().Status.Job.Writes)-2) }

func TestSecrets(t *testing.T) {
	bubble(t, "are in no status, condition, Event, log line or error", func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		c := newCluster(t, waiter.WithLogger(zap.New(core)))
		var shown strings.Builder
		ctx := log.IntoContext(t.Context(), funcr.New(func(prefix, args string) { shown.WriteString(prefix + args + "\n") }, funcr.Options{Verbosity: 9}))
		reveal := "bind as cn=admin with " + password + " (" + url.QueryEscape(password) + ") and " + token
		for _, rule := range []pollertest.Rule{
			{Call: pollertest.Submit, Times: 1, Status: 400, Code: "SFS.TURBO.0001", Message: reveal},
			{Call: pollertest.Submit, Times: 1, Status: 502, Raw: reveal},
			{Call: pollertest.Show, Skip: 2, Times: 1, Status: 500, Message: reveal},
			{Call: pollertest.Poll, Times: 1, Status: 502, Body: pollertest.Gateway, Message: reveal},
			{Call: pollertest.Poll, Times: 1, Status: 401, Body: pollertest.IAM, Message: reveal},
		} {
			c.service.Fail(rule)
		}
		sub := status.Job{Type: "check_ldap", Status: status.Failed, FailReason: reveal}
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
			after(time.Minute, status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: reveal, SubJobs: []status.Job{sub}}),
		}})
		for end := time.Now().Add(time.Hour); time.Now().Before(end) && c.binding().Status.Job.Outcome == ""; {
			result, err := c.r.Reconcile(ctx, ctrl.Request{NamespacedName: key})
			if err != nil {
				shown.WriteString(err.Error())
			}
			shown.WriteString(c.everything())
			if b := c.binding(); b.Status.Job.JobID == "" && c.condition(kubernetes.Ready).Reason == kubernetes.SubmitUnconfirmed && time.Since(b.Status.Job.SubmittedAt.Time) > time.Minute {
				b.Status.Job = kubernetes.Record{} // no job was started
				require.NoError(t, c.store.Status().Update(t.Context(), b))
			}
			time.Sleep(max(result.RequeueAfter, time.Second))
		}
		for _, entry := range logs.All() {
			shown.WriteString(fmt.Sprint(entry.Message, entry.ContextMap()))
		}
		c.says(false, false, true, "JobFailed")
		for _, part := range []string{"bind as cn=admin with [redacted]", "SubmitRefused", "SubmitUnconfirmed", "Unauthorized", "SubJobFailed"} {
			require.Contains(t, shown.String(), part)
		}
		for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password), token} {
			require.NotContains(t, shown.String(), secret)
		}
	})
}

func TestSecretsOfADeletedObject(t *testing.T) {
	for name, c := range map[string]struct {
		get   error // of the Secret, for ten minutes
		shown string
	}{
		"are hidden as long as its job is followed":                   {nil, "[redacted]"},
		"are hidden although its password cannot be read for a while": {apierrors.NewTimeoutError("busy", 1), "[redacted]"},
		"are no reason to keep it once its password is gone":          {apierrors.NewNotFound(corev1.Resource("secrets"), "ldap"), password},
	} {
		bubble(t, name, func(t *testing.T) {
			of := newCluster(t)
			of.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
				after(time.Minute, status.Job{Status: status.Failed, FailReason: "cannot bind with " + password}),
			}})
			of.run(30 * time.Second)
			require.NoError(t, of.store.Delete(t.Context(), of.binding()))
			of.change(func(b *ldapbinding.LDAPBinding) { b.Generation++ })
			until := time.Now().Add(10 * time.Minute)
			of.funcs.Get = func(ctx context.Context, store client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if _, is := obj.(*corev1.Secret); is && c.get != nil && time.Now().Before(until) {
					return c.get
				}
				return store.Get(ctx, key, obj, opts...)
			}
			of.run(2 * time.Hour)
			require.Contains(t, strings.Join(of.events(), "\n"), "cannot bind with "+c.shown)
			require.True(t, apierrors.IsNotFound(of.store.Get(t.Context(), key, &ldapbinding.LDAPBinding{})), "it is released")
		})
	}
}

func TestMask(t *testing.T) {
	bubble(t, "hides a secret that begins with another one, one in quotes, one in the JSON that was sent, and short ones", func(t *testing.T) {
		c := newCluster(t)
		const shortest, short, long = "é&9", "Correct", `Correct"Horse&9`
		sent, err := json.Marshal([]string{long, shortest})
		require.NoError(t, err)
		require.NoError(t, c.operate(kubernetes.Operation{
			Secrets: []string{shortest, short, long},
			Submit: func(context.Context) (string, error) {
				return "", fmt.Errorf("%w: %s and %q and %s and %s and %s", kubernetes.ErrNotSubmitted, long, long, short, sent, shortest)
			},
		}))
		require.Contains(t, c.condition(kubernetes.Ready).Message,
			`[redacted] and "[redacted]" and [redacted] and ["[redacted]","[redacted]"] and [redacted]`)
		require.NotContains(t, c.everything(), "Horse")
	})
}

func TestNew(t *testing.T) {
	c := poller.Func(func(context.Context, string) (poller.Reply, error) { return poller.Reply{}, errors.New("no") })
	_, err := kubernetes.New(nil, c)
	require.ErrorContains(t, err, "client is nil")
	_, err = kubernetes.New(newCluster(t).client, nil)
	require.ErrorContains(t, err, "Poller is nil")
	_, err = kubernetes.New(newCluster(t).client, c, waiter.WithBackOff(nil))
	require.ErrorContains(t, err, "WithBackOff")
}
