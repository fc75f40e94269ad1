package wire

import "net/http"

// Unfollowed is a transport whose redirects http.Client does not follow, because the
// credential would go with them: it hides the Location header. The response survives
// even if its Location is not a URL. With a CheckRedirect it would not: http.Client
// parses the Location before.
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
