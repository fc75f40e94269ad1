package huaweicloud_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// unsigned is what the SDK can express of a request: a path whose segments hold no
// slash, keys with several values, one value a header.
type unsigned struct {
	method, path, body   string
	query                url.Values
	project, security    string // "" sends none
	accessKey, secretKey string
}

// What credential.AccessKey sends is what the SDK's signer makes of the same
// request, and what pollertest verifies: three implementations.
func TestSignaturesAreTheSDKs(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	verifier := pollertest.New(pollertest.WithAccessKey(accessKey, secretKey))
	for range 5_000 {
		u := unsigned{
			method: pick(random, "GET", "POST", "PUT", "DELETE"), path: "/v1/" + odd(random) + "/sfs-turbo/jobs/" + odd(random),
			body: pick(random, "", odd(random)+odd(random)), query: make(url.Values), accessKey: accessKey, secretKey: secretKey,
		}
		for range random.IntN(4) {
			u.query.Add(pick(random, "", "a", "a-b", "A", odd(random)), pick(random, "", odd(random)))
		}
		if random.IntN(2) == 0 {
			u.project = pick(random, "p", " p", "p  q ", "\tp\t q", odd(random))
		}
		if random.IntN(3) == 0 {
			u.security = "s  " + odd(random) + "e"
		}
		if r := u.both(t); r != nil { // nil for a key that credential refuses, with an invisible character in it
			verifier.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	require.Greater(t, len(verifier.Requests()), 3_000)
	for _, r := range verifier.Requests() {
		require.True(t, r.Authorized, r.Path)
	}
}

// The known signatures of the tests of credential are the SDK's too.
func TestKnownSignaturesAreTheSDKs(t *testing.T) {
	for header, want := range map[string]string{
		"X-Project-Id": "198bd4162345d27c8205009008ad7e96f001d38e8ab1edc4ce621a6b822e9bf8",
		"Host":         "c536f4ff5cea1f7e41bb8d1db78339f6111d3dbbe657e193e51a5e1b32b4e5bd",
	} {
		value := map[string]string{"X-Project-Id": project, "Host": "sfs-turbo.cn-north-4.myhuaweicloud.com"}[header]
		signed, err := signer.Sign(request.NewHttpRequestBuilder().WithMethod("GET").WithPath("/v1/"+project+"/sfs-turbo/jobs/"+jobID).
			AddHeaderParam(header, value).AddHeaderParam("X-Sdk-Date", "20230726T093358Z").Build(), accessKey, secretKey)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(signed["Authorization"], "Signature="+want))
	}
}

func FuzzSignaturesAreTheSDKs(f *testing.F) {
	f.Add("GET", "/v1/p/sfs-turbo/jobs/a b", "a", "2", "1", "b", "", "p", "", "")
	f.Add("POST", "//项目/%2F/../~*", "é", "z", "\xff", "a;b", "c&d", " p  q ", "s  t", `{"a":1}`)
	f.Fuzz(func(t *testing.T, method, path, key, value, again, key2, value2, project, security, body string) {
		u := unsigned{
			method: method, path: path, body: body, project: project, security: security, accessKey: accessKey, secretKey: secretKey,
			query: url.Values{key: {value, again}},
		}
		u.query.Add(key2, value2)
		u.both(t)
	})
}

// both signs u with both, wants no difference, and returns the request; nil if the
// security token can't be sent.
func (u unsigned) both(t *testing.T) *http.Request {
	t.Helper()
	r := &http.Request{
		Method: u.method, Host: "sfs-turbo.example.com:8443", Header: make(http.Header), Body: io.NopCloser(strings.NewReader(u.body)),
		URL: &url.URL{Scheme: "https", Host: "sfs-turbo.example.com:8443", Path: u.path, RawQuery: u.query.Encode()},
	}
	if u.project != "" {
		r.Header.Set("X-Project-Id", u.project)
	}
	key, err := credential.AccessKey(credential.AccessKeyOptions{AccessKey: u.accessKey, SecretKey: u.secretKey, SecurityToken: u.security})
	if err != nil {
		return nil
	}
	require.NoError(t, key.Authorize(t.Context(), r))

	_, fields, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	names, _, _ := strings.Cut(fields, ",")
	b := request.NewHttpRequestBuilder().WithEndpoint("https://"+r.Host).WithMethod(u.method).WithPath(u.path).WithBody("", u.body)
	for name, values := range u.query {
		b.AddQueryParam(name, reflect.ValueOf(values))
	}
	for name := range strings.SplitSeq(names, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		b.AddHeaderParam(http.CanonicalHeaderKey(name), value)
	}
	sdks, err := signer.Sign(b.Build(), u.accessKey, u.secretKey)
	require.NoError(t, err)
	require.Equal(t, sdks["Authorization"], r.Header.Get("Authorization"), "%+v", u)
	return r
}

func pick(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }

// odd returns some characters, none of them a slash or one that no header can carry.
func odd(random *rand.Rand) string {
	const characters = `aZ09-_.~ +%?#&=;:,@!$'()*[]{}<>"\^|` + "\u00a0\xff\x80"
	var b strings.Builder
	for range 1 + random.IntN(8) {
		b.WriteByte(characters[random.IntN(len(characters))])
		b.WriteString(pick(random, "", "", "", "项", "é", "%2F"))
	}
	return b.String()
}
