package huaweicloud_test

import (
	"net/http"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest/conformance"
)

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T, endpoint, projectID string, hc *http.Client) poller.Poller {
		keys := basic.NewCredentialsBuilder().WithAk(accessKey).WithSk(secretKey).WithProjectId(projectID)
		return through(t, client(t, endpoint, with(keys), func(_ *builder, c *httpConfig) { c.WithHttpRoundTripper(hc.Transport) }))
	})
}
