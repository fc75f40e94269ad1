package huaweicloud_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/impl"
	sfsturbo "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/integrations/huaweicloud"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

// A client that can't ask is found out before the first poll.
func TestNewSaysWhatIsMissing(t *testing.T) {
	keys := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithProjectId(project)
	hc := func(with ...func(*builder, *httpConfig)) *sfsturbo.SFSTurboClient {
		return client(t, "sfs-turbo.cn-north-4.myhuaweicloud.com", append(with, func(b *builder, _ *httpConfig) { b.WithEndpoints(nil) })...)
	}
	at := func(endpoint string) *sfsturbo.SFSTurboClient { return client(t, endpoint) }
	for want, c := range map[string]*sfsturbo.SFSTurboClient{
		"client is nil":                      nil,
		"client is nil, or has no":           {},
		"or has no credential":               sfsturbo.NewSFSTurboClient(core.NewHcHttpClient(impl.NewDefaultHttpClient(config.DefaultHttpConfig()))),
		"has no endpoint":                    hc(),
		"build it with WithRegion":           hc(with(keys)),
		"has a user or a password":           at("https://user:secret@example.com"),
		"the endpoint has a query":           at("https://example.com?a=b"),
		"no valid host":                      at("https://sfs-turbo..myhuaweicloud.com"),
		"the endpoint is not a URL":          at("https://exa mple.com"),
		"the endpoint has a user or a passw": at("http://secret@example.com"),
	} {
		p, err := huaweicloud.New(c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
		require.Nil(t, p)
	}
	for _, good := range []string{"sfs-turbo.cn-north-4.myhuaweicloud.com", "https://sfs-turbo.cn-north-4.myhuaweicloud.com/", "http://10.0.0.5:8080"} {
		_, err := huaweicloud.New(at(good))
		require.NoError(t, err, good)
	}
}

// New sends nothing, even if the client has an Authorization of its own.
func TestNewSendsNothing(t *testing.T) {
	server := service(t)
	sdk := client(t, server.Start())
	sdk.HcClient.WithExtraHeaders(map[string]string{"Authorization": "Basic c2VjcmV0"})
	p := through(t, sdk)
	require.Empty(t, server.Requests())
	_, err := p.Poll(t.Context(), jobID)
	require.Equal(t, poller.Unauthorized, poller.Classify(err), "the SDK does not sign then")
}

func TestNoIDWithASlashIsSent(t *testing.T) {
	server := service(t)
	p := through(t, client(t, server.Start()))
	for _, id := range []string{"a/b", "../../v1/other/sfs-turbo/jobs/x"} {
		_, err := p.Poll(t.Context(), id)
		require.ErrorContains(t, err, "the job id ")
		require.Equal(t, poller.Permanent, poller.Classify(err))
	}
	require.Empty(t, server.Requests())
}

// The client goes on as it was, with the error handler that it had.
func TestTheClientIsLeftAlone(t *testing.T) {
	server := service(t)
	sdk := client(t, server.Start())
	_, err := through(t, sdk).Poll(t.Context(), jobID)
	require.Equal(t, poller.NotFound, poller.Classify(err))
	_, err = sdk.ShowJobDetail(&model.ShowJobDetailRequest{JobId: jobID})
	require.ErrorContains(t, err, `"status_code":404`)
	server.Add(pollertest.Script{ID: jobID})
	resp, err := sdk.ShowJobDetail(&model.ShowJobDetailRequest{JobId: jobID})
	require.NoError(t, err)
	require.Equal(t, "success", resp.Status.Value())
}

func TestNoPrintShowsAKey(t *testing.T) {
	sdk := client(t, "https://example.com")
	sdk.HcClient.WithExtraHeaders(map[string]string{"X-Auth-Token": token})
	p := through(t, sdk)
	all, err := json.Marshal(p)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		all = fmt.Appendf(all, verb+"\n", p)
		all = fmt.Appendf(all, verb+"\n", struct{ poller.Poller }{p})
	}
	var dump dumped
	assert.Equal(&dump, nil, p)
	all = append(all, dump...)
	require.Contains(t, string(all), "https://example.com", "the dump")
	for _, secret := range []string{accessKey, secretKey, token, fmt.Sprintf("%x", secretKey)} {
		require.NotContains(t, string(all), secret)
	}
}

// dumped is what a failed assertion prints: it follows pointers.
type dumped string

func (d *dumped) Errorf(format string, args ...any) { *d += dumped(fmt.Sprintf(format, args...)) }

// A service that echoes what it was sent is not quoted.
func TestNoErrorHoldsASecret(t *testing.T) {
	const security = "ggpjbi1ub3J0aC00TH9bXX5Oc2VjdXJpdHktdG9rZW4"
	for name, respond := range map[string]func(w http.ResponseWriter, secrets string){
		"an error": func(w http.ResponseWriter, s string) {
			w.WriteHeader(403)
			fmt.Fprintf(w, `{"errCode":"X.1","errMsg":%q}`, s)
		},
		"a request id": func(w http.ResponseWriter, s string) { w.Header().Set("X-Request-Id", s); w.WriteHeader(500) },
		"a job":        func(w http.ResponseWriter, s string) { fmt.Fprintf(w, `{"status":"failed","fail_reason":%q}`, s) },
		"another job":  func(w http.ResponseWriter, s string) { fmt.Fprintf(w, `{"status":"failed","job_id":%q}`, s) },
		"no HTTP": func(w http.ResponseWriter, s string) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			fmt.Fprintf(conn, "%s\r\n\r\n", s)
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var sent []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
				sent = []string{signature, r.Header.Get("X-Security-Token")}
				respond(w, strings.Join(sent, " "))
			}))
			t.Cleanup(server.Close)
			keys := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithSecurityToken(security).WithProjectId(project)
			reply, err := through(t, client(t, server.URL, with(keys))).Poll(t.Context(), jobID)
			require.Len(t, sent[0], 64)
			require.Equal(t, security, sent[1])
			for _, secret := range append(sent, secretKey) {
				require.NotContains(t, fmt.Sprintf("%+v %v", reply, err), secret[:20])
			}
			require.Contains(t, fmt.Sprintf("%+v %v", reply, err), "[redacted]")
		})
	}
}
