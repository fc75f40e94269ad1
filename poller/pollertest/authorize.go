package pollertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// never is when a token of WithToken expires.
var never time.Time

func (s *Server) authorized(r *http.Request, body []byte, now time.Time) bool {
	token := r.Header.Get("X-Auth-Token")
	if token == "" {
		return s.signed(r, body, now)
	}
	until, known := s.tokens[sha256.Sum256([]byte(token))]
	if !known {
		return !s.choosy
	}
	return until.Equal(never) || now.Before(until)
}

// signed checks an access key's signature.
func (s *Server) signed(r *http.Request, body []byte, now time.Time) bool {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256 ")
	if !ok {
		return false
	}
	value := make(map[string]string)
	for field := range strings.SplitSeq(fields, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		value[name] = v
	}
	names := strings.Split(value["SignedHeaders"], ";")
	signature, err := hex.DecodeString(value["Signature"])
	date, dateErr := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
	if err != nil || dateErr != nil || len(signature) != sha256.Size || value["Access"] == "" ||
		!slices.Contains(names, "x-sdk-date") || now.Sub(date).Abs() > 15*time.Minute {
		return false
	}
	sign := s.keys[value["Access"]]
	if sign == nil {
		return !s.choosy
	}
	return hmac.Equal(signature, sign(toSign(r, names, body)))
}

// signer returns a closure, so that printing a Server shows no key.
func signer(secretKey string) func([]byte) []byte {
	return func(toSign []byte) []byte {
		mac := hmac.New(sha256.New, []byte(secretKey))
		mac.Write(toSign)
		return mac.Sum(nil)
	}
}

// toSign is the string that a client signs, as the API's guide to signing has it.
func toSign(r *http.Request, names []string, body []byte) []byte {
	digest := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	var path, headers strings.Builder
	for _, segment := range segments(r.URL.EscapedPath()) {
		path.WriteString("/" + escape(segment))
	}
	var query []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(query)
	for _, name := range names {
		v := r.Header.Get(name)
		if name == "host" { // net/http keeps it elsewhere
			v = r.Host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(v) + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, path.String() + "/", strings.Join(query, "&"), headers.String(), strings.Join(names, ";"), digest(body),
	}, "\n")
	return []byte("SDK-HMAC-SHA256\n" + r.Header.Get("X-Sdk-Date") + "\n" + digest([]byte(canonical)))
}

// escape leaves A-Z, a-z, 0-9 and -_.~ alone.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
