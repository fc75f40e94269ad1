package poller_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
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
		"HTTP 502 Bad Gateway from " + asked + ": HTML page \"502 Bad Gateway\"":                                         {StatusCode: 502, Message: `HTML page "502 Bad Gateway"`, Asked: asked},
		"HTTP 400 Bad Request: SFS.TURBO.0037; a share runs one operation at a time: wait until the other one has ended": {StatusCode: 400, Code: "SFS.TURBO.0037"},
		"HTTP 302 Found from " + asked + ": a redirect to login.example.com; a redirect is never followed, because the token would go with it: if it leads to the service, use its target as the endpoint; if it leads to a login page, check the proxies on the way": {
			StatusCode: 302, Message: "a redirect to login.example.com", Asked: asked},
		"HTTP 200 OK from " + asked + ": the response has no status (request id r)": {StatusCode: 200, Err: errors.New("the response has no status"), RequestID: "r", Asked: asked},
		"HTTP 599 from " + asked:   {StatusCode: 599, Asked: asked},
		"no response":              {},
		"no response: broken pipe": {Err: errors.New("broken pipe")},
		"no response from " + asked + ": EOF; the server, or a proxy or firewall on the way, closed the connection: if this persists, check the endpoint and the way there":                              {Err: &url.Error{Op: "Get", URL: "https://example.com/v1/0970/sfs-turbo/jobs/a", Err: io.EOF}, Asked: asked},
		"no response: read tcp: connection reset by peer; the server, or a proxy or firewall on the way, closed the connection: if this persists, check the endpoint and the way there":                  {Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}},
		"no response: http: server closed idle connection; the server, or a proxy or firewall on the way, closed the connection: if this persists, check the endpoint and the way there":                 {Err: errors.New("http: server closed idle connection")},
		"no response: http2: server sent GOAWAY and closed the connection; the server, or a proxy or firewall on the way, closed the connection: if this persists, check the endpoint and the way there": {Err: errors.New("http2: server sent GOAWAY and closed the connection")},
		"no response from " + asked + ": lookup x: no such host; check the region in the endpoint":                                                                                                       {Err: &net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}, Asked: asked},
		"HTTP 500 Internal Server Error: a b: c d (request id e)": {StatusCode: 500, Code: "a\x00b", Message: "c\r\nd", RequestID: "e\n"},
	} {
		require.EqualError(t, e, want)
	}
}

// The messages of the gateway, as its pages and its users quote them.
func TestRejectionsSayWhatToDo(t *testing.T) {
	for message, want := range map[string]string{
		"calc aksk signature fail:signature expired, signature time:20211217T064303Z,server time:20211217T065804Z": "this machine's clock is 15m1s behind the service's: set it right, for example with NTP",
		"signature expired, signature time:20230527T020608Z,server time:20230527T000431Z":                          "this machine's clock is 2h1m37s ahead of the service's: set it right, for example with NTP",
		"signature expired": "the time of the request is not the service's: check this machine's clock",
		"AK access failed to reach the limit,forbidden.": "the access key is locked for five minutes, because more than five signatures failed: wait, and find the program that signs with a wrong secret key",
		"token expires":                                   "the token has expired: get a new one",
		"The token must be updated.":                      "the token is too old, or of another region: get a new one, and check the region in the endpoint",
		"Get secretKey failed,ak:******,err:ak not exist": "there is no such access key: check that it is spelled right, was not deleted, and belongs to this cloud",
		"verify aksk signature fail, canonicalRequest":    "the signature does not match: check the secret key, and whether a proxy on the way changes the path",
		"decrypt token fail":                              "the token cannot be read: check that it is whole, and was issued by this cloud",
		"ak is disabled":                                  "the access key or its user is disabled: enable it, or use another one",
		"blocked":                                         "the credential was rejected: check that the token or access key is right for this project and region, not expired and not locked, and that this machine's clock is right",
	} {
		e := &poller.Error{StatusCode: 401, Code: "APIGW.0301", Message: "Incorrect IAM authentication information: " + message}
		require.EqualError(t, e, "HTTP 401 Unauthorized: APIGW.0301: "+e.Message+"; "+want)
		copied := *e
		require.EqualError(t, &copied, e.Error())
		require.Equal(t, poller.Unauthorized, poller.Classify(e), "a message chooses a hint, never a verdict")
		other := &poller.Error{StatusCode: 503, Code: "APIGW.0201", Message: e.Message}
		require.NotContains(t, other.Error(), want)
		require.Equal(t, poller.Passing, poller.Classify(other))
	}
	require.ErrorContains(t, &poller.Error{StatusCode: 401, Code: "APIG.0307"}, "; the token is too old, or of another region")
}

// What anybody on the way may have said, and not the service.
func TestResponsesWithoutACodeNameTheAddress(t *testing.T) {
	const asked = "https://sfs-turbo.example.com, project p"
	const anybody = "if this is not the service's own response, check the endpoint and the proxies on the way"
	for code, want := range map[int]string{
		400: "HTTP 400 Bad Request from " + asked + ": no; " + anybody,
		401: "and that this machine's clock is right. Or " + anybody,
		403: "and what the user may do in that project. Or " + anybody,
		404: "or whether the job was deleted. Or " + anybody,
		405: "HTTP 405 Method Not Allowed from " + asked + ": no; " + anybody,
		421: "HTTP 421 Misdirected Request from " + asked + ": no; " + anybody,
		429: "HTTP 429 Too Many Requests from " + asked + ": no; throttled",
		502: "HTTP 502 Bad Gateway from " + asked + ": no",
	} {
		e := &poller.Error{StatusCode: code, Message: "no", Asked: asked}
		require.ErrorContains(t, e, want)
		require.ErrorContains(t, e, asked)
		e.Code = "SFS.TURBO.0037"
		require.NotContains(t, e.Error(), anybody)
		require.Equal(t, code >= 401 && code <= 404, strings.Contains(e.Error(), asked), code)
	}
}

// As nginx and net/http say it: see the table in docs/credentials.md.
func TestATokenThatIsTooLongIsNamed(t *testing.T) {
	const want = "too long for this server: see the token's length, or use an access key"
	for _, e := range []*poller.Error{
		{StatusCode: 431},
		{StatusCode: 494, Code: "APIG.0201"},
		{StatusCode: 400, Message: `HTML page "400 Request Header Or Cookie Too Large"`},
		{Err: errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=7, ErrCode=ENHANCE_YOUR_CALM")},
		{Err: errors.New("http2: request header list larger than peer's advertised limit")},
	} {
		require.ErrorContains(t, e, want)
	}
	require.NotContains(t, (&poller.Error{StatusCode: 400, Message: "bad request"}).Error(), want)
}

func TestAReportThatQuotesAnErrorKeepsItsHint(t *testing.T) {
	e := &poller.Error{StatusCode: 401, Code: "APIGW.0301", Message: strings.Repeat("verify aksk signature fail ", 20), RequestID: strings.Repeat("9f3c", 8), Asked: strings.Repeat("x", 100)}
	require.LessOrEqual(t, utf8.RuneCountInString(e.Error()), 768-100)
	require.ErrorContains(t, e, "… (request id 9f3c9f3c9f3c9f3c9f3c9f3c9f3c9f3c); the signature does not match")
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
