package wire

import (
	"crypto/tls"
	"errors"
	"net/http"
)

// Unfollowed is a transport whose redirects http.Client does not follow, because the
// credential would go with them: it hides the Location header. The response survives
// even if its Location is not a URL. With a CheckRedirect it would not: http.Client
// parses the Location before. An error of a request that went through a proxy becomes a
// [ProxyError].
type Unfollowed struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (u Unfollowed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := u.RoundTripper.RoundTrip(r)
	if err != nil {
		return resp, u.proxied(r, err)
	}
	if resp == nil || resp.Header.Get("Location") == "" {
		return resp, err
	}
	hidden := *resp
	hidden.Header = resp.Header.Clone()
	hidden.Header[location] = hidden.Header["Location"]
	hidden.Header.Del("Location")
	return &hidden, nil
}

func (u Unfollowed) proxied(r *http.Request, err error) error {
	if _, done := errors.AsType[*ProxyError](err); done {
		return err
	}
	if _, plain := err.(tls.RecordHeaderError); plain { //nolint:errorlint // http.Client asks like this, and says what it means
		return err
	}
	t, ok := u.RoundTripper.(*http.Transport)
	if !ok || t.Proxy == nil {
		return err
	}
	proxy, failure := t.Proxy(r)
	if failure != nil || proxy == nil {
		return err
	}
	if text := Text(err); Redact(text, passwordOf(proxy)...) != text {
		err = errors.New(Redact(text, passwordOf(proxy)...))
	}
	return &ProxyError{Proxy: proxy.Host, Err: err}
}

// location is where Unfollowed keeps the Location. No response has this key: keys that
// come over the wire begin with a capital.
const location = "location"

// RedirectTarget returns the Location of a response that came through [Unfollowed]; ""
// if it has none.
func RedirectTarget(resp *http.Response) string {
	//lint:ignore SA1008 no response over the wire has this key
	if target := resp.Header[location]; len(target) > 0 {
		return target[0]
	}
	return ""
}
