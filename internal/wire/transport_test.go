package wire_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

// net/http goes on dialing after the request has ended, and counts that as a connection.
func TestADialEndsAfterTenSeconds(t *testing.T) {
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	synctest.Test(t, func(t *testing.T) {
		took := make(chan time.Duration, 1)
		http.DefaultTransport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			begin := time.Now()
			<-ctx.Done()
			took <- time.Since(begin)
			return nil, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1", nil)
		require.NoError(t, err)
		_, err = wire.NewTransport().RoundTrip(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, <-took)
	})
}

func TestADialOfNoTransportOfTheProgram(t *testing.T) {
	standard := http.DefaultTransport
	defer func() { http.DefaultTransport = standard }()
	http.DefaultTransport = &http.Transport{}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	conn, err := wire.NewTransport().DialContext(t.Context(), "tcp", server.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
