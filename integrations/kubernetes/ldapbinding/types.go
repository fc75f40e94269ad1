// Package ldapbinding is a small but complete controller: an LDAPBinding binds an LDAP server to a
// file system, and its deletion unbinds it.
package ldapbinding

import (
	_ "embed" // for the CRD

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sfsturbo/waiter/integrations/kubernetes"
)

// CRD is the custom resource definition, for kubectl apply.
//
//go:embed crd.yaml
var CRD []byte

// GroupVersion is the API that LDAPBinding belongs to.
var GroupVersion = schema.GroupVersion{Group: "sfsturbo.example.com", Version: "v1"}

// AddToScheme adds the types of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &LDAPBinding{}, &LDAPBindingList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}

// LDAPBinding is the custom resource.
type LDAPBinding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status,omitzero"`
}

// Spec is what is bound to what.
type Spec struct {
	ShareID string `json:"shareID"`
	URL     string `json:"url"`
	BaseDN  string `json:"baseDN"`
	UserDN  string `json:"userDN,omitempty"`
	// PasswordFrom names the key of a Secret beside the binding.
	PasswordFrom *corev1.SecretKeySelector `json:"passwordFrom,omitempty"`
}

// Status is where the binding stands.
type Status struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	Job        kubernetes.Record  `json:"job,omitzero"`
}

// Job and Conditions make it a kubernetes.Object.
func (b *LDAPBinding) Job() *kubernetes.Record { return &b.Status.Job }

// Conditions returns those of the status.
func (b *LDAPBinding) Conditions() *[]metav1.Condition { return &b.Status.Conditions }

// DeepCopyObject copies it, as controller-gen would.
func (b *LDAPBinding) DeepCopyObject() runtime.Object {
	out := *b
	b.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.PasswordFrom = b.Spec.PasswordFrom.DeepCopy()
	b.Status.Job.DeepCopyInto(&out.Status.Job)
	out.Status.Conditions = nil
	for _, c := range b.Status.Conditions {
		out.Status.Conditions = append(out.Status.Conditions, *c.DeepCopy())
	}
	return &out
}

// LDAPBindingList is a list of them.
type LDAPBindingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []LDAPBinding `json:"items"`
}

// DeepCopyObject copies it, as controller-gen would.
func (l *LDAPBindingList) DeepCopyObject() runtime.Object {
	out := *l
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = nil
	for i := range l.Items {
		out.Items = append(out.Items, *l.Items[i].DeepCopyObject().(*LDAPBinding)) //nolint:forcetypeassert // it is one
	}
	return &out
}
