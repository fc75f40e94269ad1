package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller/credential"
)

// Client is a [Poller] that asks the SFS Turbo service over HTTP:
//
//	GET {endpoint}/v1/{project_id}/sfs-turbo/jobs/{job_id}
//
// It is made by [New], and safe for concurrent use: have one for all waits, so that
// they share connections. Printing it shows no secret.
type Client struct {
	jobs string // their URL, without the id

	// Funcs, where a value would be dumped with all that a user's type holds.
	authorize func(context.Context, *http.Request) error
	renew     func(ctx context.Context, rejected *http.Request) error // nil if a rejection is final
	do        func(*http.Request) (*http.Response, error)
	closeIdle func()
}

// New returns a Client for the jobs of one project. The endpoint is a plain URL
// and may have a path, which is kept; see [Endpoint] for the public cloud's. It
// must begin with https://, but for this machine's loopback or [WithPlainHTTP].
func New(endpoint, projectID string, opts ...Option) (*Client, error) {
	s := settings{client: http.Client{Transport: newTransport()}}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("poller: option %d of New is nil", i+1)
		}
		if err := opt(&s); err != nil {
			return nil, err
		}
	}
	base, err := baseURL(endpoint, s.plainHTTP)
	if err != nil {
		return nil, err
	}
	if err := checkSegment("project id", projectID); err != nil {
		return nil, fmt.Errorf("poller: %w: it is on the console's page \"My Credentials\"", err)
	}
	plain := s.client
	s.client.Transport = unfollowed{s.client.Transport}
	c := &Client{
		jobs:      base + "/v1/" + url.PathEscape(projectID) + "/sfs-turbo/jobs/",
		do:        s.client.Do,
		closeIdle: plain.CloseIdleConnections,
	}
	if s.credential != nil {
		c.authorize = s.credential.Authorize
	}
	switch cred := s.credential.(type) {
	case credential.Refresher:
		c.renew = cred.Refresh
	case interface{ Rotates() }: // a credential.TokenFunc: the next attempt asks it anew
		c.renew = func(context.Context, *http.Request) error { return nil }
	}
	return c, nil
}

// Poll asks once. If the service rejects the credential and that can be renewed,
// it is, and asked once more. A redirect is never followed: the token would go
// with it. An answer counts if it is a 200 with this job, has a status, and is no
// longer than 1 MiB and 2,000 sub-jobs.
//
// The error is an [*Error] if there was another answer, a [*credential.Error] if
// the request could not be authorised, else what kept the answer away: it holds
// the *url.Error of net/http, and what that wraps. For a job id that can't be one
// nothing is sent. [Classify] tells these apart. None of them holds the token.
func (c *Client) Poll(ctx context.Context, jobID string) (Reply, error) {
	if err := CheckID(jobID); err != nil {
		return Reply{}, backoff.Permanent(err)
	}
	reply, sent, err := c.attempt(ctx, jobID)
	rejection, answered := errors.AsType[*Error](err)
	if sent == nil || !answered || rejection.StatusCode != http.StatusUnauthorized || c.renew == nil {
		return reply, err
	}
	if err := c.renew(ctx, sent); err != nil {
		return Reply{}, unrenewed(rejection, err)
	}
	reply, _, err = c.attempt(ctx, jobID)
	return reply, err
}

// attempt returns the request too if there was an answer.
func (c *Client) attempt(ctx context.Context, jobID string) (Reply, *http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.jobs+url.PathEscape(jobID), nil)
	if err != nil {
		return Reply{}, nil, backoff.Permanent(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sfsturbo-waiter (+https://github.com/sfsturbo/waiter)")
	if c.authorize != nil {
		if err := c.authorize(ctx, r); err != nil {
			return Reply{}, nil, unauthorized(err)
		}
	}
	resp, err := c.do(r)
	if err != nil {
		return Reply{}, nil, unanswered(r, err)
	}
	defer resp.Body.Close()
	reply, err := read(resp, jobID, secretsOf(r), time.Now())
	return reply, r, err
}

// CloseIdleConnections closes the connections that no poll is using. Call it when
// the Client has done its work; else they close after 90 seconds. With
// [WithHTTPClient], these are the connections of that client's transport.
func (c *Client) CloseIdleConnections() { c.closeIdle() }

// String returns where it asks, without secrets.
func (c Client) String() string { return "poller.Client(" + c.jobs + ")" }

// checkSegment refuses what would make another path of the URL.
func checkSegment(name, value string) error {
	switch strings.TrimSpace(value) {
	case "":
		return fmt.Errorf("the %s is empty", name)
	case ".", "..":
		return fmt.Errorf("the %s is %q", name, value)
	}
	return nil
}

func unauthorized(err error) error {
	if is[*credential.Error](err) {
		return err
	}
	return &credential.Error{Err: err}
}

func unrenewed(rejection *Error, err error) error {
	e, ok := errors.AsType[*credential.Error](err)
	failed := &credential.Error{Permanent: ok && e.Permanent}
	if err == error(e) { //nolint:errorlint // not one that e is wrapped in
		err = e.Err // its text begins like that of failed
	}
	failed.Err = fmt.Errorf("renewing it failed: %w; this was after: %w", err, rejection)
	return failed
}

func unanswered(r *http.Request, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		u.Err = scrub(u.Err, secretsOf(r)) // net/http quotes an answer that it can't read
	}
	return &noAnswer{host: r.URL.Host, err: err}
}
