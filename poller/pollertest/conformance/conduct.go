package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func redirects(s *service) error {
	var reached atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		_, _ = w.Write([]byte(`{"status":"success"}`))
	}))
	defer elsewhere.Close()
	var all []error
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := pollertest.Rule{Status: code, Header: http.Header{"Location": {elsewhere.URL + "/login"}}}
		all = append(all, s.fault(fmt.Sprintf("a %d", code), r, poller.Permanent))
	}
	if n := reached.Load(); n > 0 {
		all = append(all, fmt.Errorf("%d redirects were followed", n))
	}
	return errors.Join(all...)
}

var hangs = rules{"no response": {Break: pollertest.Hang}, "half a response": {Break: pollertest.Hang, After: 9}}

func contextEnd(s *service) error {
	var all []error
	for name, r := range hangs {
		id := s.Add(pollertest.Script{})
		r.JobID = id
		s.Fail(r)
		_, err := s.poll(200*time.Millisecond, id)
		switch {
		case err == nil:
			all = append(all, fmt.Errorf("%s: no error", name))
		case errors.Is(err, errLate):
			all = append(all, fmt.Errorf("%s: it did not return within %v of its context's end", name, s.soon))
		case poller.Classify(err) != poller.Passing:
			all = append(all, fmt.Errorf("%s: the verdict is %v, want %v: %w", name, poller.Classify(err), poller.Passing, err))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.poller.Poll(ctx, s.Add(pollertest.Script{})); err == nil {
		all = append(all, errors.New("a context that had ended before the poll: no error"))
	}
	return errors.Join(all...)
}

func concurrentUse(s *service) error {
	var mu sync.Mutex
	var all []error
	var polls sync.WaitGroup
	for n := range 50 {
		polls.Go(func() {
			kind := fmt.Sprintf("type-%d", n)
			reply, err := s.get(status.Job{Type: kind, Status: status.Running})
			if err == nil && reply.Job.Type != kind {
				err = fmt.Errorf("one poll got the job of another: %q, want %q", reply.Job.Type, kind)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, err)
		})
	}
	polls.Wait()
	return errors.Join(all...)
}

func noSecret(s *service) error {
	var all []error
	for name, h := range map[string]func(w http.ResponseWriter, secret string){
		"an error's message": func(w http.ResponseWriter, secret string) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"errCode":"SFS.TURBO.9000","errMsg":"bad token %s"}`, secret)
		},
		"another job's id": func(w http.ResponseWriter, secret string) {
			_, _ = fmt.Fprintf(w, `{"job_id":%q,"status":"running"}`, secret)
		},
		"a page": func(w http.ResponseWriter, secret string) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = fmt.Fprintf(w, "<html><title>%s</title></html>", secret)
		},
		"no JSON": func(w http.ResponseWriter, secret string) { _, _ = fmt.Fprint(w, secret) },
		"a redirect": func(w http.ResponseWriter, secret string) {
			w.Header().Set("Location", "/login?token="+strings.ReplaceAll(secret, " ", "+"))
			w.WriteHeader(http.StatusFound)
		},
	} {
		s.respond(h)
		_, err := s.poll(usual, "26f6b565")
		for _, secret := range s.secrets() {
			if len(secret) >= 16 && holds(err, secret[:16]) {
				all = append(all, fmt.Errorf("%s: the error holds the credential that the service echoed", name))
			}
		}
	}
	return errors.Join(all...)
}

// holds reports whether a text of the error, or of one that it wraps, has the secret.
func holds(err error, secret string) bool {
	if err == nil {
		return false
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // looks at each
	case interface{ Unwrap() error }:
		return holds(e.Unwrap(), secret)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if holds(inner, secret) {
				return true
			}
		}
	}
	return false
}
