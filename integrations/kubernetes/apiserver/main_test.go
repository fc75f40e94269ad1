package apiserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sfsturbo/waiter/integrations/kubernetes/apiserver"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const token = "planted-token-5d41402abc4b2a76b9719d911017c592"

// server is one for all tests; each has a namespace of its own.
var server *apiserver.Server

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	if os.Getenv(childOf) != "" {
		child()
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	began := time.Now()
	var err error
	if server, err = apiserver.Start(context.Background(), ldapbinding.CRD); err != nil && !errors.Is(err, apiserver.ErrNoEtcd) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if server != nil {
		defer server.Close()
		fmt.Printf("the API server was up after %v\n", time.Since(began).Round(10*time.Millisecond))
	}
	return m.Run()
}

// A cluster is the API server, and the service.
type cluster struct {
	*testing.T
	client.Client

	service *pollertest.Server
	at      string
}

// needServer skips a test if there is no API server.
func needServer(t *testing.T) {
	if server == nil {
		t.Skip("etcd, of Debian's package etcd-server, is neither in the PATH nor in /usr/sbin; .ci/run installs it")
	}
}

func newCluster(t *testing.T) *cluster {
	needServer(t)
	c := &cluster{T: t, service: pollertest.New(pollertest.WithToken(token))}
	t.Cleanup(c.service.Close)
	c.at = c.service.Start()
	all, err := apiserver.Client(server.Config)
	require.NoError(t, err)
	c.Client = all
	return c
}

// manage runs the example's controller until the test ends, or stop is called.
func (c *cluster) manage() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	m, err := apiserver.Manager(server.Config, c.at, token)
	require.NoError(c, err)
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	stop = func() {
		cancel()
		if err, first := <-ended; first {
			require.NoError(c, err)
			close(ended)
		}
	}
	c.Cleanup(stop)
	return stop
}

func (c *cluster) create(namespace, name string) client.ObjectKey {
	require.NoError(c, c.Create(context.Background(), &ldapbinding.LDAPBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       ldapbinding.Spec{ShareID: namespace + "-" + name, URL: "ldap://192.168.0.10", BaseDN: "dc=example,dc=com"},
	}))
	return client.ObjectKey{Namespace: namespace, Name: name}
}

func (c *cluster) binding(key client.ObjectKey) *ldapbinding.LDAPBinding {
	var b ldapbinding.LDAPBinding
	require.NoError(c, c.Get(context.Background(), key, &b))
	return &b
}

func (c *cluster) eventually(what string, is func() bool) {
	c.Helper()
	require.Eventually(c, is, 30*time.Second, 50*time.Millisecond, what)
}

func (c *cluster) events(namespace string) (notes []string) {
	var list eventsv1.EventList
	require.NoError(c, c.List(context.Background(), &list, client.InNamespace(namespace)))
	for _, e := range list.Items {
		notes = append(notes, e.Reason+" "+e.Note)
	}
	return notes
}

func (c *cluster) count(call pollertest.Call) (n int) {
	for _, q := range c.service.Requests() {
		if q.Call == call {
			n++
		}
	}
	return n
}

// childOf names the environment variable that makes this test program a controller.
const childOf = "APISERVER_TEST_CHILD_OF"

// address is what the child needs to know.
type address struct {
	Host, Token, ServerName, Service string
	CA                               []byte
}

// child is a controller in a process of its own, which its parent kills.
func child() {
	var a address
	if err := json.Unmarshal([]byte(os.Getenv(childOf)), &a); err != nil {
		panic(err)
	}
	config := &rest.Config{Host: a.Host, BearerToken: a.Token, TLSClientConfig: rest.TLSClientConfig{CAData: a.CA, ServerName: a.ServerName}, QPS: -1}
	config.ContentType = "application/json"
	m, err := apiserver.Manager(config, a.Service, token)
	if err != nil {
		panic(err)
	}
	if err := m.Start(context.Background()); err != nil {
		panic(err)
	}
}
