// Package redirect keeps http.Client from following a redirect: what proves who you
// are would go with it.
package redirect

import "net/http"

// Unfollowed hides from http.Client where an answer points: so no redirect is
// followed, and the answer is kept even if what it points to is no URL. A custom
// CheckRedirect does the first only: http.Client parses the Location before.
type Unfollowed struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (u Unfollowed) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := u.RoundTripper.RoundTrip(r)
	if err != nil || resp == nil || resp.Header.Get("Location") == "" {
		return resp, err
	}
	hidden := *resp
	hidden.Header = resp.Header.Clone()
	hidden.Header[location] = hidden.Header["Location"]
	hidden.Header.Del("Location")
	return &hidden, nil
}

// location is where Unfollowed puts it. No answer has such a key: those that come
// over the wire begin with a capital.
const location = "location"

// Target returns where an answer that came through [Unfollowed] points; "" if
// nowhere.
func Target(resp *http.Response) string {
	//lint:ignore SA1008 the key is one that no answer over the wire has
	if target := resp.Header[location]; len(target) > 0 {
		return target[0]
	}
	return ""
}
