package wire_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestRedact(t *testing.T) {
	const secret = "0123456789abcdefghijklmnop"
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"nothing here", "nothing here"},
		{secret, "[redacted]"},
		{"token " + secret + " is bad", "token [redacted] is bad"},
		{secret + secret + "/" + secret, "[redacted][redacted]/[redacted]"},
		{"cut short: " + secret[:20] + "...", "cut short: [redacted]..."},
		{"another: " + secret[:16] + "ZZZ", "another: [redacted]ZZZ"},
		{"too little to tell: " + secret[:15], "too little to tell: " + secret[:15]},
	} {
		require.Equal(t, c.want, wire.Redact(c.text, secret), "%q", c.text)
	}
	require.Equal(t, "the token a is bad", wire.Redact("the token a is bad", "", "a", "token"), "too short to be a secret")
	require.Equal(t, "[redacted] and [redacted]", wire.Redact("s3cret and "+secret, "s3cret", secret))
}

func TestMaskTakesShortSecretsToo(t *testing.T) {
	require.Equal(t, "[redacted], [redacted], [redacted] and YQ==", wire.Mask(`a&b, a\u0026b, YSZi and YQ==`, "a&b", ""))
	require.Equal(t, "[redacted] [redacted]", wire.Mask("x y", "x", "y"))
	require.Equal(t, "", wire.Mask("", "x"))
}

func TestMaskTakesSecretsOfSeveralLinesToo(t *testing.T) {
	for _, secret := range []string{"a\tb", "a\r\nb", "line one\nline two\n", " \u00a0é ", "\a\b\f\v\x00\x1b", "\U000E0001"} {
		for _, form := range []string{secret, quoted(secret), strconv.Quote(secret), url.QueryEscape(secret), url.PathEscape(secret)} {
			require.Equal(t, "[redacted]", strings.Trim(wire.Mask(form, secret), "\n\""), "%q", form)
		}
		if line := wire.Line(secret, len(secret)); line != "" {
			require.Equal(t, "bind as ([redacted]): no", wire.Mask("bind as ("+line+"): no", secret), "in an error, on one line")
		}
	}
	require.Equal(t, "no secret", wire.Mask("no secret", "\n"))
	given := []string{"a\n", "b", "c"}
	wire.Mask("text", given[:2]...)
	require.Equal(t, []string{"a\n", "b", "c"}, given, "are the caller's")
}

func TestRedactTakesLinearTime(t *testing.T) {
	begin := time.Now()
	secret := strings.Repeat("a", 4096)
	wire.Redact(strings.Repeat("a", 1<<20), secret)
	wire.Redact(strings.Repeat("abcdefghijklmnopX", 1<<16), "abcdefghijklmnop")
	require.Less(t, time.Since(begin), 5*time.Second)
}

// hexed escapes each byte of a secret.
func hexed(format, secret string) (escaped string) {
	for i := range len(secret) {
		escaped += fmt.Sprintf(format, secret[i])
	}
	return escaped
}

func quoted(secret string) string {
	encoded, _ := json.Marshal(secret)
	return string(encoded[1 : len(encoded)-1])
}

