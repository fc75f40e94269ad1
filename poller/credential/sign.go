package credential

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateLayout = "20060102T150405Z"
)

// sign adds a signature to r, made at that time with API Gateway's algorithm
// SDK-HMAC-SHA256. It signs these headers: lower case, sorted, each present in r.
func sign(r *http.Request, body []byte, accessKey, secretKey string, headers []string, at time.Time) {
	r.Header.Set("X-Sdk-Date", at.UTC().Format(dateLayout))
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte(algorithm + "\n" + r.Header.Get("X-Sdk-Date") + "\n" + hexSum([]byte(canonical(r, body, headers)))))
	r.Header.Set("Authorization", algorithm+" Access="+accessKey+
		", SignedHeaders="+strings.Join(headers, ";")+", Signature="+hex.EncodeToString(mac.Sum(nil)))
}

// canonical returns the form of a request that client and service both build.
func canonical(r *http.Request, body []byte, headers []string) string {
	path := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range path {
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		path[i] = escape(segment)
	}
	uri := strings.TrimSuffix(strings.Join(path, "/"), "/") + "/"

	query := r.URL.Query()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}

	var lines strings.Builder
	for _, name := range headers {
		value := r.Header.Get(name)
		if name == "host" { // net/http does not keep it in Header
			value = cmp.Or(r.Host, r.URL.Host)
		}
		lines.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	return strings.Join([]string{r.Method, uri, strings.Join(pairs, "&"), lines.String(), strings.Join(headers, ";"), hexSum(body)}, "\n")
}

// escape percent-encodes all but A-Z, a-z, 0-9 and -_.~
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// bodyOf returns r's body and leaves r with a body to send.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.GetBody != nil {
		copied, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(copied)
		return body, errors.Join(err, copied.Close())
	}
	body, err := io.ReadAll(r.Body)
	err = errors.Join(err, r.Body.Close())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}
