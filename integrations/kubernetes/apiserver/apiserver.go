// Package apiserver starts a real API server for custom resources, in this process, with an etcd
// beside it. It is for the tests of integrations/kubernetes and for the demo. It is a module of
// its own because the server is large, and users of the integration do not need it.
//
// The server is k8s.io/apiextensions-apiserver: it stores, validates, prunes and watches custom
// resources as a cluster does. It has no built-in resources, so a CRD of the same name stands in
// for events.k8s.io, and there are no Secrets.
package apiserver

import (
	"context"
	_ "embed" // for the CRD of Events
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	servertesting "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// ErrNoEtcd means that etcd is not installed: Debian's package is etcd-server.
var ErrNoEtcd = errors.New("etcd is not installed (Debian: apt-get install etcd-server)")

// Server is a running API server.
type Server struct {
	Config *rest.Config // of an administrator
	stops  []func()
}

// Start starts a server that serves these CRDs, and Events. It returns [ErrNoEtcd] if it cannot.
// Close stops it.
func Start(ctx context.Context, crds ...[]byte) (s *Server, err error) {
	s = &Server{}
	defer func(begun *Server) { // an error is returned with a nil Server
		if err != nil {
			begun.Close()
		}
	}(s)
	klog.SetLogger(logr.Discard()) // the server's lines are not the controller's
	dir, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { _ = os.RemoveAll(dir) })
	store, err := s.etcd(ctx, dir)
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(nobody), 0o600); err != nil {
		return nil, err
	}
	started, err := servertesting.StartTestServer(quiet{}, nil, []string{
		"--etcd-servers", store, "--authentication-skip-lookup",
		"--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig, "--kubeconfig", kubeconfig,
		"--enable-priority-and-fairness=false",
		"--disable-admission-plugins", "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
	}, nil)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, started.TearDownFn)
	s.Config = rest.CopyConfig(started.ClientConfig)
	s.Config.ContentType = "application/json" // a custom resource has no protobuf, whatever its Go type
	s.Config.QPS, s.Config.Burst = -1, 0
	for _, crd := range append(crds, events) {
		if err := s.define(ctx, crd); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close stops the server and its etcd, and removes their data.
func (s *Server) Close() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	s.stops = nil
}

// etcd starts an etcd whose data is in dir, and returns its address.
func (s *Server) etcd(ctx context.Context, dir string) (string, error) {
	program, err := exec.LookPath("etcd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/etcd"); err != nil {
			return "", ErrNoEtcd
		}
	}
	clients, err := free(ctx)
	if err != nil {
		return "", err
	}
	peers, err := free(ctx)
	if err != nil {
		return "", err
	}
	var log lines
	c := exec.Command(program, "--data-dir", filepath.Join(dir, "etcd"), "--log-level", "error", //nolint:noctx,gosec // Close ends it; it is etcd
		"--listen-client-urls", clients, "--advertise-client-urls", clients,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers)
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		return "", err
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait()
		close(ended)
	}()
	s.stops = append(s.stops, func() {
		_ = c.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if healthy(ctx, clients) {
			return clients, nil
		}
		select {
		case <-ended:
			return "", fmt.Errorf("etcd has ended: %s", log.text())
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return "", errors.New("etcd is not up after 30 s: " + log.text())
}

func healthy(ctx context.Context, at string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/health", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// free returns the URL of a port that is free now.
func free(ctx context.Context) (string, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return "http://127.0.0.1:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil //nolint:forcetypeassert // it listens on TCP
}

// nobody is a kubeconfig that the server wants and does not use.
const nobody = `{apiVersion: v1, kind: Config, current-context: c,
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}],
contexts: [{name: c, context: {cluster: c, user: u}}],
users: [{name: u, user: {token: none}}]}`
