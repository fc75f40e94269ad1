package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
)

// How often net/http may send one request.
const (
	maxUnanswered = 2  // in a row: the second is for a connection that had gone stale
	maxSends      = 10 // in all, by a transport that repeats a request after a response
)

// repeated is the error of a request that was sent so often.
type repeated int32

func (n repeated) Error() string {
	return fmt.Sprintf("the request was sent %d times without a usable response: each time the connection was closed, "+
		"or the HTTP/2 stream was refused or reset", int32(n))
}

// LimitSends returns a context that ends instead of a third try to send the request that it is
// used for. Over HTTP/2, net/http repeats a request that is refused, that is reset with
// PROTOCOL_ERROR, or that GOAWAY excludes, up to thousands of times in a few seconds
// (golang/go#52459). Over HTTP/1.1 it tries one idle connection after the other.
//
// A response sets the count back, so that a transport that repeats requests by itself still can.
// The context keeps the [httptrace.ClientTrace] of ctx. record is whether to keep the headers that
// are sent, for [Sends.Secrets]. Call [Sends.Close] when the response has been read.
func LimitSends(ctx context.Context, record bool) (limited context.Context, s *Sends) {
	limited, cancel := context.WithCancelCause(ctx)
	s = &Sends{cancel: cancel}
	if record {
		s.trace.WroteHeaderField = s.wrote
	}
	s.trace.GotConn = s.connected
	s.trace.GotFirstResponseByte = s.answered
	return httptrace.WithClientTrace(limited, &s.trace), s
}

// Sends counts how often net/http sends one request, and keeps what it sends.
type Sends struct {
	trace           httptrace.ClientTrace
	cancel          context.CancelCauseFunc
	unanswered, all atomic.Int32

	mu     sync.Mutex
	header http.Header
	usual  [1]string // memory for the one secret that most requests have

	// Values is memory for the values of headers, which only this request may have: a credential or
	// a transport may change them in place.
	Values [3]string
}

// Close ends the context.
func (s *Sends) Close() { s.cancel(nil) }

// connected is called before each time that net/http sends the request. Over HTTP/2 nothing is
// sent once the context has ended, and over HTTP/1.1 the connection is closed.
func (s *Sends) connected(httptrace.GotConnInfo) {
	all := s.all.Add(1)
	if s.unanswered.Add(1) > maxUnanswered || all > maxSends {
		s.cancel(repeated(all - 1))
	}
}

// answered is called with the first byte of a response. It may be of a hint, with status 103, that
// a reset follows. Got1xxResponse would tell it from a response, but net/http does not limit hints
// where that is set.
func (s *Sends) answered() { s.unanswered.Store(0) }

// SendError returns err, the error of [http.Client.Do]. If the limit ended the request, err says
// so instead of "context canceled".
func SendError(limited context.Context, err error) error {
	u, failed := errors.AsType[*url.Error](err)
	if n, ok := errors.AsType[repeated](context.Cause(limited)); ok && failed {
		u.Err = n
	}
	return err
}
