package apiserver

import (
	"errors"
	"net/http"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/kubernetes"
	"github.com/sfsturbo/waiter/integrations/kubernetes/ldapbinding"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// Manager returns a manager that runs the example's controller on the server that to leads to.
// It calls the service at endpoint.
func Manager(to *rest.Config, endpoint, token string, opts ...waiter.Option) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(eventsv1.AddToScheme(scheme), ldapbinding.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	m, err := ctrl.NewManager(to, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"}, MapperProvider: mapper,
		Controller: config.Controller{SkipNameValidation: new(true)}, // a process may run several, one after the other
	})
	if err != nil {
		return nil, err
	}
	authorize := credential.Token(token)
	p, err := poller.New(endpoint, "demo-project", poller.WithCredential(authorize))
	if err != nil {
		return nil, err
	}
	jobs, err := kubernetes.New(m.GetClient(), p, opts...)
	if err != nil {
		return nil, err
	}
	r := &ldapbinding.Reconciler{Client: m.GetClient(), Jobs: jobs, Service: ldapbinding.Service{
		Endpoint: endpoint, Project: "demo-project", Credential: authorize, HTTP: &http.Client{},
	}}
	return m, r.SetupWithManager(m)
}

// Client returns a client without a cache.
func Client(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(eventsv1.AddToScheme(scheme), ldapbinding.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	all, err := mapper(config, nil)
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: all})
}

// mapper is static: this server has no discovery of what it serves.
func mapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	all := meta.NewDefaultRESTMapper(nil)
	all.Add(ldapbinding.GroupVersion.WithKind("LDAPBinding"), meta.RESTScopeNamespace)
	all.Add(eventsv1.SchemeGroupVersion.WithKind("Event"), meta.RESTScopeNamespace)
	return all, nil
}
