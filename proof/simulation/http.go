package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// HTTP returns the tier that runs the real waiter over the real client, transport and server, in a
// bubble of virtual time, which needs t. The wraps change the Poller, to show that the checks
// notice.
func HTTP(t *testing.T, wraps ...func(poller.Poller) poller.Poller) Tier {
	return func(c *Case) (trace *Trace) {
		var failure *panicked
		defer func() { // the bubble panics if goroutines are left that nothing can wake
			r := recover()
			switch {
			case failure != nil:
				panic(*failure)
			case r != nil && (trace == nil || trace.Leaked == ""):
				panic(r)
			}
		}()
		synctest.Test(t, func(*testing.T) {
			here := goroutines()
			s := begin(c, wraps...)
			failure = s.all()
			s.server.Close()
			synctest.Wait()
			trace = s.trace
			trace.Requests, trace.Leaked = s.requests(), trace.Leaked+here.left()
			if trace.Leaked != "" {
				time.Sleep(1000 * time.Hour) // goroutines that sleep may wake
			}
		})
		return trace
	}
}

// panicked is a panic in a bubble, with its place and the trace until then.
type panicked struct {
	trace *Trace
	value any
	stack []byte
}

// session is one case over HTTP. It is the waiter's Poller: it notes when each poll begins and
// ends, has the server respond as drawn, and lets the real client poll.
type session struct {
	c         *Case
	trace     *Trace
	wraps     []func(poller.Poller) poller.Poller
	server    *pollertest.Server
	polls     int
	delivered status.Job      // the checkpoint
	saved     waiter.Progress // by Step
	history   *pace.History   // as the last process stored it; nil: none

	// Of one life.
	run    *Run
	life   *Life
	client *poller.Client
	poller poller.Poller // the session itself, wrapped
	waiter *waiter.Waiter
	cancel context.CancelCauseFunc
}

var (
	errCrash   = errors.New("the process has died")
	errCause   = errors.New("a cause of its own")
	errRefused = errors.New("a limiter that refuses")
)

func begin(c *Case, wraps ...func(poller.Poller) poller.Poller) *session {
	s := &session{
		c: c, trace: &Trace{}, wraps: wraps, server: pollertest.New(identities()...),
		delivered: status.Job{ID: JobID}, saved: waiter.Progress{JobID: JobID},
	}
	s.server.Add(pollertest.Script{ID: JobID})
	if c.Options.History {
		s.history = taught(c.Options.Taught)
	}
	return s
}

// process makes what each life, which is a process, has for itself.
func (s *session) process() {
	endpoint, client := s.server.Memory()
	s.client = must(poller.New(endpoint, project, poller.WithCredential(s.c.Options.credential(endpoint, client)),
		poller.WithHTTPClient(&http.Client{Transport: way{client.Transport}})))
	s.poller = s
	for _, wrap := range s.wraps {
		s.poller = wrap(s.poller)
	}
	s.waiter = must(waiter.New(s.poller, s.options()...))
}

// requests returns how many polls the server saw.
func (s *session) requests() (n int) {
	for _, r := range s.server.Requests() {
		if r.Call == pollertest.Poll {
			n++
		}
	}
	return n
}

func (s *session) options() []waiter.Option {
	o := s.c.Options
	opts := []waiter.Option{
		waiter.WithPollTimeout(o.Timeout), waiter.WithNotFoundGrace(o.Grace), waiter.WithStallLimit(o.Stall),
	}
	if !o.Default {
		opts = append(opts,
			waiter.WithBackOff(func() backoff.BackOff { return &listed{delays: o.Progress} }),
			waiter.WithFailureBackOff(func() backoff.BackOff { return &listed{delays: o.Failure} }))
	}
	if s.history != nil {
		s.history = throughJSON(s.history)
		opts = append(opts, waiter.WithBackOff(s.history.BackOff))
	}
	if o.Strict {
		opts = append(opts, waiter.WithStrictSubJobs())
	}
	if o.Type != "" {
		opts = append(opts, waiter.WithJobType(o.Type))
	}
	if o.Overrule != nil {
		opts = append(opts, waiter.WithClassifier(o.classify))
	}
	if o.Limiter != nil {
		opts = append(opts, waiter.WithLimiter(o.Limiter))
	}
	return opts
}

// Poll implements [poller.Poller].
func (s *session) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	now := time.Since(Epoch)
	p := Poll{N: s.polls, Start: now, Response: s.c.Response(s.polls, now), Delivered: len(s.run.Delivered)}
	s.polls++
	if p.N == s.c.Polls-1 {
		last := time.AfterFunc(offCancel, func() { s.cancel(context.Canceled) })
		defer last.Stop()
	}
	if kinds[p.Response.Kind].local != nil {
		ctx = context.WithValue(ctx, lost{}, &p.Response)
	} else { // for each attempt: net/http and the credential may make a second one
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
			now := time.Since(Epoch)
			s.server.Fail(p.Response.rule(now, p.Response.Rejected && now == p.Start))
		}})
	}
	reply, err := s.client.Poll(ctx, jobID)
	p.End, p.RequestID = time.Since(Epoch), reply.RequestID
	if err == nil && !reply.ServerTime.Equal(p.Response.Date) {
		s.run.Wrong = append(s.run.Wrong, fmt.Sprintf("poll %d has the server's time %v, not %v", p.N, reply.ServerTime, p.Response.Date))
	}
	s.run.Polls = append(s.run.Polls, p)
	return reply, err
}

// rule returns what the server does with the request that arrives now, and with no other.
func (a *Response) rule(now time.Duration, reject bool) pollertest.Rule {
	k := kinds[a.Kind]
	if reject {
		k = kinds[rejected]
	}
	r := k.rule
	r.Call, r.From, r.Until, r.Times, r.Delay = pollertest.Poll, now, now+1, 1, a.Latency
	r.Header = http.Header{"Date": {a.Date.Format(http.TimeFormat)}}
	if r.Status/100 == 3 {
		r.Header["Location"] = []string{"/v1/" + project + "/sfs-turbo/jobs/" + JobID}
	}
	switch {
	case reject:
	case a.Odd != "":
		r.RetryAfter = a.Odd
	case a.RetryAfter > 0 && a.AsDate:
		r.RetryAfter = a.Date.Add(a.RetryAfter).Format(http.TimeFormat)
	case a.RetryAfter > 0:
		r.RetryAfter = strconv.Itoa(int(a.RetryAfter / time.Second))
	}
	switch {
	case reject:
	case a.Spelling != "":
		r.Raw = spell(a.Job, a.Spelling)
	case a.Job.Status != "":
		r.Edit = func(j *status.Job) {
			if *j = a.Job.Clone(); k.rule.Edit != nil {
				k.rule.Edit(j)
			}
		}
	}
	return r
}

// way is the connection to the server, on which a request may be lost.
type way struct{ http.RoundTripper }

type lost struct{}

func (w way) RoundTrip(r *http.Request) (*http.Response, error) {
	a, isLost := r.Context().Value(lost{}).(*Response)
	if !isLost {
		return w.RoundTripper.RoundTrip(r)
	}
	if err := pause(r.Context(), a.Latency); err != nil {
		return nil, err
	}
	return nil, kinds[a.Kind].local
}

// pause sleeps for d, or until ctx ends; then it returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// throughJSON encodes and decodes v, as a stored checkpoint is.
func throughJSON[T any](v T) T {
	var again T
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &again)
	}
	return must(again, err)
}
