package pollertest_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestWithToken(t *testing.T) {
	c := inMemory(t, pollertest.WithToken("good"), pollertest.WithToken("also good"))
	id := c.server.Add(pollertest.Script{})
	for token, want := range map[string]int{"good": 200, "also good": 200, "bad": 401, "": 401} {
		c.header = http.Header{"X-Auth-Token": {token}}
		assert.Equal(t, want, c.poll(id).status, token)
	}
	c.header = http.Header{
		"X-Sdk-Date":    {time.Now().UTC().Format("20060102T150405Z")},
		"Authorization": {"SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature=" + strings.Repeat("0", 64)},
	}
	assert.Equal(t, 401, c.poll(id).status, "no key was given")
	assert.Panics(t, func() { pollertest.WithToken("") })
}

const (
	accessKey = "AKEXAMPLE0000000000"
	secretKey = "SKEXAMPLEsecretsecretsecret00000"
)

// The requests of the guide to signing, at their own time.
func TestSignedRequests(t *testing.T) {
	const (
		project = "0970dd7a1300f5672ff2c003c60ae115"
		job     = "26f6b565-1111-2222-3333-03f0bd975433"
	)
	withHost := "SDK-HMAC-SHA256 Access=" + accessKey + ", SignedHeaders=host;x-sdk-date, Signature=c536f4ff5cea1f7e41bb8d1db78339f6111d3dbbe657e193e51a5e1b32b4e5bd"
	withProject := "SDK-HMAC-SHA256 Access=" + accessKey + ", SignedHeaders=x-project-id;x-sdk-date, Signature=198bd4162345d27c8205009008ad7e96f001d38e8ab1edc4ce621a6b822e9bf8"
	key := pollertest.WithAccessKey(accessKey, secretKey)
	tests := map[string]struct {
		option        pollertest.Option
		authorization string
		late          time.Duration
		query         string
		want          int
	}{
		"the host is signed":         {option: key, authorization: withHost, want: 200},
		"the project is signed":      {option: key, authorization: withProject, want: 200},
		"a quarter of an hour late":  {option: key, authorization: withHost, late: 15 * time.Minute, want: 200},
		"later":                      {option: key, authorization: withHost, late: 15*time.Minute + 1, want: 401},
		"too early":                  {option: key, authorization: withHost, late: -16 * time.Minute, want: 401},
		"another query":              {option: key, authorization: withHost, query: "?a=1", want: 401},
		"another secret":             {option: pollertest.WithAccessKey(accessKey, "other"), authorization: withHost, want: 401},
		"another key":                {option: pollertest.WithAccessKey("OTHER", secretKey), authorization: withHost, want: 401},
		"any key, any value":         {authorization: strings.Replace(withHost, "Signature=c5", "Signature=00", 1), want: 200},
		"any key, late":              {authorization: withHost, late: time.Hour, want: 401},
		"another algorithm":          {authorization: strings.Replace(withHost, "SHA256", "SHA1", 1), want: 401},
		"a signature that is no hex": {authorization: strings.Replace(withHost, "Signature=c5", "Signature=zz", 1), want: 401},
		"a signature that is cut":    {authorization: withHost[:len(withHost)-2], want: 401},
		"no key":                     {authorization: strings.Replace(withHost, accessKey, "", 1), want: 401},
		"the date is not signed":     {authorization: strings.Replace(withHost, ";x-sdk-date", "", 1), want: 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signed := time.Date(2023, 7, 26, 9, 33, 58, 0, time.UTC)
				time.Sleep(time.Until(signed.Add(test.late)))
				var opts []pollertest.Option
				if test.option != nil {
					opts = append(opts, test.option)
				}
				c := inMemory(t, opts...)
				c.server.Add(pollertest.Script{ID: job})
				r, err := http.NewRequestWithContext(t.Context(), "GET", c.endpoint+"/v1/"+project+"/sfs-turbo/jobs/"+job+test.query, nil)
				require.NoError(t, err)
				r.Host = "sfs-turbo.cn-north-4.myhuaweicloud.com"
				r.Header = http.Header{
					"Authorization": {test.authorization},
					"X-Sdk-Date":    {signed.Format("20060102T150405Z")},
					"X-Project-Id":  {project},
				}
				assert.Equal(t, test.want, c.send(r).status)
			})
		})
	}
}

