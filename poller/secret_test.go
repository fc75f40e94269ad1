package poller_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

type vault struct{ Secret string }

func (v vault) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Auth-Token", v.Secret)
	r.Header.Set("X-Security-Token", "security-"+v.Secret)
	r.Header.Set("Authorization", "Bearer "+strings.ToLower(v.Secret))
	return nil
}

// prints returns v in every way in which a log might show it.
func prints(v any) (all string) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+"\n", v)
	}
	return all
}

func TestNoPrintOfAClientShowsItsCredential(t *testing.T) {
	transport := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("unused") })
	for _, cred := range []poller.Option{
		poller.WithCredential(vault{token}),
		poller.WithCredential(&vault{token}),
		poller.WithHTTPClient(&http.Client{Transport: struct {
			http.RoundTripper
			Secret string
		}{transport, token}}),
	} {
		c := client(t, "https://example.com/prefix", cred)
		type holder struct {
			exported any
			client   poller.Client
			pointer  *poller.Client
		}
		for _, v := range []any{c, *c, holder{c, *c, c}, &holder{*c, *c, c}, cred} {
			all := prints(v)
			require.NotContains(t, all, token)
			require.NotContains(t, all, fmt.Sprintf("%x", token))
		}
		require.Contains(t, fmt.Sprint(c), "https://example.com/prefix/v1/project")

		var dump dumped // follows pointers and ignores methods
		assert.Equal(&dump, &poller.Client{}, c)
		require.Contains(t, dump, "authorize: (func(")
		require.NotContains(t, dump, token)
	}
}

// dumped is what a failed assertion prints.
type dumped string

func (d *dumped) Errorf(format string, args ...any) { *d += dumped(fmt.Sprintf(format, args...)) }

func TestNoErrorHoldsTheToken(t *testing.T) {
	echo := func(secret string) map[string]http.HandlerFunc {
		body := func(code int, format string) http.HandlerFunc {
			return answer(code, strings.ReplaceAll(format, "$", secret))
		}
		return map[string]http.HandlerFunc{
			"message":      body(401, `{"errCode":"X.1","errMsg":"the token $ has expired"}`),
			"cut message":  body(403, `{"error":{"code":401,"message":"`+secret[:20]+`..."}}`),
			"long message": body(403, `{"errMsg":"`+strings.Repeat("x", 490)+` $"}`),
			"code":         body(400, `{"errCode":"$"}`),
			"request id":   body(500, `{"code":"1","request_id":"$"}`),
			"title":        body(502, `<title>$</title>`),
			"HTML":         body(200, `<title>$</title>`),
			"another job":  body(200, `{"status":"running","job_id":"$"}`),
			"error as job": body(200, `{"errCode":"1","errMsg":"$"}`),
			"garbage":      body(200, `$`),
			"header": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", secret)
				answer(503, "")(w, r)
			},
			"redirect": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "https://"+secret+".example.com/"+secret)
				answer(302, "")(w, r)
			},
			"bad redirect": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "https://"+secret+".example.com/%zz")
				answer(302, "")(w, r)
			},
		}
	}
	for _, secret := range []string{token, "security-" + token, strings.ToLower(token)} {
		for name, h := range echo(secret) {
			t.Run(name, func(t *testing.T) {
				_, err := poll(t, h, poller.WithCredential(vault{token}))
				require.Error(t, err)
				holdsNoSecret(t, err, secret[:20])
			})
		}
	}
}

func TestNoNetworkErrorHoldsTheToken(t *testing.T) {
	for name, response := range map[string]string{
		"no HTTP":    token + "\r\n",
		"bad header": "HTTP/1.1 200 OK\r\n" + token + "\r\n\r\n",
		"bad status": "HTTP/1.1 " + token + " OK\r\n\r\n",
		"trailer":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n" + token + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, serveRaw(t, response)).Poll(within(t, 10*time.Second), jobID)
			require.Error(t, err)
			holdsNoSecret(t, err, token)
			if name != "trailer" {
				_, ok := errors.AsType[*url.Error](err)
				require.True(t, ok)
			}
		})
	}
	t.Run("can't be sent", func(t *testing.T) {
		_, err := client(t, "https://example.com", poller.WithCredential(vault{token + "\n"})).Poll(t.Context(), jobID)
		require.Error(t, err)
		holdsNoSecret(t, err, token)
	})
}

// holdsNoSecret looks at every error of the chain.
func holdsNoSecret(t *testing.T, err error, secret string) {
	t.Helper()
	require.NotContains(t, prints(err), secret)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			holdsNoSecret(t, inner, secret)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			holdsNoSecret(t, inner, secret)
		}
	}
}
