package kubernetes_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// A killer ends the process, as SIGKILL does, at a point drawn from a seed: before a call, or after
// the call was done and before its response arrives.
type killer struct {
	*rand.Rand

	of   http.RoundTripper
	odds float64
}

type killed struct{}

func (k *killer) maybe() {
	if k.Float64() < k.odds {
		panic(killed{})
	}
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.maybe()
	response, err := k.of.RoundTrip(r)
	if k.Float64() < k.odds {
		if err == nil {
			_ = response.Body.Close()
		}
		panic(killed{})
	}
	return response, err
}

// aims puts the killer around every call that leaves the process.
func (k *killer) aims(c *cluster) {
	k.of = c.http.Transport
	c.http = &http.Client{Transport: k}
	c.funcs.SubResourceUpdate = func(ctx context.Context, s client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
		k.maybe()
		if k.Float64() < 0.05 {
			return errLost
		}
		err := s.SubResource(name).Update(ctx, obj, opts...)
		k.maybe()
		if err == nil && k.Float64() < 0.05 {
			return errLost
		}
		return err
	}
	c.funcs.Create = func(ctx context.Context, s client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		k.maybe()
		err := s.Create(ctx, obj, opts...)
		k.maybe()
		return err
	}
	c.restart()
}

// reconcileOrDie reports whether the process has survived.
func (c *cluster) reconcileOrDie() (again time.Duration, alive bool) {
	defer func() {
		if v := recover(); v != nil {
			if _, ours := v.(killed); !ours {
				panic(v)
			}
			c.restart()
			again, alive = time.Second, false
		}
	}()
	result, err := c.reconcile()
	if err != nil {
		return time.Second, true
	}
	return result.RequeueAfter, true
}

func TestKills(t *testing.T) {
	const jobs = 200
	kills, open, failures := 0, 0, 0
	for seed := range uint64(jobs) {
		bubble(t, "", func(t *testing.T) {
			c := newCluster(t)
			end := status.Job{Status: status.Success}
			if seed%3 == 0 {
				end = status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "no route to host"}
			}
			c.service.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
				after(3*time.Second, job(status.Running)), after(20*time.Second, end),
			}})
			k := &killer{Rand: rand.New(rand.NewPCG(seed, 16)), odds: 0.08}
			k.aims(c)
			for until := time.Now().Add(time.Hour); time.Now().Before(until); {
				again, alive := c.reconcileOrDie()
				if !alive {
					kills++
				}
				if c.binding().Status.Job.Outcome != "" && again == 0 {
					break
				}
				time.Sleep(max(again, time.Millisecond))
			}
			b := c.binding()
			require.LessOrEqual(t, len(c.started()), 1, "submitted twice")
			if b.Status.Job.Outcome == "" { // a person decides
				open++
				c.says(false, true, true, kubernetes.SubmitUnconfirmed)
				if len(c.started()) == 0 {
					return
				}
				b.Status.Job.JobID = c.started()[0]
				require.NoError(t, c.store.Status().Update(t.Context(), b))
				k.odds = 0
				c.restart()
				c.run(time.Hour)
			}
			if end.Status == status.Failed {
				failures++
				c.says(false, false, true, "JobFailed")
				require.Contains(t, c.condition(kubernetes.Failed).Message, "SFS.TURBO.0100: no route to host")
				require.Equal(t, 1, contains(c.events(), "SFS.TURBO.0100"), "%v", c.events())
				return
			}
			require.True(t, kubernetes.IsReady(c.binding()))
		})
	}
	t.Logf("%d jobs, %d failures shown, %d kills, %d submits that a person decided", jobs, failures, kills, open)
	require.Greater(t, kills, jobs)
	require.Positive(t, open)
}
