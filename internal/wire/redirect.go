package wire

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
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
	if _, isURL := errors.AsType[*url.Error](failure); isURL { // which quotes it, with its password
		return errors.New("the proxy's address is not a URL: percent-encode each special character in its user and its password")
	}
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

// noTarget is what PointsTo says about a redirect without a Location.
const noTarget = "a redirect without a target"

// PointsTo says where a response with a status of 300 to 399 leads: the host only, because a path
// or a query may hold a secret. It says nothing about 304, which is no redirect.
func PointsTo(resp *http.Response) string {
	target := RedirectTarget(resp)
	u, err := url.Parse(target)
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return ""
	case target == "":
		return noTarget
	case err != nil:
		return "a redirect to something that is not a URL"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "a redirect to a " + Line(u.Scheme, 32) + " URL"
	case u.Host == "":
		return "a redirect to another path of the same host"
	case u.Scheme == "http" && resp.TLS != nil:
		return "a redirect to " + Line(u.Host, 255) + ", without TLS"
	}
	return "a redirect to " + Line(u.Host, 255)
}

// RedirectHint says what to do about such a response that leads to where PointsTo says. The secret
// and the address are what the user calls them.
func RedirectHint(status int, pointsTo, secret, address string) string {
	switch {
	case status == http.StatusNotModified:
		return "a cache on the way responded, not the service, as if this client had a copy: take the " + address + " out of that cache"
	case status == http.StatusUseProxy:
		return "it wants to be asked through a proxy: set HTTPS_PROXY"
	case pointsTo == noTarget:
		return "this is hardly the service: check the " + address + " and the proxies on the way"
	}
	return "a redirect is never followed, because the " + secret + " would go with it: if it leads to the service, use its target as the " + address +
		"; if it leads to a login page, check the proxies on the way"
}
