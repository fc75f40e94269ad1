package pollertest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// bindLDAP is what a user wants to test: it binds an LDAP server to a share, and
// waits until that is done.
func bindLDAP(ctx context.Context, endpoint string, client *http.Client) error {
	url := endpoint + "/v1/a-project/sfs-turbo/shares/a-share/fs/ldap"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewBufferString(`{"url": "ldap://10.0.0.7", "base_dn": "dc=a"}`))
	if err != nil {
		return err
	}
	r.Header.Set("X-Auth-Token", "a-token")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	id, err := poller.JobID(resp.StatusCode, body)
	if err != nil {
		return err
	}
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		return err
	}
	for { // a Waiter does this better
		reply, err := p.Poll(ctx, id)
		switch {
		case err != nil:
			return err
		case reply.Job.Status == status.Success:
			return nil
		case reply.Job.Status == status.Failed:
			return fmt.Errorf("bind LDAP: %s: %s", reply.Job.ErrorCode, reply.Job.FailReason)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A job that fails after a while.
func Example() {
	server := pollertest.New()
	defer server.Close()
	server.Script("bind_ldap", pollertest.Script{Steps: []pollertest.Step{
		{After: 20 * time.Millisecond, Job: status.Job{Status: status.Running}},
		{After: 40 * time.Millisecond, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "ldap unreachable"}},
	}})

	err := bindLDAP(context.Background(), server.Start(), http.DefaultClient)
	fmt.Println(err)
	// Output: bind LDAP: SFS.TURBO.0100: ldap unreachable
}

// What the code under test has bound.
func Example_bound() {
	server := pollertest.New()
	defer server.Close()
	server.Script("bind_ldap", pollertest.Script{}) // succeeds at once
	endpoint, client := server.Memory()
	if err := bindLDAP(context.Background(), endpoint, client); err != nil {
		fmt.Println(err)
		return
	}

	url := endpoint + "/v1/a-project/sfs-turbo/shares/a-share/fs/ldap"
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("X-Auth-Token", "a-token")
	resp, err := client.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: {"base_dn":"dc=a","schema":"RFC2307","search_timeout":3,"url":"ldap://10.0.0.7"} <nil>
}

func ExampleServer_Memory() {
	server := pollertest.New(pollertest.WithToken("a-token"))
	defer server.Close()
	id := server.Add(pollertest.Script{Type: "create_share", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "create_network", Status: status.Success}}}},
	}})

	endpoint, client := server.Memory()
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := p.Poll(context.Background(), id)
	fmt.Println(reply.Job.Type, reply.Job.Status, reply.Job.SubJobs[0].Type, reply.Job.SubJobs[0].Status, err)
	// Output: create_share running create_network success <nil>
}

func ExampleServer_Fail() {
	server := pollertest.New()
	defer server.Close()
	id := server.Add(pollertest.Script{})
	server.Fail(pollertest.Rule{Times: 1, Status: 429, RetryAfter: "7"})
	server.Fail(pollertest.Rule{Times: 1, Status: 500, Body: pollertest.ServiceSnake, Code: "SFS.TURBO.0005"})
	server.Fail(pollertest.Rule{Times: 1, Body: pollertest.HTML})
	server.Fail(pollertest.Rule{Times: 1, Break: pollertest.Truncate, After: 10})
	server.Fail(pollertest.Rule{Times: 1, Edit: func(j *status.Job) { j.Status = status.Running }})

	endpoint, client := server.Memory()
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 6 {
		reply, err := p.Poll(context.Background(), id)
		if err != nil {
			fmt.Println("error:", poller.Classify(err) == poller.Throttled)
			continue
		}
		fmt.Println(reply.Job.Status)
	}
	// Output:
	// error: true
	// error: false
	// error: false
	// error: false
	// running
	// success
}

func ExampleServer_Requests() {
	server := pollertest.New()
	defer server.Close()
	endpoint, client := server.Memory()
	if err := bindLDAP(context.Background(), endpoint+"/typo", client); err != nil {
		fmt.Println("failed")
	}
	for _, r := range server.Requests() {
		fmt.Println(r.Method, r.Path, r.Status)
	}
	// Output:
	// failed
	// POST /typo/v1/a-project/sfs-turbo/shares/a-share/fs/ldap 404
}

// In virtual time a job of two days takes no time, and half a minute without a response is
// exactly half a minute.
func TestUserCodeInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		id := server.Add(pollertest.Script{Type: "create_share", Steps: []pollertest.Step{
			{After: time.Minute, Job: status.Job{Status: status.Running}},
			{After: 48 * time.Hour, Job: status.Job{Status: status.Success}},
		}})
		server.Fail(pollertest.Rule{Call: pollertest.Poll, Skip: 5, Times: 1, Break: pollertest.Hang})

		p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token("a-token")))
		if err != nil {
			t.Fatal(err)
		}
		began, hung := time.Now(), time.Duration(0)
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			asked := time.Now()
			reply, err := p.Poll(ctx, id)
			cancel()
			if err != nil {
				hung += time.Since(asked)
			}
			if reply.Job.Status == status.Success {
				break
			}
			time.Sleep(time.Minute)
		}
		if took := time.Since(began); took < 48*time.Hour || took > 48*time.Hour+2*time.Minute {
			t.Error("took", took)
		}
		if hung != 30*time.Second {
			t.Error("hung", hung)
		}
	})
}
