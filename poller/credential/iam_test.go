package credential_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// through sends a Password's requests to f.
func through(f roundTrip) func(*credential.PasswordOptions) {
	return func(o *credential.PasswordOptions) { o.HTTPClient = &http.Client{Transport: f} }
}

func TestTheRequestForAToken(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*credential.PasswordOptions)
		url  string
		want string
	}{
		"by name": {func(*credential.PasswordOptions) {}, "http://127.0.0.1/v3/auth/tokens?nocatalog=true", `{"name":"cn-north-4"}`},
		"by id":   {func(o *credential.PasswordOptions) { o.ProjectID = "0970" }, "http://127.0.0.1/v3/auth/tokens?nocatalog=true", `{"id":"0970"}`},
		"as HW_AUTH_URL has it": {
			func(o *credential.PasswordOptions) { o.IAMEndpoint = "https://iam.example.com:443/prefix/v3/" },
			"https://iam.example.com:443/prefix/v3/auth/tokens?nocatalog=true", `{"name":"cn-north-4"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, c2 := iam(t, c.edit, through(func(r *http.Request) (*http.Response, error) {
				require.Equal(t, "POST "+c.url, r.Method+" "+r.URL.String())
				require.Equal(t, "application/json", r.Header.Get("Content-Type"))
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				require.JSONEq(t, `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"user","password":"`+hunter2+
					`","domain":{"name":"account"}}}},"scope":{"project":`+c.want+`}}}`, string(body))
				return &http.Response{StatusCode: 201, Header: http.Header{"X-Subject-Token": {"t"}}, Body: http.NoBody, Request: r}, nil
			}))
			require.Equal(t, "t", token(t, c2))
		})
	}
}

func TestIAMResponsesWithoutAToken(t *testing.T) {
	for name, c := range map[string]struct {
		rule      pollertest.Rule
		permanent bool
		text      string
	}{
		"bad request":  {pollertest.Rule{Status: 400, Body: pollertest.IAM}, true, `check the IAM endpoint, and the user's name "user", the domain "account" and the project "cn-north-4"`},
		"forbidden":    {pollertest.Rule{Status: 403, Body: pollertest.Forbidden}, true, "check that the user may use this project"},
		"not IAM":      {pollertest.Rule{Status: 404}, true, "check the IAM endpoint"},
		"redirect":     {pollertest.Rule{Status: 302, Header: http.Header{"Location": {"https://evil.example.com"}}}, true, "HTTP 302 Found: a redirect to evil.example.com (request id "},
		"a cache":      {pollertest.Rule{Status: 304}, true, "; a cache on the way responded, not the service, as if this client had a copy: take the IAM endpoint out of that cache"},
		"not found":    {pollertest.Rule{Status: 404, Raw: `{"itemNotFound":{"message":"no such domain","code":404}}`}, true, "HTTP 404 Not Found: 404: no such domain (request id "},
		"no URL":       {pollertest.Rule{Status: 302, Header: http.Header{"Location": {"https://evil.example.com/%zz"}}}, true, "a redirect is never followed"},
		"timeout":      {pollertest.Rule{Status: 408}, false, "HTTP 408"},
		"too early":    {pollertest.Rule{Status: 425}, false, "HTTP 425"},
		"throttled":    {pollertest.Rule{Status: 429}, false, "; too many logins: share one credential among all waits"},
		"broken":       {pollertest.Rule{Status: 500, Body: pollertest.HTML}, false, "; if this persists, check the IAM endpoint"},
		"200":          {pollertest.Rule{Status: 200, Raw: "{}"}, false, "HTTP 200"},
		"no token":     {pollertest.Rule{Status: 201, Raw: `{"token":{}}`}, false, "no token: if this persists, check the IAM endpoint"},
		"reset":        {pollertest.Rule{Break: pollertest.Reset}, false, "closed the connection: if this persists, check the IAM endpoint"},
		"echo":         {pollertest.Rule{Status: 500, Raw: `{"error":{"message":"` + hunter2 + `"}}`}, false, "HTTP 500"},
		"echoed as id": {pollertest.Rule{Status: 500, Header: http.Header{"X-Request-Id": {hunter2}}}, false, "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p := iam(t)
				s.Fail(c.rule)
				e := failure(t, p)
				require.Equal(t, c.permanent, e.Permanent, e)
				require.ErrorContains(t, e, c.text)
				require.NotContains(t, e.Error(), "\n")
				require.Len(t, s.Requests(), 1)
			})
		})
	}
}

