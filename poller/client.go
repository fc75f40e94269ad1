package poller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

// Client is a [Poller] that asks the SFS Turbo service over HTTP:
//
//	GET {endpoint}/v1/{project_id}/sfs-turbo/jobs/{job_id}
//
// [New] makes one. It is safe for concurrent use: use one for all waits, so that they
// share connections. After four responses in a row of 500 and above the connection is
// replaced, in case the endpoint's name leads to another server now. Printing a Client
// shows no secret.
type Client struct {
	place
	named *project // to be looked up by name before the first poll; nil if the id was given

	// Funcs, because a dump of a value would show what a user's type holds.
	authorize func(context.Context, *http.Request) (report func(credential.Feedback) (again bool, err error), err error)
	do        func(*http.Request) (*http.Response, error)
	closeIdle func()

	failing *atomic.Int32 // responses of 500 and above in a row
	record  bool          // what is sent: see addsSecrets
}

// place is where jobs are: an endpoint and a project, by its id.
type place struct{ base, project string }

func (p place) job(id string) string {
	return p.base + "/v1/" + url.PathEscape(p.project) + "/sfs-turbo/jobs/" + url.PathEscape(id)
}

func (p place) asked() string { return p.base + ", project " + p.project }

// New returns a Client for the jobs of one project. The endpoint is a plain URL that may
// have a path, which is kept; see [Endpoint] for the public cloud's. It must begin with
// https://, unless it is on this machine's loopback or [WithPlainHTTP] is given.
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
	if err := s.checkProxy(base); err != nil {
		return nil, fmt.Errorf("poller: %w", err)
	}
	return newClient(s, place{base, projectID}), nil
}

func apply(to string, opts []Option) (settings, error) {
	s := settings{client: http.Client{Transport: newTransport()}, environment: true}
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

func newClient(s settings, p place) *Client {
	plain := s.client
	s.client.Transport = wire.Unfollowed{RoundTripper: s.client.Transport}
	if s.credential == nil {
		s.credential = none{}
	}
	return &Client{
		place:     p,
		authorize: credential.AsAttempter(s.credential).Attempt,
		do:        s.client.Do,
		closeIdle: plain.CloseIdleConnections,
		failing:   new(atomic.Int32),
		record:    addsSecrets(plain.Transport, p.base),
	}
}

// none leaves a request as it is.
type none struct{}

func (none) Authorize(context.Context, *http.Request) error { return nil }

// Poll asks once. If the service rejects the credential and it can be renewed, Poll
// renews it and asks once more. A request that gets no response is sent at most twice,
// over HTTP/2 as well: the second time is for a connection that had gone stale. Poll
// never follows a redirect, because the credential would go with it. A good response is a
// 200 for this job that has a status and is no longer than 1 MiB and 2,000 sub-jobs.
//
// The error is a [*credential.Error] if the request could not be authorized, otherwise an
// [*Error]. If there was no response, its StatusCode is 0 and it wraps the *url.Error of
// net/http. For a job id that [CheckID] refuses nothing is sent. [Classify] knows all of
// these errors. None of them holds the credential.
func (c *Client) Poll(ctx context.Context, jobID string) (Reply, error) {
	if err := CheckID(jobID); err != nil {
		return Reply{}, backoff.Permanent(err)
	}
	_, project, err := c.Project(ctx)
	if err != nil {
		return Reply{}, err
	}
	at, header := place{c.base, project}, ""
	if c.named != nil {
		header = project
	}
	var job status.Job
	var dropped string
	reply, err := c.get(ctx, call{at.job(jobID), at, header}, func(body []byte, secrets []string) (own bool, err error) {
		job, dropped, err = decode(body, jobID, secrets)
		redact(&job, secrets)
		return job.ID != "" || known(job.Status), err
	})
	if err != nil {
		return Reply{}, err
	}
	reply.Job, reply.Dropped = job, dropped
	return reply, nil
}

// call is a GET request.
type call struct {
	url string
	place
	header string // X-Project-Id; "" for none
}

// decoder reads the body of a good response. own is whether only the service can have sent it: a
// proxy, or a page that says whether a server is up, may have a status of its own.
type decoder func(body []byte, secrets []string) (own bool, err error)

// get asks. It asks once more if the credential was rejected and another one is there.
func (c *Client) get(ctx context.Context, what call, decode decoder) (Reply, error) {
	reply, again, err := c.attempt(ctx, what, decode, false)
	if !again {
		return reply, err
	}
	reply, _, secondErr := c.attempt(ctx, what, decode, true)
	if e, ok := errors.AsType[*credential.Error](secondErr); ok && e.Rejected {
		return Reply{}, err // there is only the credential that was rejected
	}
	return reply, secondErr
}

// headers are of each request.
var headers = [...]struct{ name, value string }{
	{"Accept", "application/json"},
	{"Content-Type", "application/json"},
	{"User-Agent", "sfsturbo-waiter (+https://github.com/sfsturbo/waiter)"},
}

func (c *Client) attempt(ctx context.Context, what call, decode decoder, last bool) (reply Reply, again bool, err error) {
	limited, sends := wire.LimitSends(ctx, c.record)
	defer sends.Close()
	r, err := http.NewRequestWithContext(limited, http.MethodGet, what.url, nil)
	if err != nil {
		return Reply{}, false, backoff.Permanent(err)
	}
	for i, h := range headers {
		sends.Values[i] = h.value
		r.Header[h.name] = sends.Values[i : i+1 : i+1]
	}
	if what.header != "" {
		r.Header.Set("X-Project-Id", what.header)
	}
	report, err := c.authorize(ctx, r)
	if err != nil {
		return Reply{}, false, unauthorized(err)
	}
	var said credential.Feedback
	defer func() { // even if a RoundTripper panics
		said.Last = last
		retry, failure := report(said)
		switch {
		case said.Result != credential.Rejected || last:
		case failure != nil:
			err = unrenewed(err, failure)
		default:
			again = retry
		}
	}()
	if r.Context() != limited { // a credential may replace the whole request
		r = r.WithContext(limited)
	}
	// Polls are closer together than any idle timeout, so a connection to a server that the name no
	// longer leads to would never close. The next poll after this one resolves the name again.
	r.Close = c.failing.Load()%4 == 3
	resp, err := c.do(r)
	if err != nil {
		return Reply{}, false, noResponse(what, sends.Secrets(r, nil), wire.SendError(limited, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode < 500 {
		c.failing.Store(0)
	} else {
		c.failing.Add(1)
	}
	date := wire.Date(resp.Header.Get("Date"))
	own := false
	reply, err = read(resp, what, func(body []byte, secrets []string) (err error) {
		own, err = decode(body, secrets)
		return err
	}, sends.Secrets(r, resp), date, time.Now())
	blameClock(err, r, date, time.Now())
	said = feedback(date, own, err)
	return reply, false, err
}

// CloseIdleConnections closes the connections that no poll is using. Call it when the
// Client has done its work; otherwise they close after 90 seconds. With [WithHTTPClient]
// these are the connections of that client's transport.
func (c *Client) CloseIdleConnections() { c.closeIdle() }

// String returns the URL of the jobs, without secrets.
func (c Client) String() string {
	if c.named != nil {
		return "poller.Client(" + c.base + "/v1/{" + c.named.name + "}/sfs-turbo/jobs/)"
	}
	return "poller.Client(" + c.job("") + ")"
}