func TestAnEscapedSecretIsRedacted(t *testing.T) {
	escapes := map[string]func(string) string{
		"path":           url.PathEscape,
		"form":           url.QueryEscape,
		"lower case":     func(s string) string { return hexed("%%%02x", s) },
		"HTML":           html.EscapeString,
		"HTML, decimal":  func(s string) string { return hexed("&#%d;", s) },
		"HTML, hex":      func(s string) string { return hexed("&#x%X;", s) },
		"JSON":           quoted,
		"JSON, all":      func(s string) string { return hexed(`\u%04X`, s) },
		"a script's":     func(s string) string { return hexed(`\x%02x`, s) },
		"slashes":        func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64, URL":    func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
		"JSON in JSON":   func(s string) string { return quoted(quoted(s)) },
		"path twice":     func(s string) string { return url.PathEscape(url.PathEscape(s)) },
		"form in HTML":   func(s string) string { return html.EscapeString(url.QueryEscape(s)) },
		"HTML in JSON":   func(s string) string { return quoted(html.EscapeString(s)) },
		"lines":          func(s string) string { return s[:5] + "\n" + s[5:] },
		"two breaks":     func(s string) string { return s[:4] + "\r\n" + s[4:7] + "\n\n" + s[7:] },
		"lines in JSON":  func(s string) string { return quoted(s[:5] + "\r\n" + s[5:]) },
		"nothing at all": func(s string) string { return s },
	}
	for _, secret := range []string{`p"w<s3cret>&w/rd`, "correct horse+battery%staple", `C:\path\to "it's"`, "MIIQ+abc/def==ghijklmnopqrstuvwxyz", "100%25off", "pässwörd"} {
		for name, escape := range escapes {
			if name == "JSON, all" || name == "HTML, decimal" || name == "HTML, hex" {
				if strings.Contains(secret, "ä") {
					continue // these are of characters, and hexed is of bytes
				}
			}
			escaped := escape(secret)
			clean := strings.TrimRight(wire.Redact("said <"+escaped+"> & 50% of it", "another", secret), "=")
			if got := strings.ReplaceAll(clean, "=", ""); got != "said <[redacted]> & 50% of it" {
				t.Errorf("%s of %q, %q: %q", name, secret, escaped, got)
			}
		}
	}
	require.Equal(t, "got [redacted]...", wire.Redact("got "+hexed("%%%02X", "0123456789abcdef01")+"...", "0123456789abcdef0123456789"), "cut short")
	require.Equal(t, "a\n[redacted]\r\nb", wire.Redact("a\ns3cr\net\r\nb", "s3cret"), "the lines around it stay")
	require.Equal(t, "[redacted]", wire.Redact(`\ud83d\ude00 secret`, "\U0001F600 secret"))
	for _, harmless := range []string{`%zz %4`, `\u00 \x4 \`, "&nosuch; &#; &", "a+b", "%", `\ud83d\u0041!`} {
		require.Equal(t, harmless, wire.Redact(harmless, "correct horse"))
	}
}

func TestRedactingWhatIsEscapedTakesLinearTime(t *testing.T) {
	begin := time.Now()
	for _, unit := range []string{"%61", `\u0061`, "&#97;", "+%", `\`, "%2561", "a\n", `\n`} {
		wire.Redact(strings.Repeat(unit, 1<<16), strings.Repeat("a", 4096)+"b")
	}
	require.Less(t, time.Since(begin), 5*time.Second)
}

func TestSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		header, value string
		secrets       []string
	}{
		"a token":                {"X-Auth-Token", "the-token", []string{"the-token"}},
		"a header of the user's": {"X-Api-Key", "the-api-key", []string{"the-api-key"}},
		"with a scheme":          {"X-Api-Key", "Key the-api-key", []string{"Key the-api-key", "the-api-key"}},
		"a bearer":               {"Authorization", "Bearer the-token", []string{"the-token"}},
		"a signature":            {"Authorization", "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=5a5a5a5a", []string{"5a5a5a5a"}},
		"a digest":               {"Authorization", `Digest username="u", response="6629fae4", qop=auth-int`, []string{"qop=auth-int", "6629fae4"}},
		"a password":             {"Authorization", "Basic dXNlcjpwYTU1d29yZA==", []string{"dXNlcjpwYTU1d29yZA==", "pa55word"}},
		"a proxy's password":     {"Proxy-Authorization", "basic dXNlcjpwYTU1d29yZA==", []string{"dXNlcjpwYTU1d29yZA==", "pa55word"}},
		"cookies":                {"Cookie", `session=s3cret1; theme=dark; csrf="s3cret2"`, []string{"s3cret1", "s3cret2"}},
		"a project":              {"X-Project-Id", "0970dd7a1300", nil},
		"the program":            {"User-Agent", "program/1.0", nil},
		"a request's id":         {"X-Request-Id", "0123456789", nil},
		"a trace":                {"Traceparent", "00-0123456789", nil},
	} {
		r := &http.Request{Header: http.Header{c.header: {c.value}}}
		for _, secrets := range [][]string{
			new(wire.Sends).Secrets(r, nil),
			new(wire.Sends).Secrets(r, &http.Response{Request: r}),
			new(wire.Sends).Secrets(&http.Request{}, &http.Response{Request: r}),
		} {
			require.Equal(t, c.secrets, append([]string(nil), secrets...), name)
		}
		require.Empty(t, new(wire.Sends).Secrets(&http.Request{}, &http.Response{}), name)
	}
}
