package poller

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/sfsturbo/waiter/poller/credential"
)

// Option configures a [Client]. [New] checks each.
type Option func(*settings) error

type settings struct {
	credential credential.Credential
	client     http.Client
	plainHTTP  bool

	environment bool // the transport uses the environment's proxy
}

// WithCredential authorizes each request with c. Without it, requests are sent as they
// are, for an http.Client that authorizes them itself. If c is a
// [credential.Attempter], it learns what each response says about it.
func WithCredential(c credential.Credential) Option {
	return func(s *settings) error {
		if isNil(c) {
			return errors.New("poller: WithCredential was given nil: give it a credential, such as credential.Token")
		}
		s.credential = c
		return nil
	}
}

// WithHTTPClient sends requests through a copy of c, with its transport, cookies and
// timeout. Redirects are not followed, whatever its CheckRedirect says. What its transport
// adds to a request is in no error either, unless it is in the URL too.
//
// The default is a transport of the Client's own: it uses the environment's proxy, opens at
// most 64 connections, gives a dial 10 s and a TLS handshake 10 s, and has no other timeout
// than the context's. If a proxy refuses to connect, it is named, and its 3xx or 4xx is
// [Permanent]; with a transport of yours that has no OnProxyConnectResponse, net/http does
// not say what the proxy's status was.
//
// It also sends pings over HTTP/2, which an [http.Transport] does not do by itself. Without
// them a connection that no longer leads anywhere stays in use: each later poll times out
// on it, until TCP gives it up. So set HTTP2 in a transport of your own:
//
//	HTTP2: &http.HTTP2Config{SendPingTimeout: 8 * time.Second, PingTimeout: 4 * time.Second}
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("poller: WithHTTPClient was given nil: leave it out for the default")
		}
		if c.Transport != nil && isNil(c.Transport) {
			return fmt.Errorf("poller: WithHTTPClient was given a client whose Transport is a nil %T", c.Transport)
		}
		s.client, s.environment = *c, c.Transport == nil
		if c.Transport == nil {
			s.client.Transport = http.DefaultTransport
		}
		return nil
	}
}

// WithPlainHTTP allows an endpoint that begins with http://. The token is then sent in
// the clear. This machine's loopback is allowed without it.
func WithPlainHTTP() Option {
	return func(s *settings) error {
		s.plainHTTP = true
		return nil
	}
}

// isNil reports whether v is nil or an interface that holds a nil pointer or func.
func isNil(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	default:
		return false
	}
}
