package poller

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestTheDefaultTransport(t *testing.T) {
	transport := newTransport()
	require.NotNil(t, transport.Proxy, "the environment's proxy")
	require.Equal(t, 64, transport.MaxConnsPerHost)
	require.Equal(t, 64, transport.MaxIdleConnsPerHost)
	require.EqualValues(t, 256<<10, transport.MaxResponseHeaderBytes)
	require.NotSame(t, http.DefaultTransport, transport)

	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	http.DefaultTransport = wire.Unfollowed{RoundTripper: standard} // as tracing libraries do
	require.NotNil(t, newTransport().Proxy)
}
