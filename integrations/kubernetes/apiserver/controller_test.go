package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestController(t *testing.T) {
	t.Run("binds, changes and unbinds, with a job each", func(t *testing.T) {
		c := newCluster(t)
		for _, jobType := range []string{"bind_ldap", "update_ldap", "unbind_ldap"} {
			c.service.Script(jobType, pollertest.Script{Steps: []pollertest.Step{{After: 300 * time.Millisecond, Job: status.Job{Status: status.Success}}}})
		}
		c.manage()
		key := c.create("life", "one")
		ready := func() bool { return kubernetes.IsReady(c.binding(key)) }
		c.eventually("bound", ready)
		require.EqualValues(t, 1, c.binding(key).Status.Job.Generation)
		b := c.binding(key)
		b.Spec.URL = "ldap://192.168.0.11"
		require.NoError(t, c.Update(t.Context(), b))
		require.False(t, ready())
		c.eventually("changed", ready)
		require.NoError(t, c.Delete(t.Context(), c.binding(key)))
		c.eventually("gone", func() bool { return c.Get(t.Context(), key, &ldapbinding.LDAPBinding{}) != nil })
		var methods []string
		for _, q := range c.service.Requests() {
			if q.Call == pollertest.Submit {
				methods = append(methods, q.Method)
			}
		}
		require.Equal(t, []string{"POST", "PUT", "DELETE"}, methods)
		for _, part := range []string{"Submitted", "JobWaiting", "JobSucceeded"} {
			require.Equal(t, 3, strings.Count(strings.Join(c.events("life"), "\n"), part+" "), part)
		}
	})

	t.Run("polls when it is due, however often it is woken", func(t *testing.T) {
		c := newCluster(t)
		c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{{After: time.Hour, Job: status.Job{Status: status.Success}}}})
		stop := c.manage()
		key := c.create("idle", "one")
		c.eventually("the job is polled", func() bool { return c.count(pollertest.Poll) > 0 })
		began, before, polls := time.Now(), reconciles(t), c.count(pollertest.Poll)
		for i := range 100 {
			patch := fmt.Sprintf(`{"metadata":{"annotations":{"n":"%d"}}}`, i)
			require.NoError(t, c.Patch(t.Context(), c.binding(key), client.RawPatch("application/merge-patch+json", []byte(patch))))
			time.Sleep(10 * time.Millisecond)
		}
		stop()
		polls = c.count(pollertest.Poll) - polls
		t.Logf("%d reconciles and %d polls in %v", reconciles(t)-before, polls, time.Since(began).Round(time.Millisecond))
		require.Greater(t, reconciles(t)-before, 50)
		require.LessOrEqual(t, polls, int(time.Since(began)/(800*time.Millisecond))+1)
	})

	t.Run("submits nothing if the CRD would lose the record", func(t *testing.T) {
		needServer(t)
		for name, change := range map[string][2]string{
			"prunes the progress":       {"                  progress: {type: string, maxLength: 262144}\n", ""},
			"has no status subresource": {"    subresources: {status: {}}", "    # "},
			"prunes the id":             {"                  jobID: {type: string}\n", ""},
		} {
			crd := bytes.Replace(ldapbinding.CRD, []byte(change[0]), []byte(change[1]), 1)
			require.NotEqual(t, string(ldapbinding.CRD), string(crd), name)
			require.NoError(t, server.Redefine(t.Context(), crd))
			c := newCluster(t)
			key := c.create("pruned", "p"+fmt.Sprint(len(name)))
			b := c.binding(key)
			b.Finalizers = []string{ldapbinding.Finalizer}
			require.NoError(t, c.Update(t.Context(), b))
			jobs, err := kubernetes.New(c, poller.Func(func(context.Context, string) (poller.Reply, error) { panic("polled") }))
			require.NoError(t, err)
			_, err = jobs.Reconcile(t.Context(), c.binding(key), kubernetes.Operation{Submit: func(context.Context) (string, error) {
				panic("submitted")
			}})
			require.ErrorContains(t, err, "CRD", name)
		}
		require.NoError(t, server.Redefine(t.Context(), ldapbinding.CRD))
	})

	t.Run("stores a job of 2,000 sub-jobs", func(t *testing.T) {
		c := newCluster(t)
		key := c.create("crowd", "one")
		b := c.binding(key)
		b.Finalizers = []string{ldapbinding.Finalizer}
		require.NoError(t, c.Update(t.Context(), b))
		jobs, err := kubernetes.New(c, poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
			j := status.Job{ID: id, Status: status.Running}
			for i := range status.MaxSubJobs {
				j.SubJobs = append(j.SubJobs, status.Job{ID: fmt.Sprintf("26f6b565-1111-2222-3333-%012d", i), Status: status.Failed, FailReason: strings.Repeat("Ω", 250)})
			}
			return poller.Reply{Job: j}, nil
		}))
		require.NoError(t, err)
		for range 2 {
			_, err = jobs.Reconcile(t.Context(), c.binding(key), kubernetes.Operation{Submit: func(context.Context) (string, error) { return "id", nil }})
			require.NoError(t, err)
		}
		require.Contains(t, c.binding(key).Status.Conditions[1].Message, "0 of 2000")
		require.Len(t, c.events("crowd"), 21)
	})
}

