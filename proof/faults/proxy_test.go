package faults_test

import (
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// proxied puts a proxy in front of a server's endpoint, and returns the proxy's endpoint. The proxy
// stops with the test.
func proxied(t *testing.T, endpoint string) (*toxiproxy.Proxy, string) {
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(api, "jobs", "127.0.0.1:0", strings.TrimPrefix(endpoint, "http://"))
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	return proxy, "http://" + proxy.Listen
}

// toxic adds a toxic to the service's responses, in the notation of the proxy's own API.
func toxic(t *testing.T, proxy *toxiproxy.Proxy, description string) {
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(description))
	require.NoError(t, err)
}
