package pollertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// never is when a token of WithToken expires.
var never time.Time

// The gateway's messages for credentials that it refuses, as its pages about APIGW.0301 and
// its users quote them.
const (
	noCredential     = "Incorrect IAM authentication information"
	badToken         = noCredential + ": decrypt token fail"
	expiredToken     = noCredential + ": token expires"
	unknownKey       = noCredential + ": Get secretKey failed,err:ak not exist"
	badSignature     = noCredential + ": verify aksk signature fail"
	expiredSignature = noCredential + ": calc ak sk signature fail:signature expired"
	lockedKey        = noCredential + ": AK access failed to reach the limit,forbidden"
)

const (
	signatureLife = 15 * time.Minute // either way
	mayFail       = 5                // refused requests in a row
	lockedFor     = 5 * time.Minute
)

// credential is what the gateway knows about a request's credential.
type credential struct {
	refusal string      // why it is refused; "" if it is good
	key     *signingKey // that a refusal counts for, or nil
}

// use reports whether the credential is good, and counts it.
func (c credential) use(now time.Time) bool {
	good := c.refusal == ""
	switch k := c.key; {
	case k == nil:
	case good:
		k.failed = 0
	case k.failed == mayFail:
		k.failed, k.locked = 0, now.Add(lockedFor)
	default:
		k.failed++
	}
	return good
}

// signingKey is a key of WithAccessKey or WithTemporaryKey.
type signingKey struct {
	sign   func(toSign []byte) []byte
	token  *[sha256.Size]byte // a temporary key's: the digest of its security token
	failed int                // refused requests in a row
	locked time.Time          // until then
}

func (s *Server) check(r *http.Request, body []byte, now time.Time) credential {
	token := r.Header.Get("X-Auth-Token")
	if token == "" {
		return s.signed(r, body, now)
	}
	switch until, known := s.tokens[sha256.Sum256([]byte(token))]; {
	case !known && s.choosy:
		return credential{refusal: badToken}
	case known && !until.Equal(never) && !now.Before(until):
		return credential{refusal: expiredToken}
	}
	return credential{}
}

// signed checks an access key's signature.
func (s *Server) signed(r *http.Request, body []byte, now time.Time) credential {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256 ")
	if !ok {
		return credential{refusal: noCredential}
	}
	value := make(map[string]string)
	for field := range strings.SplitSeq(fields, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		value[name] = v
	}
	names := strings.Split(value["SignedHeaders"], ";")
	signature, err := hex.DecodeString(value["Signature"])
	date, dateErr := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
	k := s.keys[value["Access"]]
	switch {
	case k == nil && s.choosy:
		return credential{refusal: unknownKey}
	case k != nil && now.Before(k.locked):
		return credential{refusal: lockedKey}
	case err != nil || dateErr != nil || len(signature) != sha256.Size || value["Access"] == "" ||
		!slices.Contains(names, "x-sdk-date"):
		return credential{badSignature, k}
	case now.Sub(date).Abs() > signatureLife:
		return credential{expiredSignature, k}
	case k == nil:
		return credential{}
	case !hmac.Equal(signature, k.sign(toSign(r, names, body))):
		return credential{badSignature, k}
	case k.token != nil && (!slices.Contains(names, "x-security-token") ||
		sha256.Sum256([]byte(r.Header.Get("X-Security-Token"))) != *k.token):
		return credential{badToken, k}
	}
	return credential{key: k}
}

// signer returns a closure: printing a Server shows nothing that it holds.
func signer(secretKey string) func([]byte) []byte {
	return func(toSign []byte) []byte {
		mac := hmac.New(sha256.New, []byte(secretKey))
		mac.Write(toSign)
		return mac.Sum(nil)
	}
}

// toSign returns the string that a client signs, by the API's guide to signing.
func toSign(r *http.Request, names []string, body []byte) []byte {
	digest := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	var path, headers strings.Builder
	for _, segment := range segments(r.URL.EscapedPath()) {
		path.WriteString("/" + escape(segment))
	}
	values := r.URL.Query()
	var query []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		slices.Sort(values[name])
		for _, v := range values[name] {
			query = append(query, escape(name)+"="+escape(v))
		}
	}
	for _, name := range names {
		v := r.Header.Get(name)
		if name == "host" { // net/http does not keep it in Header
			v = r.Host
		}
		headers.WriteString(name + ":" + strings.TrimSpace(v) + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, path.String() + "/", strings.Join(query, "&"), headers.String(), strings.Join(names, ";"), digest(body),
	}, "\n")
	return []byte("SDK-HMAC-SHA256\n" + r.Header.Get("X-Sdk-Date") + "\n" + digest([]byte(canonical)))
}

// escape percent-encodes all but A-Z, a-z, 0-9 and -_.~
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
