package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/environ/environtest"
	"github.com/sfsturbo/waiter/poller/credential"
)

func TestMain(m *testing.M) {
	environtest.Unset()
	goleak.VerifyTestMain(m)
}

func request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com", nil)
	require.NoError(t, err)
	return r
}

func TestTokenIsSentAsXAuthToken(t *testing.T) {
	r := request(t)
	require.NoError(t, credential.Token("MIIQ+tok/en==").Authorize(t.Context(), r))
	require.Equal(t, http.Header{"X-Auth-Token": {"MIIQ+tok/en=="}}, r.Header)
}

func TestTokenThatCantBeSentIsPermanent(t *testing.T) {
	for token, want := range map[string]string{
		"":               "the token is empty",
		" \t\n":          "the token is empty",
		"MIIQsecret\n":   "trailing newline",
		"MIIQsecret\r\n": "trailing newline",
		"MIIQ\nsecret":   "control character",
		"MIIQ\x00secret": "control character",
		"MIIQ\x7fsecret": "control character",
	} {
		for name, c := range map[string]credential.Credential{
			"Token":     credential.Token(token),
			"TokenFunc": credential.TokenFunc(func(context.Context) (string, error) { return token, nil }),
		} {
			t.Run(fmt.Sprintf("%s %q", name, token), func(t *testing.T) {
				r := request(t)
				err := c.Authorize(t.Context(), r)
				e, ok := errors.AsType[*credential.Error](err)
				require.True(t, ok)
				require.True(t, e.Permanent)
				require.ErrorContains(t, err, want)
				require.NotContains(t, err.Error(), "MIIQ")
				require.Empty(t, r.Header)
			})
		}
	}
}

func TestTokenFuncIsAskedForEveryRequest(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "the poll's"))
	defer cancel()
	asked := 0
	c := credential.TokenFunc(func(ctx context.Context) (string, error) {
		require.Equal(t, "the poll's", ctx.Value(key{}))
		if asked++; asked == 3 {
			cancel()
			require.Error(t, ctx.Err(), "it ends with the poll's")
		}
		return fmt.Sprintf("token-%d", asked), nil
	})
	for n := range 3 {
		r := request(t)
		require.NoError(t, c.Authorize(ctx, r))
		require.Equal(t, fmt.Sprintf("token-%d", n+1), r.Header.Get("X-Auth-Token"))
	}
}

func TestTokenFuncErrorPasses(t *testing.T) {
	down := errors.New("vault is sealed")
	err := credential.TokenFunc(func(context.Context) (string, error) { return "ignored", down }).Authorize(t.Context(), request(t))
	e, ok := errors.AsType[*credential.Error](err)
	require.True(t, ok)
	require.False(t, e.Permanent)
	require.ErrorIs(t, err, down)
	require.EqualError(t, err, "credential: asking for a token: vault is sealed")
}

func TestTokenFuncMaySayThatItsErrorIsPermanent(t *testing.T) {
	own := &credential.Error{Permanent: true, Err: errors.New("no such secret")}
	err := credential.TokenFunc(func(context.Context) (string, error) { return "", own }).Authorize(t.Context(), request(t))
	require.Same(t, own, err)
}

func TestTokenFuncIsNotAskedOnceTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := credential.TokenFunc(func(context.Context) (string, error) {
		t.Error("asked")
		return "token", nil
	}).Authorize(ctx, request(t))
	require.ErrorIs(t, err, context.Canceled)
	e, ok := errors.AsType[*credential.Error](err)
	require.True(t, ok)
	require.False(t, e.Permanent)
}

func TestTokenFuncOfNilIsPermanent(t *testing.T) {
	err := credential.TokenFunc(nil).Authorize(t.Context(), request(t))
	e, ok := errors.AsType[*credential.Error](err)
	require.True(t, ok)
	require.True(t, e.Permanent)
	require.ErrorContains(t, err, "nil func")
}

func TestTokensAreNotRefreshers(t *testing.T) {
	for _, c := range []credential.Credential{credential.Token("t"), credential.TokenFunc(nil)} {
		_, ok := c.(credential.Refresher)
		require.False(t, ok)
	}
}

func TestNoPrintShowsTheToken(t *testing.T) {
	const secret = "MIIQsecretsecretsecret"
	for _, c := range []credential.Credential{
		credential.Token(secret),
		credential.TokenFunc(func(context.Context) (string, error) { return secret, nil }),
	} {
		require.NoError(t, c.Authorize(t.Context(), request(t)))
		held := struct{ C credential.Credential }{c}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			require.NotContains(t, fmt.Sprintf(verb, c), secret)
			require.NotContains(t, fmt.Sprintf(verb, held), secret)
			require.NotContains(t, fmt.Sprintf(verb, &held), secret)
			require.NotContains(t, fmt.Sprintf(verb, c), "4d494951") // in hex
		}
	}
}
