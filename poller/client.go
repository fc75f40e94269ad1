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

	"github.com/sfsturbo/waiter/internal/redirect"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

// Client is a [Poller] that asks the SFS Turbo service over HTTP:
//
//	GET {endpoint}/v1/{project_id}/sfs-turbo/jobs/{job_id}
//
// It is made by [New], and safe for concurrent use: have one for all waits, so that
// they share connections. Printing it shows no secret.
type Client struct {
	jobs    string   // their URL, without the id
	project *project // to be looked up first; nil if its id was given

	// Funcs, where a value would be dumped with all that a user's type holds.
	authorize func(context.Context, *http.Request) (answered func(*http.Response) (again bool), err error)
	renew     func(ctx context.Context, rejected *http.Request) error // nil if a rejection is final
	do        func(*http.Request) (*http.Response, error)
	closeIdle func()
}

// New returns a Client for the jobs of one project. The endpoint is a plain URL
// and may have a path, which is kept; see [Endpoint] for the public cloud's. It
// must begin with https://, but for this machine's loopback or [WithPlainHTTP].
func New(endpoint, projectID string, opts ...Option) (*Client, error) {
	s, err := apply("New", opts)
	if err != nil {
		return nil, err
	}
	base, err := checkEndpoint(endpoint, s.plainHTTP)
	if err != nil {
		return nil, err
	}
	if err := checkSegment("project id", projectID); err != nil {
		return nil, fmt.Errorf("poller: %w: it is on the console's page \"My Credentials\"", err)
	}
	return newClient(s, jobsOf(base, projectID)), nil
}

func apply(to string, opts []Option) (settings, error) {
	s := settings{client: http.Client{Transport: newTransport()}}
	for i, opt := range opts {
		if opt == nil {
			return settings{}, fmt.Errorf("poller: option %d of %s is nil", i+1, to)
		}
		if err := opt(&s); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

func jobsOf(base, projectID string) string {
	return base + "/v1/" + url.PathEscape(projectID) + "/sfs-turbo/jobs/"
}

func newClient(s settings, jobs string) *Client {
	plain := s.client
	s.client.Transport = redirect.Unfollowed{RoundTripper: s.client.Transport}
	c := &Client{jobs: jobs, do: s.client.Do, closeIdle: plain.CloseIdleConnections}
	c.authorise(s.credential)
	return c
}

func (c *Client) authorise(cred credential.Credential) {
	if cred != nil {
		c.authorize = func(ctx context.Context, r *http.Request) (func(*http.Response) bool, error) {
			return nil, cred.Authorize(ctx, r)
		}
	}
	switch cred := cred.(type) {
	case credential.Refresher:
		c.renew = cred.Refresh
	case interface{ Rotates() }: // a credential.TokenFunc: the next attempt asks it anew
		c.renew = func(context.Context, *http.Request) error { return nil }
	case interface { // a credential.AccessKey: it has to know what became of its signature
		Attempt(ctx context.Context, r *http.Request) (answered func(*http.Response) (again bool), err error)
	}:
		c.authorize = cred.Attempt
	}
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
	jobs, projectID := c.jobs, ""
	if c.project != nil {
		var err error
		if projectID, err = c.project.find(ctx, c.get); err != nil {
			return Reply{}, err
		}
		jobs = jobsOf(c.project.base, projectID)
	}
	var job status.Job
	reply, err := c.get(ctx, jobs+url.PathEscape(jobID), projectID, func(body []byte, secrets []string) (err error) {
		job, err = decode(body, jobID)
		redact(&job, secrets)
		return err
	})
	if err != nil {
		return Reply{}, err
	}
	reply.Job = job
	return reply, nil
}

// get asks, and once more if the credential is rejected and can be renewed.
func (c *Client) get(ctx context.Context, address, projectID string, decode func(body []byte, secrets []string) error) (Reply, error) {
	reply, sent, again, err := c.attempt(ctx, address, projectID, decode)
	rejection, answered := errors.AsType[*Error](err)
	if sent == nil || !answered || rejection.StatusCode != http.StatusUnauthorized || c.renew == nil && !again {
		return reply, err
	}
	if c.renew != nil {
		if err := c.renew(ctx, sent); err != nil {
			return Reply{}, unrenewed(rejection, err)
		}
	}
	reply, _, _, err = c.attempt(ctx, address, projectID, decode)
	if e, ok := errors.AsType[*credential.Error](err); ok && e.Rejected {
		return Reply{}, rejection // it has no other than the one that was rejected
	}
	return reply, err
}

// attempt returns the request too if there was an answer.
func (c *Client) attempt(ctx context.Context, address, projectID string, decode func(body []byte, secrets []string) error) (_ Reply, sent *http.Request, again bool, _ error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Reply{}, nil, false, backoff.Permanent(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sfsturbo-waiter (+https://github.com/sfsturbo/waiter)")
	if projectID != "" {
		r.Header.Set("X-Project-Id", projectID)
	}
	var answered func(*http.Response) bool
	if c.authorize != nil {
		if answered, err = c.authorize(ctx, r); err != nil { //nolint:bodyclose // there is none yet
			return Reply{}, nil, false, unauthorized(err)
		}
	}
	resp, again, err := c.send(r, answered)
	if err != nil {
		return Reply{}, nil, false, unanswered(r, err)
	}
	defer resp.Body.Close()
	reply, err := read(resp, decode, secretsOf(r), time.Now())
	return reply, r, again, err
}

func (c *Client) send(r *http.Request, answered func(*http.Response) (again bool)) (resp *http.Response, again bool, err error) {
	if answered != nil {
		defer func() { again = answered(resp) }() // even if a RoundTripper panics
	}
	resp, err = c.do(r)
	return resp, false, err
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
	failed := &credential.Error{Permanent: ok && e.Permanent, Rejected: ok && e.Rejected}
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
