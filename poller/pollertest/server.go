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

// Server is the job service. It is an [http.Handler], and safe for concurrent use.
// It holds no goroutine before [Server.Start] or [Server.Memory], and no secret
// ever: printing one shows none.
type Server struct {
	project     string // "" if any is served
	projectName string
	choosy      bool // only the credentials below are good
	began       time.Time
	closed      chan struct{}
	end         func() // closes closed, once

	mu       sync.Mutex                      // never held while waiting for anything
	keys     map[string]*signingKey          // by access key
	tokens   map[[sha256.Size]byte]time.Time // by digest: good until
	issued   int
	jobs     map[string]*job   // by key(id)
	made     int               // ids
	busy     map[string]string // by project and share: the key of its latest job
	scripts  map[string]Script // by job type
	rules    []*rule
	requests []Request
	port     string // the endpoints, once listening
	memory   string
	client   *http.Client
	stops    []func()
}

// New returns a service without jobs. Its age, which [Rule] has a window for,
// counts from here. Close it if you start it.
func New(opts ...Option) *Server {
	s := &Server{
		keys:    make(map[string]*signingKey),
		began:   time.Now(),
		closed:  make(chan struct{}),
		tokens:  make(map[[sha256.Size]byte]time.Time),
		jobs:    make(map[string]*job),
		busy:    make(map[string]string),
		scripts: make(map[string]Script),
	}
	s.end = sync.OnceFunc(func() { close(s.closed) })
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Request is a request that came, and what became of it. It holds no credential.
type Request struct {
	Method     string
	Path       string    // as on the wire: percent-escaped, without the query
	Call       Call      // "" if the service has no such call
	JobID      string    // that it asked for, unescaped; or that it started; else ""
	At         time.Time // of its arrival
	RequestID  string    // that the answer carries
	Authorized bool      // it carried a credential that the server accepts
	Status     int       // of the answer; 0 as long as none has been sent
}

// Requests returns every request so far, in the order of arrival. The slice is
// the caller's own.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

const maxBody = 1 << 20 // of a request

// ServeHTTP answers as the service would, or as a [Rule] says. A broken
// connection is a panic with [http.ErrAbortHandler] where w can't be hijacked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Reading it all first lets net/http notice when the client gives up. What can't
	// be read is no JSON object either.
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	n, rule, a := s.handle(r, body)
	if rule.Edit != nil && a.job != nil {
		rule.Edit(a.job)
	}
	a.finish(rule)
	s.send(w, r, a, rule, n)
}

// handle does all that happens on arrival, in one piece. It returns the request's
// number, and what to do.
func (s *Server) handle(r *http.Request, body []byte) (int, Rule, answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, asked, n := time.Now(), route(r.Method, r.URL), len(s.requests)
	cred := s.check(r, body, now)
	q := Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Call: asked.call, JobID: asked.job, At: now,
		RequestID: fmt.Sprintf("%032x", n+1), Authorized: cred.refusal == "",
	}
	rule := s.match(asked, now.Sub(s.began))
	a := answer{requestID: q.RequestID, at: now}
	if rule.replaces() {
		a.replace(rule)
	} else {
		s.serve(&a, &q, asked, cred, body)
	}
	s.requests = append(s.requests, q)
	return n, rule, a
}

// serve is the service itself.
func (s *Server) serve(a *answer, q *Request, asked call, cred credential, body []byte) {
	switch {
	case asked.call == "" && asked.allow == nil:
		a.fail(http.StatusNotFound, Gateway, "APIGW.0101", noSuchAPI)
	case asked.call == "": // to the gateway a method is part of an API
		a.fail(http.StatusMethodNotAllowed, Gateway, "APIGW.0101", noSuchAPI)
		a.header = http.Header{"Allow": {strings.Join(asked.allow, ", ")}}
	case asked.call == IssueToken:
		s.issue(a, body)
	case !cred.use(a.at):
		a.fail(http.StatusUnauthorized, Gateway, "APIGW.0301", cred.refusal)
	case asked.call == ListProjects:
		s.listProjects(a, asked.name)
	case s.project != "" && asked.project != s.project:
		a.fail(http.StatusForbidden, Service, "SFS.TURBO.9000", "no permission for this project")
	case asked.call == Poll:
		s.poll(a, asked)
	default:
		s.submit(a, q, asked, body)
	}
}

const noSuchAPI = "The API does not exist or has not been published in the environment."

func (s *Server) answered(n, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[n].Status = status
}
