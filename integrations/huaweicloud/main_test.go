package huaweicloud_test

import (
	"io"
	"log"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	sfsturbo "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/sfsturbo/v1"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/integrations/huaweicloud"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet is for servers that would log what a test does to them.
var quiet = log.New(io.Discard, "", 0)

const (
	accessKey = "AKEXAMPLE0000000000"
	secretKey = "SKEXAMPLEsecretsecretsecret00000"
	token     = "MIIQtgYJKoZIhvcNAQcCoIIQpzCCEKMCAQExDTALBglghkgBZQ"
	project   = "0970dd7a1300f5672ff2c003c60ae115"
	jobID     = "26f6b565-1111-2222-3333-03f0bd975433"
)

// service refuses all but one key, one token and one project.
func service(t testing.TB) *pollertest.Server {
	server := pollertest.New(pollertest.WithProject(project), pollertest.WithAccessKey(accessKey, secretKey), pollertest.WithToken(token))
	t.Cleanup(server.Close)
	return server
}

// client is the SDK's, built as its users do.
func client(t testing.TB, endpoint string, with ...func(*core.HcHttpClientBuilder, *config.HttpConfig)) *sfsturbo.SFSTurboClient {
	keys, err := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithProjectId(project).SafeBuild()
	require.NoError(t, err)
	settings := config.DefaultHttpConfig().WithTimeout(15 * time.Second)
	builder := sfsturbo.SFSTurboClientBuilder().WithEndpoint(endpoint).WithCredential(keys)
	for _, w := range with {
		w(builder, settings)
	}
	hc, err := builder.WithHttpConfig(settings).SafeBuild()
	require.NoError(t, err)
	return sfsturbo.NewSFSTurboClient(hc)
}

func through(t testing.TB, c *sfsturbo.SFSTurboClient) poller.Poller {
	p, err := huaweicloud.New(c)
	require.NoError(t, err)
	return p
}

// direct is the Client that the adapter is held against.
func direct(t testing.TB, endpoint string) *poller.Client {
	c, err := poller.New(endpoint, project, poller.WithCredential(credential.Token(token)))
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}