// The messages of IAM, as its pages have them, and of Keystone, which it is made from.
func TestARefusedLoginSaysWhatToDo(t *testing.T) {
	const locked = "the user is locked because of failed logins, for 15 minutes unless the account's policy says otherwise: wait without logging in, and find the program that logs in with a wrong password"
	for message, want := range map[string]string{
		"The account is locked.":                                         locked,
		"The account is locked for user: 0970.":                          locked,
		"The account is temporarily disabled for user: 0970":             locked,
		"The password is expired and needs to be changed for user: 0970": "the password has expired: set a new one",
		"The account is disabled for user: 0970.":                        "the user is disabled: ask the account's administrator",
		"The username or password is wrong.":                             `check the password, and the user's name "user", the domain "account" and the project "cn-north-4"`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, p := iam(t)
			s.Fail(pollertest.Rule{Status: 401, Body: pollertest.IAM, Message: message})
			e := failure(t, p)
			require.ErrorContains(t, e, "401: "+message+" (request id ")
			require.ErrorContains(t, e, "; "+want+". The next login waits ten minutes, because failed logins lock a user")
			require.True(t, e.Permanent, "a message chooses a hint, never a verdict")
			require.False(t, e.Rejected)
		})
	}
}

func TestAnIAMThatIsNotReachedSaysWhatToCheck(t *testing.T) {
	for want, edit := range map[string]func(*credential.PasswordOptions){
		"connection refused; nothing listens there: check the host and the port in the IAM endpoint": func(o *credential.PasswordOptions) {
			o.IAMEndpoint, o.HTTPClient = "https://127.0.0.1:1", nil
		},
		"no such host; check the region in the IAM endpoint": func(o *credential.PasswordOptions) {
			o.IAMEndpoint = "https://iam.nowhere.example.com"
		},
	} {
		_, p := iam(t, edit)
		require.ErrorContains(t, failure(t, p), want)
	}
}

func TestATokenThatARefusalEchoesIsNotPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const issued = "MIIQtgYJKoZIhvcNAQcCoIIQpzCC"
		s, p := iam(t)
		s.Fail(pollertest.Rule{
			Call: pollertest.IssueToken, Status: 500, Raw: `{"error":{"message":"no use for ` + issued + `"}}`,
			Header: http.Header{"X-Subject-Token": {issued}, "X-Request-Id": {issued}},
		})
		e := failure(t, p)
		require.NotContains(t, e.Error(), issued)
		require.ErrorContains(t, e, "no use for [redacted] (request id [redacted])")
	})
}

func TestIAMThatHangsIsGivenUpAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := iam(t)
		s.Fail(pollertest.Rule{Break: pollertest.Hang})
		start := time.Now()
		require.ErrorContains(t, failure(t, c), "no response from IAM at 127.0.0.1: ")
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestIAMThatSwitchesProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silence, _ := io.Pipe() // net/http does not close it when the context ends
		_, p := iam(t, through(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 101, Body: silence, Request: r}, nil
		}))
		e := failure(t, p)
		require.False(t, e.Permanent)
		require.ErrorContains(t, e, "IAM at 127.0.0.1 responded with HTTP 101 Switching Protocols")
	})
}