// A client may sign the body's hash in a header, or that there is none.
func TestSignedContent(t *testing.T) {
	const body = ldapBody
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	for name, test := range map[string]struct {
		signed, sent string // the header's value as signed, and as sent; not signed if ""
		want         int
	}{
		"the hash":                      {hash, hash, 200},
		"in upper case":                 {strings.ToUpper(hash), strings.ToUpper(hash), 200},
		"another body's hash":           {emptyHash, emptyHash, 401},
		"no hash":                       {"UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", 200},
		"another word":                  {"STREAMING", "STREAMING", 401},
		"changed on the way":            {hash, "UNSIGNED-PAYLOAD", 401},
		"not signed, nor is the body":   {"", "UNSIGNED-PAYLOAD", 401},
		"no header, and not the body's": {"", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opt := range []pollertest.Option{pollertest.WithAccessKey("AK", "SK"), pollertest.WithAccessKey("AK", "another")} {
				c := inMemory(t, opt)
				var signed map[string]string
				if test.signed != "" {
					signed = map[string]string{"x-sdk-content-sha256": test.signed}
				}
				c.header = sign("POST", ldap, "AK", "SK", signed)
				if test.sent != "" {
					c.header.Set("X-Sdk-Content-Sha256", test.sent)
				}
				assert.Equal(t, test.want, c.do("POST", ldap, body).status)
				test.want = 401 // of another secret
			}
		})
	}
	unsigned := inMemory(t, pollertest.WithAccessKey("AK", "SK"))
	unsigned.header = sign("GET", "/v3/projects", "AK", "SK", nil)
	unsigned.header.Set("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")
	assert.Equal(t, 200, unsigned.do("GET", "/v3/projects", "").status, "what is not signed does not count")
	anyKey := inMemory(t)
	anyKey.header = sign("POST", ldap, "AK", "SK", map[string]string{"x-sdk-content-sha256": emptyHash})
	assert.Equal(t, 401, anyKey.do("POST", ldap, body).status, "whatever the secret, the body is another")
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const password = "pa55word"

var askForToken = tokenBody(byPassword, forName)

func TestIssuedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, pollertest.WithToken("another"))
		id := c.server.Add(pollertest.Script{})
		issue := func() (token, expires string) {
			r := c.do("POST", "/v3/auth/tokens?nocatalog=true", askForToken)
			require.Equal(t, 201, r.status, r.body)
			body := decode[struct {
				Token struct {
					ExpiresAt string `json:"expires_at"`
				}
			}](t, r.body)
			return r.header.Get("X-Subject-Token"), body.Token.ExpiresAt
		}
		c.header = nil
		first, expires := issue()
		assert.Equal(t, "2000-01-02T00:00:00.000000Z", expires)
		assert.Greater(t, len(first), 2000)
		time.Sleep(time.Hour)
		second, _ := issue()

		poll := func(token string) int {
			c.header = http.Header{"X-Auth-Token": {token}}
			return c.poll(id).status
		}
		time.Sleep(23*time.Hour - 1)
		assert.Equal(t, 200, poll(first))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, 401, poll(first), "a day is over")
		assert.Equal(t, 200, poll(second))
		assert.Equal(t, pollertest.IssueToken, c.server.Requests()[0].Call)
	})
}

func TestRequestsForATokenAreChecked(t *testing.T) {
	c := inMemory(t)
	for name, body := range map[string]string{
		"no JSON":     "x",
		"no method":   strings.Replace(askForToken, `"password"]`, `"totp"]`, 1),
		"no user":     strings.Replace(askForToken, `"name":"u"`, `"name":""`, 1),
		"no password": strings.Replace(askForToken, password, "", 1),
		"no domain":   strings.Replace(askForToken, `{"name":"d"}`, `{}`, 1),
		"no project":  strings.Replace(askForToken, "eu-west-101", "", 1),
		"no scope":    tokenBody(byPassword, `,"scope":{}`),
		"two scopes":  tokenBody(byPassword, `,"scope":{"project":{"id":"p1"},"domain":{"id":"d1"}}`),
		"no token":    tokenBody(strings.Replace(byToken, "a-token", "", 1), forID),
		"two methods": strings.Replace(askForToken, `"password"]`, `"password","totp"]`, 1),
	} {
		r := c.do("POST", "/v3/auth/tokens", body)
		assert.Equal(t, 400, r.status, name)
		assert.JSONEq(t, `{"error":{"code":400,"message":"The request body is invalid","title":"Bad Request"}}`, r.body)
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	c := inMemory(t, pollertest.WithToken("s3cret"), pollertest.WithAccessKey(accessKey, secretKey))
	rule := pollertest.Rule{Call: pollertest.Poll, Status: 401}
	c.server.Fail(rule)
	c.header.Set("X-Auth-Token", "s3cret")
	issued := c.do("POST", "/v3/auth/tokens", askForToken).header.Get("X-Subject-Token")
	require.NotEmpty(t, issued)
	c.poll("a-job")
	c.start("POST", ldap, strings.Replace(ldapBody, "{", `{"password":"s3cret","user_dn":"cn=a",`, 1))
	c.start("POST", strings.Replace(ad, "share/", "another/", 1), strings.Replace(domainBody, `"p"`, `"s3cret"`, 1))

	requests := c.server.Requests()
	c.server.Close() // %v reads without the lock
	for _, v := range []any{c.server, rule, requests, requests[0], pollertest.WithToken("s3cret")} {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{"s3cret", secretKey, password, issued, strings.Trim(fmt.Sprint([]byte("s3cret")), "[]"), "0x73, 0x33, 0x63, 0x72"} {
				assert.NotContains(t, printed, secret)
			}
		}
	}
}
