package pollertest_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

// sign makes the header of a request without a body and query that is signed now, or with
// the body's hash as signed. The known signatures in TestSignedRequests are the independent check
// of what it agrees with.
func sign(method, path, key, secret string, signed map[string]string) http.Header {
	digest := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	date := time.Now().UTC().Format("20060102T150405Z")
	header, lines := http.Header{"X-Sdk-Date": {date}}, []string{"x-sdk-date:" + date + "\n"}
	names := []string{"x-sdk-date"}
	for name, value := range signed {
		header.Set(name, value)
		names, lines = append(names, name), append(lines, name+":"+value+"\n")
	}
	slices.Sort(names)
	slices.Sort(lines)
	list := strings.Join(names, ";")
	content := cmp.Or(signed["x-sdk-content-sha256"], digest(""))
	canonical := method + "\n" + path + "/\n\n" + strings.Join(lines, "") + "\n" + list + "\n" + content
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte("SDK-HMAC-SHA256\n" + date + "\n" + digest(canonical)))
	header.Set("Authorization", fmt.Sprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, Signature=%x", key, list, mac.Sum(nil)))
	return header
}

// signedPoll returns the status, and of a refusal what the gateway says.
func (c *caller) signedPoll(id string, header http.Header) string {
	c.t.Helper()
	c.header = header
	r := c.poll(id)
	require.NoError(c.t, r.err)
	if r.status == 200 {
		return "200"
	}
	body := decode[map[string]string](c.t, r.body)
	assert.Equal(c.t, "APIGW.0301", body["error_code"])
	return fmt.Sprint(r.status, strings.TrimPrefix(body["error_msg"], "Incorrect IAM authentication information"))
}

const (
	wrong   = "401: verify aksk signature fail"
	expired = "401: calc ak sk signature fail:signature expired"
	locked  = "401: AK access failed to reach the limit,forbidden"
)

func TestRefusalsSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, pollertest.WithAccessKey("AK", "SK"), pollertest.WithToken("good"))
		id := c.server.Add(pollertest.Script{})
		path := prefix + "jobs/" + id
		issued := c.do("POST", "/v3/auth/tokens", askForToken).header.Get("X-Subject-Token")
		old := sign("GET", path, "AK", "SK", nil)
		time.Sleep(24 * time.Hour)
		broken := sign("GET", path, "AK", "SK", nil)
		broken.Set("Authorization", "SDK-HMAC-SHA256 Access=AK")

		for want, header := range map[string]http.Header{
			"200":                     sign("GET", path, "AK", "SK", map[string]string{"x-project-id": "a-project"}),
			"401":                     {},
			"401: decrypt token fail": {"X-Auth-Token": {"bad"}},
			"401: token expires":      {"X-Auth-Token": {issued}},
			wrong:                     sign("GET", path, "AK", "OTHER", nil),
			expired:                   old,
			"401: Get secretKey failed,err:ak not exist": sign("GET", path, "OTHER", "SK", nil),
		} {
			assert.Equal(t, want, c.signedPoll(id, header))
		}
		assert.Equal(t, wrong, c.signedPoll(id, broken), "malformed")
	})
}

func TestTheSixthRefusalInARowLocksAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, pollertest.WithAccessKey("AK", "SK"), pollertest.WithAccessKey("AK2", "SK2"))
		id := c.server.Add(pollertest.Script{})
		poll := func(key, secret string) string {
			t.Helper()
			return c.signedPoll(id, sign("GET", prefix+"jobs/"+id, key, secret, nil))
		}
		for range 5 {
			assert.Equal(t, wrong, poll("AK", "x"))
		}
		assert.Equal(t, "200", poll("AK", "SK"), "five do not lock, and a good one ends the row")
		for range 6 {
			assert.Equal(t, wrong, poll("AK", "x"))
		}
		assert.Equal(t, locked, poll("AK", "SK"))
		assert.Equal(t, "200", poll("AK2", "SK2"), "another key")
		time.Sleep(5*time.Minute - 1)
		for range 10 {
			assert.Equal(t, locked, poll("AK", "x"), "does not make it longer")
		}
		requests := c.server.Requests()
		assert.False(t, requests[len(requests)-1].Authorized)
		time.Sleep(time.Nanosecond)
		for range 5 {
			assert.Equal(t, wrong, poll("AK", "x"), "counts from 0 again")
		}
		assert.Equal(t, "200", poll("AK", "SK"))
	})
}

