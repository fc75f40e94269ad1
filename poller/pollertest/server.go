package pollertest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is the job service. It is an [http.Handler] and safe for concurrent use. It
// holds no goroutine before [Server.Start] or [Server.Memory]. It holds no secret, so
// printing it shows none.
type Server struct {
	project     string // "" if any is served
	projectName string
	choosy      bool // accepts only the credentials below
	began       time.Time
	closed      chan struct{}
	end         func() // closes closed, once

	mu       sync.Mutex                  // never held while waiting for anything
	keys     map[string]*signingKey      // by access key
	tokens   map[[sha256.Size]byte]grant // by digest
	issued   int                         // tokens
	jobs     map[string]*job             // by key(id)
	made     int                         // ids
	busy     map[string]string           // by project and share: the key of its latest job
	bound    map[place]binding
	scripts  map[string]Script // by job type
	rules    []*rule
	requests []Request
	port     string // the endpoints, once listening
	memory   string
	client   *http.Client
	stops    []func()
}

// New returns a service without jobs. Its age, which a [Rule] may refer to, counts from
// here. If you start it, close it.
func New(opts ...Option) *Server {
	s := &Server{
		keys:    make(map[string]*signingKey),
		began:   time.Now(),
		closed:  make(chan struct{}),
		tokens:  make(map[[sha256.Size]byte]grant),
		jobs:    make(map[string]*job),
		busy:    make(map[string]string),
		bound:   make(map[place]binding),
		scripts: make(map[string]Script),
	}
	s.end = sync.OnceFunc(func() { close(s.closed) })
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Request is a request that arrived, and the response to it. It holds no credential.
type Request struct {
	Method     string
	Path       string    // as on the wire: percent-escaped, without the query
	Call       Call      // "" if the service has no such call
	JobID      string    // the job that it asked for, unescaped, or that it started; otherwise ""
	At         time.Time // when it arrived
	RequestID  string    // in the response
	Authorized bool      // its credential was one that the server accepts
	Status     int       // of the response; 0 until it is sent
}

// Requests returns every request so far, in the order of arrival. The slice is
// the caller's own.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

const maxBody = 1 << 20 // of a request

// ServeHTTP responds as the service would, or as a [Rule] says. To break a connection that
// it can't hijack, it panics with [http.ErrAbortHandler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Reading it all first lets net/http notice when the client gives up. A body that can't
	// be read is refused later, because it is not a JSON object.
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	n, rule, a := s.handle(r, body)
	if rule.Edit != nil && a.job != nil {
		rule.Edit(a.job)
	}
	a.finish(rule)
	s.send(w, r, a, rule, n)
}

// handle does, under one lock, all that happens when a request arrives. It returns the
// request's number, the rule that applies, and the response.
func (s *Server) handle(r *http.Request, body []byte) (int, Rule, response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, asked, n := time.Now(), route(r), len(s.requests)
	cred := s.check(r, body, now)
	q := Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Call: asked.call, JobID: asked.job, At: now,
		RequestID: fmt.Sprintf("%032x", n+1), Authorized: cred.refusal == "",
	}
	rule := s.match(asked, now.Sub(s.began))
	a := response{requestID: q.RequestID, at: now, ofIAM: asked.call.ofIAM()}
	if rule.replaces() {
		a.replace(rule)
	} else {
		s.serve(&a, &q, asked, cred, body)
	}
	s.requests = append(s.requests, q)
	return n, rule, a
}

// serve responds as the service itself.
func (s *Server) serve(a *response, q *Request, asked call, cred credential, body []byte) {
	switch {
	case asked.call == "" && asked.allow == nil:
		a.fail(http.StatusNotFound, Gateway, "APIGW.0101", noSuchAPI)
	case asked.call == "": // for the gateway, the method is part of the API
		a.fail(http.StatusMethodNotAllowed, Gateway, "APIGW.0101", noSuchAPI)
		a.header = http.Header{"Allow": {strings.Join(asked.allow, ", ")}}
	case asked.call == IssueToken:
		s.issue(a, asked, body)
	case !cred.use(a.at):
		a.fail(http.StatusUnauthorized, Gateway, "APIGW.0301", cred.refusal)
	case asked.call.ofIAM():
		s.list(a, asked, cred.grant)
	case s.project != "" && asked.project != s.project, !cred.grant.allows(asked.project):
		a.fail(http.StatusForbidden, Service, "SFS.TURBO.9000", "no permission for this project")
	case asked.call == Poll:
		s.poll(a, asked)
	case asked.call == Show:
		s.show(a, asked)
	default:
		s.submit(a, q, asked, body)
	}
}

const noSuchAPI = "The API does not exist or has not been published in the environment."

func (s *Server) responded(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[n].Status = status
}
