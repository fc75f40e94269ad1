package poller_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// A wrong endpoint is an error before anything is sent.
func ExampleNew() {
	const project = "0970dd7a1300f5672ff2c003c60ae115"
	token := credential.Token("MIIQtgYJKoZIhvcNAQcC...")

	client, err := poller.New(poller.Endpoint("cn-north-4"), project, poller.WithCredential(token))
	fmt.Println(client, err)
	_, err = poller.New("http://sfs-turbo.example.com", project, poller.WithCredential(token))
	fmt.Println(err)
	// Output:
	// poller.Client(https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/0970dd7a1300f5672ff2c003c60ae115/sfs-turbo/jobs/) <nil>
	// poller: the endpoint begins with http://, so a token or a password would be sent in the clear: use https://, or WithPlainHTTP if that is meant
}

func ExampleEndpoint() {
	fmt.Println(poller.Endpoint("cn-north-4"))
	fmt.Println(poller.Endpoint("eu-west-101"))
	// Output:
	// https://sfs-turbo.cn-north-4.myhuaweicloud.com
	// https://sfs-turbo.eu-west-101.myhuaweicloud.eu
}

// A client with another timeout, proxy or root certificates: here, one that is connected
// in memory to a test's service.
func ExampleWithHTTPClient() {
	service := pollertest.New()
	defer service.Close()
	id := service.Add(pollertest.Script{Type: "bind_ldap"})
	endpoint, httpClient := service.Memory()

	client, err := poller.New(endpoint, "a-project",
		poller.WithHTTPClient(&http.Client{Transport: httpClient.Transport, Timeout: 5 * time.Second}),
		poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := client.Poll(context.Background(), id)
	fmt.Println(reply.Job.Type, reply.Job.Status, err)
	// Output: bind_ldap success <nil>
}

// The service refuses a request without a credential.
func ExampleWithCredential() {
	service := pollertest.New(pollertest.WithToken("a-token"))
	defer service.Close()
	id := service.Add(pollertest.Script{})
	endpoint, httpClient := service.Memory()

	for _, opts := range [][]poller.Option{
		{poller.WithHTTPClient(httpClient)},
		{poller.WithHTTPClient(httpClient), poller.WithCredential(credential.Token("a-token"))},
	} {
		client, err := poller.New(endpoint, "a-project", opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = client.Poll(context.Background(), id)
		fmt.Println(poller.Kind(err) == "401", err == nil)
	}
	// Output:
	// true false
	// false true
}

// For a gateway inside a private network that has no certificate.
func ExampleWithPlainHTTP() {
	_, err := poller.New("http://10.0.0.5:8080/gateway", "a-project", poller.WithPlainHTTP())
	fmt.Println(err)
	// Output: <nil>
}

func ExampleError() {
	service := pollertest.New()
	defer service.Close()
	endpoint, httpClient := service.Memory()
	client, err := poller.New(endpoint, "a-project",
		poller.WithHTTPClient(httpClient), poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Poll(context.Background(), "26f6b565")
	if e, ok := errors.AsType[*poller.Error](err); ok {
		fmt.Println(e.StatusCode, e.Code, e.Message, e.RequestID)
	}
	// Output: 404 SFS.TURBO.0019 Invalid Job Id 00000000000000000000000000000001
}

// A program closes its connections when it has done its waiting.
func ExampleClient_CloseIdleConnections() {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{})
	p, err := poller.New(server.Start(), "a-project", poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.CloseIdleConnections()
	reply, err := p.Poll(context.Background(), id)
	fmt.Println(reply.Job.Status, err)
	// Output: success <nil>
}