func TestWhatCountsForTheLock(t *testing.T) {
	bad := func(path string) http.Header { return sign("GET", path, "AK", "x", nil) }
	tests := map[string]struct {
		ask   func(c *caller, jobs string)
		locks bool
	}{
		"a wrong signature": {func(c *caller, jobs string) { c.header = bad(jobs); c.do("GET", jobs, "") }, true},
		"a malformed one": {func(c *caller, jobs string) {
			c.header = http.Header{"Authorization": {"SDK-HMAC-SHA256 Access=AK"}}
			c.do("GET", jobs, "")
		}, true},
		"an old one": {func(c *caller, jobs string) {
			c.header = sign("GET", jobs, "AK", "SK", nil)
			c.header.Set("X-Sdk-Date", time.Now().Add(-time.Hour).UTC().Format("20060102T150405Z"))
			c.do("GET", jobs, "")
		}, true},
		"of IAM's call":           {func(c *caller, _ string) { c.header = bad("/v3/projects"); c.do("GET", "/v3/projects", "") }, true},
		"an unknown path":         {func(c *caller, _ string) { c.header = bad("/"); c.do("GET", "/", "") }, false},
		"an unknown method":       {func(c *caller, jobs string) { c.header = bad(jobs); c.do("PUT", jobs, "") }, false},
		"a request for a token":   {func(c *caller, jobs string) { c.header = bad(jobs); c.do("POST", "/v3/auth/tokens", askForToken) }, false},
		"a wrong token":           {func(c *caller, jobs string) { c.header = http.Header{"X-Auth-Token": {"x"}}; c.do("GET", jobs, "") }, false},
		"another key's signature": {func(c *caller, jobs string) { c.header = sign("GET", jobs, "AK2", "SK", nil); c.do("GET", jobs, "") }, false},
		"a rule's answer": {func(c *caller, jobs string) {
			c.server.Fail(pollertest.Rule{Status: 502, Times: 1})
			c.header = bad(jobs)
			c.do("GET", jobs, "")
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := inMemory(t, pollertest.WithAccessKey("AK", "SK"))
			id := c.server.Add(pollertest.Script{})
			jobs, want := prefix+"jobs/"+id, "200"
			for range 6 {
				test.ask(c, jobs)
			}
			if test.locks {
				want = locked
			}
			assert.Equal(t, want, c.signedPoll(id, sign("GET", jobs, "AK", "SK", nil)))
		})
	}
}

func TestWithTemporaryKey(t *testing.T) {
	c := inMemory(t, pollertest.WithTemporaryKey("AK", "SK", "st"))
	id := c.server.Add(pollertest.Script{})
	signed := func(token map[string]string) http.Header { return sign("GET", prefix+"jobs/"+id, "AK", "SK", token) }
	unsigned := signed(nil)
	unsigned.Set("X-Security-Token", "st")
	const refused = "401: decrypt token fail"
	assert.Equal(t, "200", c.signedPoll(id, signed(map[string]string{"x-security-token": "st"})))
	assert.Equal(t, "200", c.signedPoll(id, unsigned), "the Terraform provider's library signs before it adds the token")
	assert.Equal(t, refused, c.signedPoll(id, signed(nil)))
	for range 5 {
		assert.Equal(t, refused, c.signedPoll(id, signed(map[string]string{"x-security-token": "other"})))
	}
	assert.Equal(t, locked, c.signedPoll(id, signed(map[string]string{"x-security-token": "st"})), "these count")
	assert.Panics(t, func() { pollertest.WithTemporaryKey("AK", "SK", "") })
}
