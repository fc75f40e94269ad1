package wire

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	dialTimeout    = 10 * time.Second
	maxHeaderBytes = 256 << 10 // a token has several thousand
)

// NewTransport returns a transport like [http.DefaultTransport], for polls and for IAM. It gives a
// dial 10 s: net/http goes on dialing after the request's context has ended, by default for 30 s,
// and counts that as a connection. It names a proxy that refuses to connect.
func NewTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		t = standard.Clone()
	}
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return dial(ctx, network, address)
	}
	t.MaxResponseHeaderBytes = maxHeaderBytes
	if t.OnProxyConnectResponse == nil {
		t.OnProxyConnectResponse = connected
	}
	return t
}

// connected returns the error for a CONNECT that a proxy refused, where net/http says only
// "Forbidden". It is a [backoff.PermanentError] unless the status says that trying again may help.
func connected(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	status := resp.StatusCode
	if status == http.StatusOK {
		return nil
	}
	err := &ProxyError{Proxy: proxy.Host, Refusal: Redact(resp.Status, passwordOf(proxy)...)}
	switch {
	case status < 300, status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return err
	}
	return backoff.Permanent(err)
}

// passwordOf returns a proxy's password, alone and as it is sent.
func passwordOf(proxy *url.URL) []string {
	password, _ := proxy.User.Password()
	return []string{password, base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))}
}

// ProxyError is the error of a request that went to a proxy, and got no response from the service.
// It holds no password.
type ProxyError struct {
	Proxy   string // its host and port
	Refusal string // the status of its response to CONNECT; "" if it did not refuse
	Err     error  // why there was no response, if it did not refuse
}

func (e *ProxyError) Error() string {
	const advice = "check HTTPS_PROXY and NO_PROXY"
	switch {
	case e.Refusal != "":
		return fmt.Sprintf("the proxy %s responded with %q: %s", e.Proxy, Line(e.Refusal, 128), e.hintRefused(advice))
	case e.Unreached():
		return fmt.Sprintf("the proxy %s can't be reached: %s: %s", e.Proxy, Text(e.Err), advice)
	}
	return fmt.Sprintf("through the proxy %s: %s", e.Proxy, Text(e.Err))
}

// hintRefused says what to do about a refusal.
func (e *ProxyError) hintRefused(otherwise string) string {
	status, _, _ := strings.Cut(e.Refusal, " ")
	switch status {
	case "401", "407":
		return "it wants a user and a password: put the right ones into HTTPS_PROXY, or this host into NO_PROXY"
	case "403":
		return "it does not let requests to this host through: have it allow the host, or put the host into NO_PROXY"
	case "502", "503", "504":
		return "it does not reach this host: if this persists, check the host, or put it into NO_PROXY"
	}
	return otherwise
}

// Unreached reports whether there was no connection to the proxy itself.
func (e *ProxyError) Unreached() bool {
	op, ok := e.Err.(*net.OpError) //nolint:errorlint // not one that is wrapped: it may be of the way behind the proxy
	return ok && op.Op == "proxyconnect"
}

// Unwrap returns Err.
func (e *ProxyError) Unwrap() error { return e.Err }

// Timeout is for [url.Error], which asks only the error that it holds.
func (e *ProxyError) Timeout() bool {
	t, ok := e.Err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}
