package kubernetes_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "planted-token-5d41402abc4b2a76b9719d911017c592"
	password = "planted password 7d79/3037"
)

// A cluster is a fake API server, the service, and the example's controller.
type cluster struct {
	*testing.T

	service *pollertest.Server
	http    *http.Client
	at      string // the service's endpoint
	store   client.WithWatch
	client  client.WithWatch   // store, with faults
	funcs   *interceptor.Funcs // the faults
	opts    []waiter.Option
	r       *ldapbinding.Reconciler
}

var key = client.ObjectKey{Namespace: "storage", Name: "share-1"}

var scheme = sync.OnceValue(func() *runtime.Scheme {
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), eventsv1.AddToScheme(s), ldapbinding.AddToScheme(s)); err != nil {
		panic(err)
	}
	return s
})

func newCluster(t *testing.T, opts ...waiter.Option) *cluster {
	c := &cluster{T: t, service: pollertest.New(pollertest.WithToken(token)), funcs: &interceptor.Funcs{}, opts: opts}
	t.Cleanup(c.service.Close)
	c.at, c.http = c.service.Memory()
	c.store = fake.NewClientBuilder().WithScheme(scheme()).WithStatusSubresource(&ldapbinding.LDAPBinding{}).WithObjects(
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: "ldap"}, Data: map[string][]byte{"password": []byte(password)}},
		binding(key),
	).Build()
	c.client = interceptor.NewClient(c.store, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, _ client.Client, name string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			dry := (&client.SubResourceUpdateOptions{}).ApplyOptions(opts).DryRun
			if f := c.funcs.SubResourceUpdate; f != nil && len(dry) == 0 {
				return f(ctx, c.store, name, obj, opts...)
			}
			return c.store.SubResource(name).Update(ctx, obj, opts...)
		},
		Create: func(ctx context.Context, _ client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if f := c.funcs.Create; f != nil {
				return f(ctx, c.store, obj, opts...)
			}
			return c.store.Create(ctx, obj, opts...)
		},
		Get: func(ctx context.Context, _ client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if f := c.funcs.Get; f != nil {
				return f(ctx, c.store, key, obj, opts...)
			}
			return c.store.Get(ctx, key, obj, opts...)
		},
	})
	c.restart()
	return c
}

func binding(key client.ObjectKey) *ldapbinding.LDAPBinding {
	return &ldapbinding.LDAPBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: "uid-" + "1", Generation: 1},
		Spec: ldapbinding.Spec{
			ShareID: key.Name, URL: "ldap://192.168.0.10", BaseDN: "dc=example,dc=com", UserDN: "cn=admin",
			PasswordFrom: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "ldap"}, Key: "password"},
		},
	}
}

// restart is a new process: nothing of the old one's memory is left.
func (c *cluster) restart() {
	p, err := poller.New(c.at, "p", poller.WithHTTPClient(c.http), poller.WithCredential(credential.Token(token)))
	require.NoError(c, err)
	jobs, err := kubernetes.New(c.client, p, c.opts...)
	require.NoError(c, err)
	c.r = &ldapbinding.Reconciler{Client: c.client, Jobs: jobs, Service: ldapbinding.Service{
		Endpoint: c.at, Project: "p", Credential: credential.Token(token), HTTP: c.http,
	}}
}

func (c *cluster) reconcile() (ctrl.Result, error) {
	return c.r.Reconcile(c.Context(), ctrl.Request{NamespacedName: key})
}

// run reconciles as a controller does, until nothing is due anymore or d has passed.
func (c *cluster) run(d time.Duration) {
	failures := 0
	for end := time.Now().Add(d); time.Now().Before(end); {
		result, err := c.reconcile()
		switch {
		case err != nil:
			failures++
			time.Sleep(min(5*time.Millisecond<<min(failures, 18), 1000*time.Second))
		case result.RequeueAfter == 0:
			return
		default:
			failures = 0
			time.Sleep(result.RequeueAfter)
		}
	}
}

func (c *cluster) binding() *ldapbinding.LDAPBinding {
	var b ldapbinding.LDAPBinding
	require.NoError(c, c.store.Get(context.Background(), key, &b))
	return &b
}

// change is what a person does to the object.
func (c *cluster) change(f func(*ldapbinding.LDAPBinding)) {
	b := c.binding()
	f(b)
	require.NoError(c, c.store.Update(context.Background(), b))
}

func (c *cluster) condition(name string) metav1.Condition {
	found := meta.FindStatusCondition(c.binding().Status.Conditions, name)
	require.NotNil(c, found)
	return *found
}

// says requires what the three conditions say.
func (c *cluster) says(ready, progressing, failed bool, reason string) {
	c.Helper()
	for name, is := range map[string]bool{kubernetes.Ready: ready, kubernetes.Progressing: progressing, kubernetes.Failed: failed} {
		found := c.condition(name)
		require.Equal(c, is, found.Status == metav1.ConditionTrue, "%s: %s: %s", name, found.Reason, found.Message)
		require.Equal(c, reason, found.Reason, "%s: %s", name, found.Message)
	}
}

func (c *cluster) events() (notes []string) {
	var list eventsv1.EventList
	require.NoError(c, c.store.List(context.Background(), &list))
	for _, e := range list.Items {
		require.Equal(c, "LDAPBinding", e.Regarding.Kind)
		notes = append(notes, e.Reason+": "+e.Note)
	}
	return notes
}

// count is how many requests of a kind have reached the service.
func (c *cluster) count(call pollertest.Call) (n int) {
	for _, q := range c.service.Requests() {
		if q.Call == call {
			n++
		}
	}
	return n
}

// started is the jobs that the service has started.
func (c *cluster) started() (ids []string) {
	for _, q := range c.service.Requests() {
		if q.Call == pollertest.Submit && q.JobID != "" {
			ids = append(ids, q.JobID)
		}
	}
	return ids
}

// everything is all that the cluster stores and that a controller logs, as one text.
func (c *cluster) everything() string {
	var list eventsv1.EventList
	require.NoError(c, c.store.List(context.Background(), &list))
	data, err := json.Marshal([]any{list, c.binding()})
	require.NoError(c, err)
	return string(data)
}

func job(s status.Status) status.Job { return status.Job{Status: s} }

func after(d time.Duration, j status.Job) pollertest.Step { return pollertest.Step{After: d, Job: j} }

var errLost = errors.New("etcdserver: request timed out")

func contains(all []string, part string) (n int) {
	for _, one := range all {
		if strings.Contains(one, part) {
			n++
		}
	}
	return n
}