// A response that breaks off after its header has the token.
func TestATokenWhoseEndIsNotKnownIsUsedUntilItIsRejected(t *testing.T) {
	for name, rule := range map[string]pollertest.Rule{
		"broken off": {Break: pollertest.Reset, After: 10},
		"no JSON":    {Status: 201, Raw: "<html>", Header: http.Header{"X-Subject-Token": {"t"}}},
		"no time":    {Status: 201, Raw: `{"token":{"expires_at":"soon"}}`, Header: http.Header{"X-Subject-Token": {"t"}}},
		"past":       {Status: 201, Raw: `{"token":{"expires_at":"1999-01-01T00:00:00Z"}}`, Header: http.Header{"X-Subject-Token": {"t"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := iam(t)
				s.Fail(rule)
				first := token(t, c)
				time.Sleep(48 * time.Hour)
				require.Equal(t, first, token(t, c))
				require.Len(t, s.Requests(), 1)
			})
		})
	}
}

func TestAnUnknownHostIsInTheErrorsChain(t *testing.T) {
	_, c := iam(t, func(o *credential.PasswordOptions) { o.IAMEndpoint = "https://iam.nowhere.example.com" })
	e := failure(t, c)
	require.False(t, e.Permanent)
	dns, ok := errors.AsType[*net.DNSError](e)
	require.True(t, ok, "a mistyped region must not hang: a wait looks for this")
	require.True(t, dns.IsNotFound)
}

func TestANetworkErrorThatQuotesThePassword(t *testing.T) {
	_, c := iam(t, through(func(*http.Request) (*http.Response, error) { return nil, errors.New("malformed answer: " + hunter2) }))
	require.ErrorContains(t, failure(t, c), "malformed answer: ")
}

// A RoundTripper that panics leaves no poll waiting.
func TestAPanicPassesThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := iam(t, through(func(*http.Request) (*http.Response, error) { panic("a bug") }))
		require.PanicsWithValue(t, "a bug", func() { c.Authorize(t.Context(), request(t)) })
		require.ErrorContains(t, failure(t, c), "abandoned")
		time.Sleep(time.Second)
		require.PanicsWithValue(t, "a bug", func() { c.Authorize(t.Context(), request(t)) })
	})
}

func TestPasswordThatCantBeUsed(t *testing.T) {
	full := credential.PasswordOptions{
		IAMEndpoint: "https://iam.example.com", User: "u", Password: hunter2, Domain: "d", ProjectName: "p",
	}
	for want, spoil := range map[string]func(*credential.PasswordOptions){
		"the IAM endpoint is empty: give one like https://iam.": func(o *credential.PasswordOptions) { o.IAMEndpoint = "" },
		"the IAM endpoint has a user or a password":             func(o *credential.PasswordOptions) { o.IAMEndpoint = "https://u:" + hunter2 + "@h" },
		"the IAM endpoint begins with http://":                  func(o *credential.PasswordOptions) { o.IAMEndpoint = "http://iam.example.com" },
		"the user's name is empty":                              func(o *credential.PasswordOptions) { o.User = "" },
		"the password is empty":                                 func(o *credential.PasswordOptions) { o.Password = "" },
		"the domain (the account's name) is empty":              func(o *credential.PasswordOptions) { o.Domain = "" },
		"the project's name or id is empty":                     func(o *credential.PasswordOptions) { o.ProjectName = "" },
	} {
		o := full
		spoil(&o)
		c, err := credential.Password(o)
		require.ErrorContains(t, err, want)
		require.Nil(t, c)
		require.NotContains(t, err.Error(), hunter2)
		require.True(t, strings.HasPrefix(err.Error(), "credential: "))
	}
	_, err := credential.Password(full)
	require.NoError(t, err, "without a network")
}

func TestTheTimeoutOfTheHTTPClientBoundsALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := iam(t, func(o *credential.PasswordOptions) {
			own := *o.HTTPClient
			own.Timeout = 3 * time.Second
			o.HTTPClient = &own
		})
		s.Fail(pollertest.Rule{Delay: time.Minute})
		begin := time.Now()
		e := failure(t, p)
		require.False(t, e.Permanent)
		require.Equal(t, 3*time.Second, time.Since(begin))
	})
}
