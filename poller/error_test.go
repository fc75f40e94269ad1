package poller_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

func TestErrorTexts(t *testing.T) {
	const asked = "https://sfs-turbo.cn-north-4.myhuaweicloud.com, project 0970"
	for want, e := range map[string]*poller.Error{
		"HTTP 404 Not Found: SFS.TURBO.0019: Invalid Job Id (request id 9f3c); no such job: check the job id, the project id and the region, or whether the job was deleted": {StatusCode: 404, Code: "SFS.TURBO.0019", Message: "Invalid Job Id", RequestID: "9f3c"},
		"HTTP 404 Not Found from " + asked + ": X; no such job: check the job id, the project id and the region, or whether the job was deleted":                             {StatusCode: 404, Code: "X", Asked: asked},
		"HTTP 400 Bad Request from " + asked + ": SFS.TURBO.0001: parameter error; no such job: check the job id, the project id and the region, or whether the job was deleted": {
			StatusCode: 400, Code: "SFS.TURBO.0001", Message: "parameter error", Asked: asked},
		"HTTP 400 Bad Request: SFS.TURBO.0003: parameter error": {StatusCode: 400, Code: "SFS.TURBO.0003", Message: "parameter error", Asked: asked},
		"HTTP 404 Not Found from " + asked + ": APIGW.0101: The API does not exist (request id 9f3c); nothing is served at this address: check the endpoint, its region and its path": {
			StatusCode: 404, Code: "APIGW.0101", Message: "The API does not exist", RequestID: "9f3c", Asked: asked},
		"HTTP 401 Unauthorized from " + asked + ": APIGW.0301; the credential was rejected: check that the token or access key is right for this project and region, not expired and not locked, and that this machine's clock is right": {
			StatusCode: 401, Code: "APIGW.0301", Asked: asked},
		"HTTP 403 Forbidden from " + asked + "; no permission: check the project id, and what the user may do in that project": {StatusCode: 403, Asked: asked},
		"HTTP 429 Too Many Requests: APIGW.0308, retry after 30s; throttled: all calls of a user share one limit, so poll less often": {
			StatusCode: 429, Code: "APIGW.0308", RetryAfter: 30 * time.Second, Asked: asked},
		"HTTP 502 Bad Gateway: HTML page \"502 Bad Gateway\"": {StatusCode: 502, Message: `HTML page "502 Bad Gateway"`, Asked: asked},
		"HTTP 302 Found from " + asked + ": a redirect to login.example.com; a redirect is never followed, because the token would go with it: use its target as the endpoint": {
			StatusCode: 302, Message: "a redirect to login.example.com", Asked: asked},
		"HTTP 200 OK from " + asked + ": the response has no status (request id r)": {StatusCode: 200, Err: errors.New("the response has no status"), RequestID: "r", Asked: asked},
		"HTTP 599":                            {StatusCode: 599, Asked: asked},
		"no response":                         {},
		"no response: broken pipe":            {Err: errors.New("broken pipe")},
		"no response from " + asked + ": EOF": {Err: &url.Error{Op: "Get", URL: "https://example.com/v1/0970/sfs-turbo/jobs/a", Err: io.EOF}, Asked: asked},
		"no response from " + asked + ": lookup x: no such host; check the region in the endpoint": {Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, Asked: asked},
		"HTTP 500 Internal Server Error: a b: c d (request id e)":                                  {StatusCode: 500, Code: "a\x00b", Message: "c\r\nd", RequestID: "e\n"},
	} {
		require.EqualError(t, e, want)
	}
}

func TestErrorTextIsOneLineOfBoundedLength(t *testing.T) {
	hostile := strings.Repeat("\r\n\x1b]0;owned\x07\u202e错", 10_000)
	text := (&poller.Error{StatusCode: 403, Code: hostile, Message: hostile, RequestID: hostile, Err: errors.New(hostile), Asked: hostile}).Error()
	require.Less(t, utf8.RuneCountInString(text), 1200)
	require.False(t, strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }))
	require.Contains(t, text, "no permission", "the hint survives")
}

func TestErrorUnwraps(t *testing.T) {
	cause := errors.New("cause")
	require.ErrorIs(t, &poller.Error{StatusCode: 200, Err: cause}, cause)
	require.NoError(t, (&poller.Error{StatusCode: 503}).Unwrap())
}
