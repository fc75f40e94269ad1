package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

func TestCheckBase(t *testing.T) {
	const example = "https://example.com"
	for raw, want := range map[string]string{
		"https://a.example.com":     "https://a.example.com",
		"https://a.example.com///":  "https://a.example.com",
		"https://a:8443/gw/a%2Fb/":  "https://a:8443/gw/a%2Fb",
		"http://localhost:80":       "http://localhost:80",
		"http://127.0.0.2/x":        "http://127.0.0.2/x",
		"http://[::1]:8080":         "http://[::1]:8080",
		"http://[::ffff:127.0.0.1]": "http://[::ffff:127.0.0.1]",
	} {
		got, err := wire.CheckBase("endpoint", raw, example, false)
		require.NoError(t, err, raw)
		require.Equal(t, want, got)
	}
	for raw, want := range map[string]string{
		"":                              "the endpoint is empty: give one like " + example,
		" ":                             "the endpoint is empty",
		"https://exa mple.com":          "the endpoint is not a URL",
		"example.com":                   "the endpoint does not begin with https://",
		"ftp://example.com":             "the endpoint does not begin with https://",
		"https://u:secret@example.com":  "the endpoint has a user or a password in it",
		"https://":                      "the endpoint has no valid host",
		"https://a..example.com":        "the endpoint has no valid host",
		"https://.example.com":          "the endpoint has no valid host",
		"https://example.com:0":         "the endpoint has no valid host",
		"https://example.com:65536":     "the endpoint has no valid host",
		"https://example.com?secret=x":  "the endpoint has a query or a fragment",
		"https://example.com/#fragment": "the endpoint has a query or a fragment",
	} {
		_, err := wire.CheckBase("endpoint", raw, example, false)
		require.ErrorContains(t, err, want, raw)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := wire.CheckBase("endpoint", "http://10.0.0.5", example, false)
	require.ErrorIs(t, err, wire.ErrPlainHTTP)
	got, err := wire.CheckBase("endpoint", "http://10.0.0.5", example, true)
	require.NoError(t, err)
	require.Equal(t, "http://10.0.0.5", got)
}

func TestRegionURL(t *testing.T) {
	require.Equal(t, "https://iam.cn-north-4.myhuaweicloud.com", wire.RegionURL("iam", "cn-north-4"))
	require.Equal(t, "https://iam.eu-west-101.myhuaweicloud.eu", wire.RegionURL("iam", "eu-west-101"))
}
