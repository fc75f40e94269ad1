package credential

import (
	"context"
	"net/http"
	"time"
)

// Attempter is a Credential that must know what the service says about it. An access
// key is one: a rejected key must not be sent again, or the service locks it.
// [AsAttempter] makes any Credential an Attempter.
//
// To wrap a credential, for a log or a metric, embed an Attempter and pass Attempt on:
// the wrapper then keeps what the inner credential does after a rejection.
type Attempter interface {
	Credential
	// Attempt authorizes r like Authorize. If it succeeds, the caller sends r and then
	// calls report exactly once, with the zero Feedback if there was no response, and
	// also if sending panics.
	//
	// After a rejection, report says whether to try again with a new request: again is
	// true if another credential would be sent. If the credential can be renewed, report
	// renews it first, within ctx, and err says why that failed. After any other Feedback,
	// or if it is Last, again is false and err is nil.
	Attempt(ctx context.Context, r *http.Request) (report func(Feedback) (again bool, err error), err error)
}

// Feedback is what a response says about the credential of its request.
type Feedback struct {
	Result Result
	Date   time.Time // the response's Date; zero if there was no response or it has none
	Last   bool      // the caller will not try again, so there is nothing to renew for
	Err    error     // what the response was, in words and without secrets; nil if it was a good one
}

// Result says whether the service accepted a credential.
type Result int

const (
	Inconclusive Result = iota // no response, or one that does not depend on the credential
	Accepted                   // the service knows the credential, whatever else it said
	Rejected                   // the service refused the credential: HTTP 401
)

// AsAttempter returns c if it is an Attempter. Otherwise it returns an Attempter that
// authorizes with c and, after a rejection, renews c if it is a [Refresher]. If c is
// neither, a rejection is final.
func AsAttempter(c Credential) Attempter {
	switch c := c.(type) {
	case Attempter:
		return c
	case Refresher:
		return refresher{c}
	}
	return final{c}
}

type refresher struct{ Refresher }

func (c refresher) Attempt(ctx context.Context, r *http.Request) (func(Feedback) (bool, error), error) {
	if err := c.Authorize(ctx, r); err != nil {
		return nil, err
	}
	return func(f Feedback) (bool, error) {
		if f.Result != Rejected || f.Last {
			return false, nil
		}
		if err := c.Refresh(ctx, r); err != nil {
			return false, err
		}
		return true, nil
	}, nil
}

type final struct{ Credential }

func (c final) Attempt(ctx context.Context, r *http.Request) (func(Feedback) (bool, error), error) {
	if err := c.Authorize(ctx, r); err != nil {
		return nil, err
	}
	return func(Feedback) (bool, error) { return false, nil }, nil
}
