// Package huaweicloud awaits jobs through the client that users of the official SDK
// already have: with its keys, agency or federated identity, its proxy and its other
// settings.
package huaweicloud

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cenkalti/backoff/v4"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	sfsturbo "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"

	"github.com/sfsturbo/waiter/poller"
)

// maxCalls is how many calls may be in flight, including those whose poll has already
// returned. A [poller.Client] opens as many connections.
const maxCalls = 64

// New returns a Poller that asks with the client's ShowJobDetail. It is safe for
// concurrent use: use one for all waits. Its replies and errors are those of
// [poller.Client.Poll], with code, request id, server time and Retry-After.
//
// The SDK's call takes no context, so each poll calls it in a goroutine. When the poll's
// context ends, Poll returns, and the goroutine stays until the call returns, for as long
// as the client's HttpConfig allows. That is 120 s unless WithTimeout sets it: set it to a
// poll's timeout, 15 s, and never to 0, which means no limit. At most 64 calls are in
// flight; further polls wait for one to return. A panic in a call comes out of Poll, or is
// dropped if Poll has returned.
//
// New does not change the client. Polls use an error handler of their own, which sees the
// whole response. A credential that is set on the client later is used from the next poll
// on.
func New(client *sfsturbo.SFSTurboClient) (poller.Poller, error) {
	if client == nil || client.HcClient == nil || client.HcClient.GetCredential() == nil {
		return nil, errors.New("huaweicloud: the SDK's client is nil, or has no credential: build it with SFSTurboClientBuilder")
	}
	own := *client.HcClient
	p := &sdk{
		calls:      make(chan struct{}, maxCalls),
		credential: client.HcClient.GetCredential,
		show: func(c *call) error {
			hc := own
			hc.WithCredential(c).WithErrorHandler(c)
			if c.ICredential == nil { // or the SDK would not ask for one
				hc.WithExtraHeaders(nil)
			}
			_, err := sfsturbo.NewSFSTurboClient(&hc).ShowJobDetail(&model.ShowJobDetailRequest{
				ContentType: "application/json", JobId: c.jobID,
			})
			return err
		},
	}
	project := "unknown" // until the SDK has looked it up
	if keys, ok := client.HcClient.GetCredential().(*auth.BasicCredentials); ok && keys.ProjectId != "" {
		project = keys.ProjectId
	}
	p.project.Store(&project)
	if err := p.findEndpoint(); err != nil {
		return nil, err
	}
	return p, nil
}

// sdk is the Poller.
type sdk struct {
	calls    chan struct{} // one element for each call in flight
	endpoint string
	project  atomic.Pointer[string] // its id, for poller.Error.Asked
	signing  sync.Mutex             // the SDK renews temporary keys without a lock

	// Funcs, because a dump of a client would show its keys.
	credential func() auth.ICredential
	show       func(*call) error
}

// findEndpoint makes a call without a credential, which ends before anything is sent.
func (p *sdk) findEndpoint() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("huaweicloud: the SDK's client has no endpoint (%v): build it with WithRegion or WithEndpoint", v)
		}
	}()
	c := &call{sdk: p}
	_ = p.show(c)
	p.endpoint = c.endpoint
	_, err = reader(p.endpoint, "any")
	return err
}

// Poll implements [poller.Poller].
func (p *sdk) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	if err := checkID(jobID); err != nil {
		return poller.Reply{}, backoff.Permanent(err)
	}
	if ctx.Err() != nil {
		return p.judge(ctx, jobID, got{err: context.Cause(ctx)})
	}
	select {
	case p.calls <- struct{}{}:
	case <-ctx.Done():
		return poller.Reply{}, fmt.Errorf("%d calls of the SDK have not returned yet: set a shorter Timeout in its HttpConfig: %w", maxCalls, context.Cause(ctx))
	}
	ended := make(chan end)
	go p.call(ctx, jobID, ended)
	select {
	case e := <-ended:
		if e.panicked != "" {
			panic(e.panicked)
		}
		return p.judge(ctx, jobID, e.got)
	case <-ctx.Done():
		return p.judge(ctx, jobID, got{err: context.Cause(ctx)})
	}
}

// end is how a call ended.
type end struct {
	got
	panicked string
}

// call asks, and sends the result if the poll still waits for it.
func (p *sdk) call(ctx context.Context, jobID string, ended chan<- end) {
	e := end{got: got{err: errors.New("the SDK's call ended its goroutine")}} // a test's FailNow does
	defer func() {
		if v := recover(); v != nil {
			e.panicked = fmt.Sprintf("huaweicloud: ShowJobDetail: %v\n\n%s", v, debug.Stack())
		}
		<-p.calls
		select {
		case ended <- e:
		case <-ctx.Done():
			e.close()
		}
	}()
	e.got = p.ask(jobID)
}

// checkID refuses a slash too: the SDK puts the id into the path without escaping it.
func checkID(jobID string) error {
	if strings.Contains(jobID, "/") {
		return errors.New("the job id has a slash in it, which the SDK would not escape: use the one that the submitting call returned")
	}
	return poller.CheckID(jobID)
}
