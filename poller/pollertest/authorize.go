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
	grant   grant       // of a token
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
		refusal, k := s.signed(r, body, now)
		return credential{refusal: refusal, key: k}
	}
	g, refusal := s.token(token, now)
	return credential{refusal: refusal, grant: g}
}

// signed checks an access key's signature. It returns why it is refused, and the key that
// this counts for.
func (s *Server) signed(r *http.Request, body []byte, now time.Time) (refusal string, k *signingKey) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256 ")
	if !ok {
		return noCredential, nil
	}
	value := make(map[string]string)
	for field := range strings.SplitSeq(fields, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		value[name] = v
	}
	names := strings.Split(value["SignedHeaders"], ";")
	signature, err := hex.DecodeString(value["Signature"])
	date, dateErr := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date"))
	content, contentOK := contentHash(r, names, body)
	k = s.keys[value["Access"]]
	switch {
	case k == nil && s.choosy:
		return unknownKey, nil
	case k != nil && now.Before(k.locked):
		return lockedKey, nil
	case err != nil || dateErr != nil || len(signature) != sha256.Size || value["Access"] == "" ||
		!slices.Contains(names, "x-sdk-date") || !contentOK:
		return badSignature, k
	case now.Sub(date).Abs() > signatureLife:
		return expiredSignature, k
	case k == nil:
		return "", nil
	case !hmac.Equal(signature, k.sign(toSign(r, names, content))):
		return badSignature, k
	case k.token != nil && sha256.Sum256([]byte(r.Header.Get("X-Security-Token"))) != *k.token:
		return badToken, k
	}
	return "", k
}

// contentHash returns the last line of what a client signs: the body's hash, or the value of
// a signed X-Sdk-Content-Sha256, which must be that hash unless it says that there is none.
func contentHash(r *http.Request, names []string, body []byte) (hash string, ok bool) {
	want, got := digest(body), strings.TrimSpace(r.Header.Get("X-Sdk-Content-Sha256"))
	if got == "" || !slices.Contains(names, "x-sdk-content-sha256") {
		return want, true
	}
	return got, got == "UNSIGNED-PAYLOAD" || strings.EqualFold(got, want)
}

func digest(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

// signer returns a closure: printing a Server shows nothing that it holds.
func signer(secretKey string) func([]byte) []byte {
	return func(toSign []byte) []byte {
		mac := hmac.New(sha256.New, []byte(secretKey))
		mac.Write(toSign)
		return mac.Sum(nil)
	}
}

// toSign returns the string that a client signs, by the API's guide to signing.
func toSign(r *http.Request, names []string, contentHash string) []byte {
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
		r.Method, path.String() + "/", strings.Join(query, "&"), headers.String(), strings.Join(names, ";"), contentHash,
	}, "\n")
	return []byte("SDK-HMAC-SHA256\n" + r.Header.Get("X-Sdk-Date") + "\n" + digest([]byte(canonical)))
}

// escape percent-encodes all but A-Z, a-z, 0-9 and -_.~
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
