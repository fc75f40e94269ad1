package wire_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUnfollowed(t *testing.T) {
	for _, location := range []string{"https://elsewhere.example.com/", "https://exa mple.com/%zz", ""} {
		asked := 0
		client := http.Client{Transport: wire.Unfollowed{RoundTripper: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			resp := &http.Response{StatusCode: 302, Header: http.Header{"X": {"y"}}, Body: http.NoBody, Request: r}
			if location != "" {
				resp.Header.Set("Location", location)
			}
			return resp, nil
		})}}
		resp, err := client.Get("https://example.com")
		require.NoError(t, err, "even if the target is not a URL")
		require.Equal(t, 1, asked)
		require.Equal(t, 302, resp.StatusCode)
		require.Equal(t, location, wire.RedirectTarget(resp))
		require.Equal(t, "y", resp.Header.Get("X"))
	}
	down := errors.New("connection refused")
	_, err := wire.Unfollowed{RoundTripper: roundTrip(func(*http.Request) (*http.Response, error) { return nil, down })}.RoundTrip(nil)
	require.Equal(t, down, err)
}
