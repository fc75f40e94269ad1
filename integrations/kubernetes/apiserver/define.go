package apiserver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// events stands in for the built-in resource.
var events = []byte(`
metadata:
  name: events.events.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, a stand-in"}
spec:
  group: events.k8s.io
  names: {kind: Event, listKind: EventList, plural: events, singular: event}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`)

// Redefine replaces a CRD, and waits until the server goes by the new one.
func (s *Server) Redefine(ctx context.Context, text []byte) error {
	c, err := clientset.NewForConfig(s.Config)
	if err != nil {
		return err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	all := c.ApiextensionsV1().CustomResourceDefinitions()
	old, err := all.Get(ctx, crd.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	old.Spec = crd.Spec
	if _, err := all.Update(ctx, old, metav1.UpdateOptions{}); err != nil {
		return err
	}
	time.Sleep(time.Second) // nothing says when it does
	return nil
}

// define creates a CRD and waits until it is served.
func (s *Server) define(ctx context.Context, text []byte) error {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	c, err := clientset.NewForConfig(s.Config)
	if err != nil {
		return err
	}
	all := c.ApiextensionsV1().CustomResourceDefinitions()
	if _, err := all.Create(ctx, &crd, metav1.CreateOptions{}); err != nil {
		return err
	}
	for range 200 {
		if s.serves(ctx, c.RESTClient(), &crd) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s is not served after 4 s", crd.Name)
}

func (s *Server) serves(ctx context.Context, c rest.Interface, crd *apiextensionsv1.CustomResourceDefinition) bool {
	path := fmt.Sprintf("/apis/%s/%s/%s", crd.Spec.Group, crd.Spec.Versions[0].Name, crd.Spec.Names.Plural)
	return c.Get().AbsPath(path).Do(ctx).Error() == nil
}

// quiet is the logger that the server asks for. Fatalf is called by what this package does not use.
type quiet struct{}

func (quiet) Errorf(string, ...any)             {}
func (quiet) Logf(string, ...any)               {}
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// lines is what a process has printed.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
