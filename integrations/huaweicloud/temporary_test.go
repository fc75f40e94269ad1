package huaweicloud_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const securityToken = "ggpjbi1ub3J0aC00TH9bXX5Oc2VjdXJpdHktdG9rZW4"

func TestTemporaryKeys(t *testing.T) {
	server := temporary(t)
	id := server.Add(pollertest.Script{})
	for token, good := range map[string]bool{securityToken: true, "": false, "another": false} {
		c := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithSecurityToken(token).WithProjectId(project)
		_, err := through(t, client(t, server.Start(), with(c))).Poll(t.Context(), id)
		require.Equal(t, good, err == nil, "%v", err)
	}
}

// The SDK asks IAM for a temporary key in the first call, and keeps it, without a
// lock: with many polls at once, one asks.
func TestFederatedKeys(t *testing.T) {
	server := temporary(t)
	id := server.Add(pollertest.Script{})
	var asked atomic.Int32
	iam := identity(t, func() string {
		asked.Add(1)
		return `{"credential":{"access":"` + accessKey + `","secret":"` + secretKey + `","securitytoken":"` + securityToken + `","expires_at":"` + tomorrow() + `"}}`
	})
	p := through(t, client(t, server.Start(), with(federated(t, iam))))
	var polls sync.WaitGroup
	for range 20 {
		polls.Go(func() {
			_, err := p.Poll(t.Context(), id)
			if err != nil {
				t.Error(err)
			}
		})
	}
	polls.Wait()
	require.EqualValues(t, 1, asked.Load())
}

func TestWithoutATemporaryKey(t *testing.T) {
	server := temporary(t)
	for _, test := range []struct {
		status    int
		body      string
		permanent bool
		want      string
	}{
		{401, `{"error":{"code":401,"message":"The id token ` + idToken + ` is invalid"}}`, true, "no temporary key: HTTP 401"},
		{403, `{"error_code":"IAM.0003","error_msg":"policy"}`, true, "no temporary key: HTTP 403 IAM.0003"},
		{429, ``, false, "no temporary key: HTTP 429"},
		{503, ``, false, "no temporary key: HTTP 503"},
		{200, `{"token":{}}`, false, "no temporary key: [CreateTokenWithIdTokenError] failed to get the expiration time"},
	} {
		iam := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
		}))
		_, err := through(t, client(t, server.Start(), with(federated(t, iam)))).Poll(t.Context(), jobID)
		refused(t, err, test.permanent, test.want)
		iam.Close()
		_, err = through(t, client(t, server.Start(), with(federated(t, iam)))).Poll(t.Context(), jobID)
		refused(t, err, false, "connection refused")
	}
	iam := identity(t, func() string {
		return `{"credential":{"access":"` + accessKey + `","secret":"` + secretKey + `","expires_at":7}}`
	})
	_, err := through(t, client(t, server.Start(), with(federated(t, iam)))).Poll(t.Context(), jobID)
	refused(t, err, false, "no temporary key: ") // the SDK quotes what it can't read
	_, err = through(t, client(t, server.Start(), with(federated(t, iam).WithIdTokenFile("/no/such/file")))).Poll(t.Context(), jobID)
	refused(t, err, false, "no such file")
	require.Empty(t, server.Requests())
}

// Waiting does not fix a key that does not change.
func TestAKeyThatCantSign(t *testing.T) {
	server := service(t)
	keys := basic.NewCredentialsBuilder().WithAk(accessKey).WithProjectId(project)
	_, err := through(t, client(t, server.Start(), with(keys))).Poll(t.Context(), jobID)
	refused(t, err, true, "sk is required")
	_, err = through(t, client(t, server.Start(), func(_ *core.HcHttpClientBuilder, c *config.HttpConfig) { c.WithSigningAlgorithm("ROT13") })).Poll(t.Context(), jobID)
	refused(t, err, true, "unsupported signing algorithm")
	require.Empty(t, server.Requests())
}

func refused(t *testing.T, err error, permanent bool, want string) {
	t.Helper()
	require.ErrorContains(t, err, want)
	require.NotContains(t, err.Error(), idToken)
	require.NotContains(t, err.Error(), secretKey)
	require.Equal(t, "credential", poller.Kind(err))
	e, ok := errors.AsType[*credential.Error](err)
	require.True(t, ok)
	require.Equal(t, permanent, e.Permanent, "%v", err)
}

func temporary(t *testing.T) *pollertest.Server {
	server := pollertest.New(pollertest.WithTemporaryKey(accessKey, secretKey, securityToken))
	t.Cleanup(server.Close)
	return server
}

const idToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0"

// identity is an IAM that accepts any id token, and returns the key.
func identity(t *testing.T, key func() string) *httptest.Server {
	iam := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := `{"token":{"expires_at":"` + tomorrow() + `"}}`
		if r.URL.Path == "/v3.0/OS-CREDENTIAL/securitytokens" {
			body = key()
		}
		w.Header().Set("X-Subject-Token", token)
		w.Header().Set("X-Request-Id", "1")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(iam.Close)
	return iam
}

func tomorrow() string {
	return time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z")
}

func federated(t *testing.T, iam *httptest.Server) *basic.CredentialsBuilder {
	file := filepath.Join(t.TempDir(), "id-token")
	require.NoError(t, os.WriteFile(file, []byte(idToken), 0o600))
	return basic.NewCredentialsBuilder().WithIdpId("idp").WithIdTokenFile(file).WithIamEndpointOverride(iam.URL).WithProjectId(project)
}
