package poller_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
)

// renewable is a Refresher whose n-th token is "token-n".
type renewable struct {
	tokens   int
	rejected []*http.Request
	fails    error
}

func (c *renewable) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("X-Auth-Token", fmt.Sprintf("token-%d", c.tokens))
	return nil
}

func (c *renewable) Refresh(_ context.Context, rejected *http.Request) error {
	c.rejected = append(c.rejected, rejected)
	if c.fails != nil {
		return c.fails
	}
	c.tokens++
	return nil
}

// only accepts requests with the one token, and counts all.
func only(token string, asked *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("X-Auth-Token") != token {
			answer(401, `{"error_code":"APIGW.0301","error_msg":"token expired","request_id":"9f3c"}`)(w, r)
			return
		}
		answer(200, good)(w, r)
	}
}

func TestRejectedRefresherIsRenewedOnce(t *testing.T) {
	var asked atomic.Int32
	cred := &renewable{}
	_, err := poll(t, only("token-1", &asked), poller.WithCredential(cred))
	require.NoError(t, err)
	require.EqualValues(t, 2, asked.Load())
	require.Len(t, cred.rejected, 1)
	require.Equal(t, "token-0", cred.rejected[0].Header.Get("X-Auth-Token"), "the request that was rejected")
	require.Contains(t, cred.rejected[0].URL.Path, jobID)
}

func TestRenewingThatDoesNotHelpIsUnauthorized(t *testing.T) {
	var asked atomic.Int32
	cred := &renewable{}
	_, err := poll(t, only("never", &asked), poller.WithCredential(cred))
	require.Equal(t, poller.Unauthorized, poller.Classify(err))
	require.Equal(t, "401", poller.Kind(err))
	require.EqualValues(t, 2, asked.Load())
	require.Len(t, cred.rejected, 1)
}

func TestRenewingThatFails(t *testing.T) {
	down := errors.New("IAM is down")
	for name, c := range map[string]struct {
		fails error
		want  poller.Verdict
		text  string
	}{
		"any error": {down, poller.Passing, "credential: renewing it failed: IAM is down; this was after: HTTP 401 Unauthorized from http://127.0.0.1:"},
		"passing":   {&credential.Error{Err: down}, poller.Passing, "credential: renewing it failed: IAM is down; this was after: HTTP 401"},
		"permanent": {&credential.Error{Permanent: true, Err: down}, poller.Permanent, "credential: renewing it failed: IAM is down; this was after: HTTP 401"},
		"in vain":   {&credential.Error{Permanent: true, Rejected: true, Err: down}, poller.Unauthorized, "credential: renewing it failed: IAM is down; this was after: HTTP 401"},
		"wrapped":   {fmt.Errorf("vault: %w", &credential.Error{Permanent: true, Err: down}), poller.Permanent, "credential: renewing it failed: vault: credential: IAM is down; this was after: HTTP 401"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			_, err := poll(t, only("never", &asked), poller.WithCredential(&renewable{fails: c.fails}))
			require.Equal(t, c.want, poller.Classify(err))
			require.Equal(t, "credential", poller.Kind(err))
			require.ErrorContains(t, err, c.text)
			require.ErrorIs(t, err, down)
			e, ok := errors.AsType[*poller.Error](err)
			require.True(t, ok, "the rejection is not lost")
			require.Equal(t, 401, e.StatusCode)
			require.EqualValues(t, 1, asked.Load())
		})
	}
}

func TestRejectedTokenFuncIsAskedOnceMore(t *testing.T) {
	for rightToken, wantErr := range map[string]bool{"token-2": false, "token-3": true} {
		var asked atomic.Int32
		tokens := 0
		_, err := poll(t, only(rightToken, &asked), poller.WithCredential(credential.TokenFunc(func(context.Context) (string, error) {
			tokens++
			return fmt.Sprintf("token-%d", tokens), nil
		})))
		require.EqualValues(t, 2, asked.Load())
		require.Equal(t, 2, tokens)
		require.Equal(t, wantErr, poller.Classify(err) == poller.Unauthorized)
		require.Equal(t, wantErr, err != nil)
	}
}

type signed struct{ calls int }

func (c *signed) Authorize(_ context.Context, r *http.Request) error {
	c.calls++
	r.Header.Set("Authorization", fmt.Sprint("Signature=", c.calls))
	return nil
}

func TestOtherCredentialsAreNeverTriedAgain(t *testing.T) {
	for _, c := range []credential.Credential{credential.Token("rejected"), &signed{}} {
		var asked atomic.Int32
		_, err := poll(t, only("never", &asked), poller.WithCredential(c))
		require.Equal(t, poller.Unauthorized, poller.Classify(err))
		require.EqualValues(t, 1, asked.Load())
	}
}

func TestOnlyARejectionRenews(t *testing.T) {
	for _, code := range []int{200, 302, 400, 403, 404, 407, 429, 500} {
		cred := &renewable{}
		poll(t, answer(code, ""), poller.WithCredential(cred))
		require.Empty(t, cred.rejected, code)
	}
}

type failing struct{ err error }

func (c failing) Authorize(context.Context, *http.Request) error { return c.err }

func (c failing) Refresh(context.Context, *http.Request) error { panic("nothing was rejected") }

func TestAuthorizeThatFails(t *testing.T) {
	own := &credential.Error{Permanent: true, Err: errors.New("a bad password")}
	wrapped := fmt.Errorf("mine: %w", own)
	for _, c := range []struct {
		err, want error
		verdict   poller.Verdict
	}{
		{own, own, poller.Permanent},
		{wrapped, wrapped, poller.Permanent},
		{errors.New("a moment"), &credential.Error{Err: errors.New("a moment")}, poller.Passing},
		{&poller.Error{StatusCode: 401}, &credential.Error{Err: &poller.Error{StatusCode: 401}}, poller.Passing},
	} {
		_, err := poll(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, poller.WithCredential(failing{c.err}))
		require.Equal(t, c.want, err)
		require.Equal(t, c.verdict, poller.Classify(err))
		require.Equal(t, "credential", poller.Kind(err))
	}
}

func TestEachAttemptIsAuthorizedOnAFreshRequest(t *testing.T) {
	var seen []*http.Request
	add := authorizer(func(r *http.Request) {
		r.Header.Add("X-Auth-Token", "token")
		r.URL.RawQuery = "signed"
		seen = append(seen, r)
	})
	c := client(t, serve(t, answer(200, good)).URL, poller.WithCredential(add))
	for range 3 {
		_, err := c.Poll(t.Context(), jobID)
		require.NoError(t, err)
	}
	require.Len(t, seen, 3)
	for _, r := range seen {
		require.Len(t, r.Header.Values("X-Auth-Token"), 1)
	}
	require.NotSame(t, seen[0], seen[1])
}

type authorizer func(*http.Request)

func (f authorizer) Authorize(_ context.Context, r *http.Request) error {
	f(r)
	return nil
}
