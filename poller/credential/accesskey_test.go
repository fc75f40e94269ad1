package credential_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

const (
	access  = "AKEXAMPLE0000000000"
	secret  = "SKEXAMPLEsecretsecretsecret00000"
	project = "0970dd7a1300f5672ff2c003c60ae115"
)

func accessKey(t *testing.T, o credential.AccessKeyOptions) credential.Credential {
	t.Helper()
	c, err := credential.AccessKey(o)
	require.NoError(t, err)
	return c
}

// The service's page has the signature of a request at a time: what Authorize sends
// then.
func TestAccessKeySignsLikeTheServicesPage(t *testing.T) {
	for _, c := range []struct{ project, authorization string }{
		{project, "SDK-HMAC-SHA256 Access=AKEXAMPLE0000000000, SignedHeaders=x-project-id;x-sdk-date, Signature=198bd4162345d27c8205009008ad7e96f001d38e8ab1edc4ce621a6b822e9bf8"},
		{"", "SDK-HMAC-SHA256 Access=AKEXAMPLE0000000000, SignedHeaders=host;x-sdk-date, Signature=c536f4ff5cea1f7e41bb8d1db78339f6111d3dbbe657e193e51a5e1b32b4e5bd"},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Date(2023, 7, 26, 9, 33, 58, 0, time.UTC)))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
				"https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/"+project+"/sfs-turbo/jobs/26f6b565-1111-2222-3333-03f0bd975433", nil)
			require.NoError(t, err)
			key := accessKey(t, credential.AccessKeyOptions{AccessKey: access, SecretKey: secret, ProjectID: c.project})
			require.NoError(t, key.Authorize(t.Context(), r))
			require.Equal(t, c.authorization, r.Header.Get("Authorization"))
			require.Equal(t, c.project, r.Header.Get("X-Project-Id"))

			time.Sleep(time.Minute)
			require.NoError(t, key.Authorize(t.Context(), r))
			require.Equal(t, "20230726T093458Z", r.Header.Get("X-Sdk-Date"), "each attempt is signed again")
			require.NotEqual(t, c.authorization, r.Header.Get("Authorization"))
		})
	}
}

func TestATemporaryKeysTokenIsSentAndSigned(t *testing.T) {
	r := request(t)
	key := accessKey(t, credential.AccessKeyOptions{AccessKey: access, SecretKey: secret, SecurityToken: "temporary", ProjectID: "p"})
	require.NoError(t, key.Authorize(t.Context(), r))
	require.Equal(t, "temporary", r.Header.Get("X-Security-Token"))
	require.Contains(t, r.Header.Get("Authorization"), "SignedHeaders=x-project-id;x-sdk-date;x-security-token,")
}

func TestAProjectThatTheRequestNamesIsSigned(t *testing.T) {
	r := request(t)
	r.Header.Set("X-Project-Id", "p")
	require.NoError(t, accessKey(t, credential.AccessKeyOptions{AccessKey: access, SecretKey: secret}).Authorize(t.Context(), r))
	require.Contains(t, r.Header.Get("Authorization"), "SignedHeaders=x-project-id;x-sdk-date,")
}

func TestAccessKeyThatCantBeUsed(t *testing.T) {
	rotate := func(context.Context) (string, string, string, error) { return access, secret, "", nil }
	for want, o := range map[string]credential.AccessKeyOptions{
		"the access key and its secret key are empty":  {},
		"the access key is empty, its":                 {SecretKey: secret},
		"secret key is empty":                          {AccessKey: access},
		"comma, a space or an equals":                  {AccessKey: "AK, SignedHeaders=", SecretKey: secret},
		"secret key has a trailing newline":            {AccessKey: access, SecretKey: secret + "\n"},
		"secret key has a space before or after":       {AccessKey: access, SecretKey: " " + secret},
		"security token has a control character":       {AccessKey: access, SecretKey: secret, SecurityToken: secret + "\x00x"},
		"project id has a control character":           {AccessKey: access, SecretKey: secret, ProjectID: "a\nb"},
		"a key and also Rotate: leave one of them out": {AccessKey: access, Rotate: rotate},
	} {
		c, err := credential.AccessKey(o)
		require.ErrorContains(t, err, want)
		require.Nil(t, c)
		require.NotContains(t, err.Error(), secret)
		e, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
		require.True(t, e.Permanent)
	}
}

func TestRotateIsAskedForEveryAttempt(t *testing.T) {
	keys := []string{"FIRST", "SECOND"}
	c := accessKey(t, credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) {
		next := keys[0]
		keys = keys[1:]
		return next, secret, "token of " + next, nil
	}})
	for _, want := range []string{"FIRST", "SECOND"} {
		r := request(t)
		require.NoError(t, c.Authorize(t.Context(), r))
		require.Contains(t, r.Header.Get("Authorization"), "Access="+want+",")
		require.Equal(t, "token of "+want, r.Header.Get("X-Security-Token"))
	}
}

func TestAFormerKeysSecurityTokenIsNotSentWithTheNext(t *testing.T) {
	tokens := []string{"temporary", ""}
	c := accessKey(t, credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) {
		next := tokens[0]
		tokens = tokens[1:]
		return access, secret, next, nil
	}})
	r := request(t) // the same for both attempts
	for _, want := range []string{"temporary", ""} {
		require.NoError(t, c.Authorize(t.Context(), r))
		require.Equal(t, want, r.Header.Get("X-Security-Token"))
	}
}

func TestErrorsOfRotate(t *testing.T) {
	down := errors.New("vault is sealed")
	final := &credential.Error{Permanent: true, Err: down}
	for _, c := range []struct {
		access    string
		err       error
		permanent bool
		text      string
	}{
		{"", down, false, "credential: asking for an access key: vault is sealed"},
		{"", final, true, "credential: vault is sealed"},
		{"", nil, true, "credential: the access key is empty, its secret key is not"},
	} {
		err := accessKey(t, credential.AccessKeyOptions{Rotate: func(context.Context) (string, string, string, error) {
			return c.access, secret, "", c.err
		}}).Authorize(t.Context(), request(t))
		require.EqualError(t, err, c.text)
		e, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
		require.Equal(t, c.permanent, e.Permanent)
	}
}

func TestABodyThatCantBeReadIsNotSigned(t *testing.T) {
	broken := errors.New("broken pipe")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com", io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)))
	require.NoError(t, err)
	err = accessKey(t, credential.AccessKeyOptions{AccessKey: access, SecretKey: secret}).Authorize(t.Context(), r)
	require.ErrorIs(t, err, broken)
	require.Empty(t, r.Header.Get("Authorization"))
}
