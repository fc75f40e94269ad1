package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const project = "0970dd7a1300f5672ff2c003c60ae115"

// service is a service and the Poller that asks it.
type service struct {
	*pollertest.Server
	poller poller.Poller
	soon   time.Duration // how long after its context's end a poll may return

	mu   sync.Mutex
	sent []string         // the credentials that requests carried
	echo http.HandlerFunc // responds instead of the Server; nil if it does not
}

func start(t *testing.T, newPoller New, soon time.Duration) *service {
	t.Helper()
	s := &service{Server: pollertest.New(), soon: soon}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	t.Cleanup(s.Close) // first: it ends the requests that hang
	s.poller = newPoller(t, listening.URL, project, listening.Client())
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	for _, name := range []string{"X-Auth-Token", "X-Security-Token", "Authorization"} {
		if value := r.Header.Get(name); value != "" {
			_, signature, signed := strings.Cut(value, "Signature=")
			if signed {
				value = signature
			}
			s.sent = append(s.sent, value)
		}
	}
	echo := s.echo
	s.mu.Unlock()
	if echo != nil {
		echo(w, r)
		return
	}
	s.Server.ServeHTTP(w, r)
}

// secrets are the credentials that requests carried.
func (s *service) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// respond makes the service respond with h, which gets what the request carried.
func (s *service) respond(h func(w http.ResponseWriter, secret string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = nil
	s.echo = func(w http.ResponseWriter, _ *http.Request) { h(w, strings.Join(s.secrets(), " ")) }
}

var errLate = errors.New("it did not return")

// poll polls for at most limit. A poll that does not return soon after that is errLate.
func (s *service) poll(limit time.Duration, id string) (poller.Reply, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	type result struct {
		reply poller.Reply
		err   error
	}
	done := make(chan result, 1)
	go func() {
		reply, err := s.poller.Poll(ctx, id)
		done <- result{reply, err}
	}()
	select {
	case r := <-done:
		return r.reply, r.err
	case <-time.After(limit + s.soon):
		return poller.Reply{}, errLate
	}
}

// usual is longer than any response takes.
const usual = 10 * time.Second

// get polls a job that the service responds with.
func (s *service) get(job status.Job) (poller.Reply, error) {
	id := s.Add(pollertest.Script{ID: job.ID, Type: job.Type, Steps: []pollertest.Step{{Job: job}}})
	reply, err := s.poll(usual, id)
	if err != nil {
		return reply, fmt.Errorf("a good response with status %q is an error: %w", job.Status, err)
	}
	if reply.Job.ID != "" && !status.SameID(reply.Job.ID, id) {
		return reply, fmt.Errorf("asked for job %q, got %q", id, reply.Job.ID)
	}
	return reply, nil
}

// fault polls a job under a rule, and checks the verdict and that the Poller asked once.
func (s *service) fault(name string, r pollertest.Rule, want poller.Verdict) error {
	requests := len(s.Requests())
	id := s.Add(pollertest.Script{})
	r.JobID, r.Raw = id, strings.ReplaceAll(r.Raw, "{id}", id)
	s.Fail(r)
	_, err := s.poll(usual, id)
	switch got := poller.Classify(err); {
	case err == nil:
		return fmt.Errorf("%s: no error", name)
	case errors.Is(err, errLate):
		return fmt.Errorf("%s: %w", name, err)
	case got != want:
		return fmt.Errorf("%s: the verdict is %v, want %v: %w", name, got, want, err)
	}
	most := 1
	if r.Status == http.StatusUnauthorized {
		most = 2
	}
	if r.Break == pollertest.Reset || r.Break == pollertest.Truncate { // net/http repeats such a GET
		most = 2
	}
	if asked := len(s.Requests()) - requests; asked < 1 || asked > most {
		return fmt.Errorf("%s: one poll made %d requests, want 1 to %d", name, asked, most)
	}
	return nil
}

// faults checks several rules that have the same verdict.
func faults(want poller.Verdict, rules map[string]pollertest.Rule) func(*service) error {
	return func(s *service) error {
		var all []error
		for name, r := range rules {
			all = append(all, s.fault(name, r, want))
		}
		return errors.Join(all...)
	}
}
