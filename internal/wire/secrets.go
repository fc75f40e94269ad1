package wire

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// harmless are the headers of a request that hold no secret. Any other may hold one: credentials
// and transports of users send what they like.
var harmless = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
	"Content-Type", "Date", "Expect", "Host", "Pragma", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Via",
	"X-Domain-Id", "X-Language", "X-Project-Id", "X-Sdk-Content-Sha256", "X-Sdk-Date",
}

// ids end the names of headers with ids that services send back, so that logs can be matched.
var ids = []string{"request-id", "requestid", "correlation-id", "transaction-id"}

// addSecrets adds what no error may quote of a request to u with these headers. A header that only
// repeats a part of u, which is in the error anyway, is no secret.
func addSecrets(secrets []string, u *url.URL, h http.Header) []string {
	for name, values := range h {
		if isHarmless(name) {
			continue
		}
		for _, value := range values {
			if u != nil && (strings.Contains(u.Host, value) || strings.Contains(u.Path, value)) {
				continue
			}
			secrets = addSecretsIn(secrets, name, value)
		}
	}
	return secrets
}

func isHarmless(name string) bool {
	switch {
	case name == "X-Auth-Token": // in nearly every request
		return false
	case slices.Contains(harmless, name):
		return true
	}
	name = strings.ToLower(name)
	return strings.Contains(name, "trace") || slices.ContainsFunc(ids, func(id string) bool { return strings.HasSuffix(name, id) })
}

func addSecretsIn(secrets []string, name, value string) []string {
	last := value[strings.LastIndexByte(value, ' ')+1:] // without the scheme's name, which is no secret
	switch name {
	case "Authorization", "Proxy-Authorization":
		secrets = addSecret(secrets, strings.TrimPrefix(last, "Signature="))
		for field := range strings.SplitSeq(value, " ") {
			if key, quoted, ok := strings.Cut(field, `="`); ok && (key == "response" || key == "signature") {
				secrets = addSecret(secrets, strings.Trim(quoted, `",`))
			}
		}
		if scheme := strings.TrimSpace(strings.TrimSuffix(value, last)); strings.EqualFold(scheme, "Basic") {
			plain, _ := base64.StdEncoding.DecodeString(last) // up to where it is no base64
			_, password, _ := strings.Cut(string(plain), ":")
			secrets = addSecret(secrets, password)
		}
	case "Cookie":
		for pair := range strings.SplitSeq(value, ";") {
			_, value, _ := strings.Cut(pair, "=")
			secrets = addSecret(secrets, strings.Trim(strings.TrimSpace(value), `"`))
		}
	default:
		secrets = addSecret(addSecret(secrets, value), last)
	}
	return secrets
}

func addSecret(secrets []string, secret string) []string {
	if len(secret) < shortestSecret || slices.Contains(secrets, secret) {
		return secrets
	}
	return append(secrets, secret)
}

// wrote is an [httptrace.ClientTrace.WroteHeaderField]: it sees also what a transport of the user's
// has added.
func (s *Sends) wrote(name string, values []string) {
	name = http.CanonicalHeaderKey(name) // HTTP/2 has lower case
	if strings.HasPrefix(name, ":") || isHarmless(name) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.header == nil {
		s.header = make(http.Header)
	}
	s.header[name] = append(s.header[name], values...)
}

// Secrets returns what no error may quote of the request r, which was sent, and of what was sent
// for it. The response is nil if there was none. Call it once.
func (s *Sends) Secrets(r *http.Request, resp *http.Response) []string {
	secrets := addSecrets(s.usual[:0], r.URL, r.Header)
	if resp != nil && resp.Request != nil && resp.Request != r {
		secrets = addSecrets(secrets, r.URL, resp.Request.Header)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return addSecrets(secrets, r.URL, s.header)
}
