package pollertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// ask polls once, and prints the response.
func ask(endpoint string, client *http.Client, project, token, id string) string {
	p, err := poller.New(endpoint, project, poller.WithHTTPClient(client), poller.WithCredential(credential.Token(token)))
	if err != nil {
		return err.Error()
	}
	reply, err := p.Poll(context.Background(), id)
	if e, ok := errors.AsType[*poller.Error](err); ok {
		return fmt.Sprint(e.StatusCode, " ", e.Code)
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(reply.Job.Type, " ", reply.Job.Status)
}

// A job without a submitting call.
func ExampleServer_Add() {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "create_share", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: 48 * time.Hour, Job: status.Job{Status: status.Success}},
	}})
	endpoint, client := server.Memory()
	fmt.Println(id, ask(endpoint, client, "a-project", "a-token", id))
	// Output: 26f6b565-0000-4000-8000-000000000001 create_share running
}

// What the next call that binds LDAP starts.
func ExampleServer_Script() {
	server := pollertest.New()
	defer server.Close()
	server.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Failed, FailReason: "ldap unreachable"}},
	}})
	endpoint, client := server.Memory()
	fmt.Println(bindLDAP(context.Background(), endpoint, client))
	// Output: bind LDAP: : ldap unreachable
}

func ExampleServer_Start() {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint := server.Start()
	fmt.Println(strings.HasPrefix(endpoint, "http://127.0.0.1:"))
	fmt.Println(ask(endpoint, http.DefaultClient, "a-project", "a-token", id))
	// Output:
	// true
	// bind_ldap success
}

// In a server of your own, here one with TLS.
func ExampleServer_ServeHTTP() {
	server := pollertest.New()
	own := httptest.NewTLSServer(server)
	defer own.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	fmt.Println(ask(own.URL, own.Client(), "a-project", "a-token", id))
	// Output: bind_ldap success
}

// Without options any project and any token are good, but a request needs a token.
func ExampleNew() {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, client := server.Memory()
	fmt.Println(ask(endpoint, client, "any-project", "any-token", id))
	fmt.Println(ask(endpoint, client, "any-project", "any-token", "typo"))
	// Output:
	// bind_ldap success
	// 404 SFS.TURBO.0019
}

func ExampleWithProject() {
	server := pollertest.New(pollertest.WithProject("a-project"))
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, client := server.Memory()
	fmt.Println(ask(endpoint, client, "a-project", "a-token", id))
	fmt.Println(ask(endpoint, client, "b-project", "a-token", id))
	// Output:
	// bind_ldap success
	// 403 SFS.TURBO.9000
}

func ExampleWithToken() {
	server := pollertest.New(pollertest.WithToken("a-token"))
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, client := server.Memory()
	fmt.Println(ask(endpoint, client, "a-project", "a-token", id))
	fmt.Println(ask(endpoint, client, "a-project", "an-expired-one", id))
	// Output:
	// bind_ldap success
	// 401 APIGW.0301
}

// Only requests that this key has signed are served.
func ExampleWithAccessKey() {
	server := pollertest.New(pollertest.WithAccessKey("AKEXAMPLE", "SKEXAMPLE"))
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, client := server.Memory()
	fmt.Println(ask(endpoint, client, "a-project", "a-token", id))
	// Output: 401 APIGW.0301
}

// A token that dies early, as it does when its user is changed.
func ExampleServer_RevokeTokens() {
	server := pollertest.New(pollertest.WithNamedProject("a-project", "cn-north-4"))
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, client := server.Memory()
	const user = `{"auth": {"scope": {"project": {"name": "cn-north-4"}}, "identity": {"methods": ["password"],
		"password": {"user": {"name": "a-user", "password": "a-password", "domain": {"name": "a-domain"}}}}}}`
	resp, err := client.Post(endpoint+"/v3/auth/tokens", "application/json", strings.NewReader(user))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	token := resp.Header.Get("X-Subject-Token")
	fmt.Println(ask(endpoint, client, "a-project", token, id))
	server.RevokeTokens()
	fmt.Println(ask(endpoint, client, "a-project", token, id))
	// Output:
	// bind_ldap success
	// 401 APIGW.0301
}
