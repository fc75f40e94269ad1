package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http/httptrace"
	"net/url"
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

// Sends counts how often net/http sends one request. Over HTTP/2, net/http repeats a request
// that is refused, that is reset with PROTOCOL_ERROR, or that GOAWAY excludes, up to thousands
// of times in a few seconds (golang/go#52459). Over HTTP/1.1 it tries one idle connection after
// the other.
type Sends struct {
	ctx             context.Context
	cancel          context.CancelCauseFunc
	trace           httptrace.ClientTrace
	unanswered, all atomic.Int32
}

// LimitSends returns a context that ends instead of a third try to send the request that it is
// used for. A response sets the count back, so that a transport that repeats requests by itself
// still can. The context keeps the [httptrace.ClientTrace] of ctx. Call End when the response
// has been read.
func LimitSends(ctx context.Context) (context.Context, *Sends) {
	s := &Sends{}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.trace.GotConn = s.connected
	// It may be a hint, with status 103, before a reset. Got1xxResponse would tell the two apart,
	// but net/http does not limit hints for those who use it.
	s.trace.GotFirstResponseByte = func() { s.unanswered.Store(0) }
	return httptrace.WithClientTrace(s.ctx, &s.trace), s
}

// connected is called before each time that net/http sends the request.
func (s *Sends) connected(got httptrace.GotConnInfo) {
	all := s.all.Add(1)
	if s.unanswered.Add(1) <= maxUnanswered && all <= maxSends {
		return
	}
	s.cancel(repeated(all - 1))
	// Over HTTP/2 nothing is sent once the context has ended. HTTP/1.1 does not look at it
	// before it sends, but there the connection is this request's own.
	if c, ok := got.Conn.(*tls.Conn); !ok || c.ConnectionState().NegotiatedProtocol != "h2" {
		_ = got.Conn.Close()
	}
}

// Explain returns err, the error of [http.Client.Do]. If the limit ended the request, err says
// so instead of "context canceled".
func (s *Sends) Explain(err error) error {
	cause, limited := context.Cause(s.ctx).(repeated)
	if u, ok := errors.AsType[*url.Error](err); ok && limited {
		u.Err = cause
	}
	return err
}

// End releases what the context holds.
func (s *Sends) End() { s.cancel(nil) }