func reconciles(t *testing.T) (n int) {
	all, err := metrics.Registry.Gather()
	require.NoError(t, err)
	for _, family := range all {
		if family.GetName() == "controller_runtime_reconcile_total" {
			for _, m := range family.GetMetric() {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}

// TestKill kills the controller's process again and again while it follows two hundred jobs.
func TestKill(t *testing.T) {
	c := newCluster(t)
	const jobs = 200
	c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{After: 500 * time.Millisecond, Job: status.Job{Status: status.Running}},
		{After: 2 * time.Second, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "no route to host"}},
	}})
	random := rand.New(rand.NewPCG(16, 200))
	var keys []client.ObjectKey
	open := make(map[client.ObjectKey]bool)
	kills := 0
	for began := time.Now(); ; kills++ {
		process := c.start()
		for wait := 200*time.Millisecond + time.Duration(random.Int64N(int64(600*time.Millisecond))); wait > 0; wait -= 50 * time.Millisecond {
			for range 5 * min(1, jobs-len(keys)) {
				keys = append(keys, c.create("kill", fmt.Sprint("s", len(keys))))
			}
			time.Sleep(50 * time.Millisecond)
		}
		require.NoError(t, process.Process.Kill())
		_ = process.Wait()
		time.Sleep(100 * time.Millisecond) // what it sent last has arrived
		if len(keys) == jobs && c.decided(open) {
			break
		}
		require.Less(t, time.Since(began), 90*time.Second, "the jobs do not end")
	}
	last := c.start() // the Events that a kill has cut off are created by the next process
	defer func() { _ = last.Process.Kill(); _ = last.Wait() }()
	c.eventually("an Event for each", func() bool { return strings.Count(strings.Join(c.events("kill"), "\n"), "JobFailed ") >= jobs })
	for _, key := range keys {
		b := c.binding(key)
		require.Equal(t, "failed", b.Status.Job.Outcome, "%v", b.Status)
		require.Contains(t, b.Status.Conditions[2].Message, "SFS.TURBO.0100: no route to host")
	}
	submits, notes := make(map[string]int), strings.Join(c.events("kill"), "\n")
	for _, q := range c.service.Requests() {
		if q.Call == pollertest.Submit && strings.Contains(q.Path, "/kill-") {
			submits[q.Path]++
			require.Equal(t, 1, submits[q.Path], "%s was submitted twice", q.Path)
		}
	}
	require.Len(t, submits, jobs)
	require.Equal(t, jobs, strings.Count(notes, "JobFailed "))
	require.NotContains(t, notes, token)
	t.Logf("%d jobs, %d kills, %d submits that a person decided", jobs, kills, len(open))
}

// start starts the controller in a process of its own.
func (c *cluster) start() *exec.Cmd {
	a, err := json.Marshal(address{
		Host: server.Config.Host, Token: server.Config.BearerToken, ServerName: server.Config.ServerName, CA: server.Config.CAData, Service: c.at,
	})
	require.NoError(c, err)
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childOf+"="+string(a))
	process.Stderr = os.Stderr
	require.NoError(c, process.Start())
	return process
}

// decided does what a person does about submits that are not confirmed, and reports whether every
// job has ended.
func (c *cluster) decided(open map[client.ObjectKey]bool) bool {
	var list ldapbinding.LDAPBindingList
	require.NoError(c, c.List(context.Background(), &list, client.InNamespace("kill")))
	all := true
	for i := range list.Items {
		b := &list.Items[i]
		all = all && b.Status.Job.Outcome != ""
		if b.Status.Job.Attempt == "" || b.Status.Job.JobID != "" {
			continue
		}
		open[client.ObjectKeyFromObject(b)] = true
		started := ""
		for _, q := range c.service.Requests() {
			if q.Call == pollertest.Submit && strings.Contains(q.Path, "/"+b.Spec.ShareID+"/") {
				started = q.JobID
			}
		}
		patch := `{"status":{"job":null}}`
		if started != "" {
			patch = `{"status":{"job":{"jobID":"` + started + `"}}}`
		}
		require.NoError(c, c.Status().Patch(context.Background(), b, client.RawPatch("application/merge-patch+json", []byte(patch))))
	}
	return all
}
