package credential

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The known signatures of the service's page.
func TestKnownSignatures(t *testing.T) {
	const (
		project = "0970dd7a1300f5672ff2c003c60ae115"
		address = "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/" + project + "/sfs-turbo/jobs/26f6b565-1111-2222-3333-03f0bd975433"
	)
	at := time.Date(2023, 7, 26, 17, 33, 58, 0, time.FixedZone("", 8*60*60))
	for _, c := range []struct{ headers, signature string }{
		{"x-project-id;x-sdk-date", "198bd4162345d27c8205009008ad7e96f001d38e8ab1edc4ce621a6b822e9bf8"},
		{"host;x-sdk-date", "c536f4ff5cea1f7e41bb8d1db78339f6111d3dbbe657e193e51a5e1b32b4e5bd"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		r.Header.Set("X-Project-Id", project)
		sign(r, nil, "AKEXAMPLE0000000000", "SKEXAMPLEsecretsecretsecret00000", strings.Split(c.headers, ";"), at)
		require.Equal(t, "20230726T093358Z", r.Header.Get("X-Sdk-Date"))
		require.Equal(t, "SDK-HMAC-SHA256 Access=AKEXAMPLE0000000000, SignedHeaders="+c.headers+", Signature="+c.signature, r.Header.Get("Authorization"))
		require.Equal(t, address, r.URL.String(), "the slash at the end is not sent")
	}
}

func TestCanonicalRequest(t *testing.T) {
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // sha256 of ""
	for _, c := range []struct{ address, uri, query string }{
		{"https://h", "/", ""},
		{"https://h/", "/", ""},
		{"https://h/a/b", "/a/b/", ""},
		{"https://h/a/b/", "/a/b/", ""},
		{"https://h//a", "//a/", ""},
		{"https://h/a%2Fb/c%20d+e~f", "/a%2Fb/c%20d%2Be~f/", ""},
		{"https://h/%E9%A1%B9/(x)'!*", "/%E9%A1%B9/%28x%29%27%21%2A/", ""},
		{"https://h/?b=2&a=1", "/", "a=1&b=2"},
		{"https://h/?a=2&a=1&a", "/", "a=&a=1&a=2"},
		{"https://h/?a-b=1&a=2", "/", "a=2&a-b=1"}, // by key: "a=" would come after "a-"
		{"https://h/?a=1+2%2B3&%20=%26", "/", "%20=%26&a=1%202%2B3"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, nil)
		require.NoError(t, err)
		r.Header.Set("X-Sdk-Date", "  now\t")
		require.Equal(t, "GET\n"+c.uri+"\n"+c.query+"\nhost:h\nx-sdk-date:now\n\nhost;x-sdk-date\n"+nothing,
			canonical(r, nil, []string{"host", "x-sdk-date"}), c.address)
	}
}

func TestABodyIsSignedAndStillSent(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"that can be had again": strings.NewReader("body"),
		"that can't":            io.NopCloser(strings.NewReader("body")),
		"none":                  nil,
		"empty":                 http.NoBody,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://h", body)
		require.NoError(t, err)
		signed, err := bodyOf(r)
		require.NoError(t, err)
		var sent []byte
		if r.Body != nil {
			sent, err = io.ReadAll(r.Body)
			require.NoError(t, err)
		}
		require.Equal(t, string(sent), string(signed), name)
		require.Equal(t, strings.HasPrefix(name, "that"), string(signed) == "body", name)
	}
}
