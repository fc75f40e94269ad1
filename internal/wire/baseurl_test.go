package wire_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/wire"
)

const exampleURL = "https://iam.example.com"

func TestCheckBase(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.com":           "https://example.com",
		"https://example.com:":          "https://example.com", // net/http sends no empty port
		"https://example.com:/a/":       "https://example.com/a",
		"https://[2001:db8::1]:":        "https://[2001:db8::1]",
		"https://[2001:db8::1]:1":       "https://[2001:db8::1]:1",
		"https://[::ffff:192.0.2.1]":    "https://[::ffff:192.0.2.1]",
		"https://192.0.2.1:65535":       "https://192.0.2.1:65535",
		"https://example.com.":          "https://example.com.",
		"https://EXAMPLE.com:443":       "https://EXAMPLE.com:443",
		"https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
		"https://my_service-1.local":    "https://my_service-1.local",
	} {
		base, err := wire.CheckBase("IAM endpoint", raw, exampleURL, false)
		require.NoError(t, err, raw)
		require.Equal(t, want, base, raw)
	}
}

// What is refused here would be accepted and then never reached, or signed under another host than
// it is sent to.
func TestCheckBaseErrors(t *testing.T) {
	const (
		zone  = "the IAM endpoint has an IPv6 zone (%eth0): a certificate can't be for one, and it is not sent: give an address without a zone, or a host name"
		ascii = "the IAM endpoint has a host name that is not ASCII: give its ASCII form, which begins with xn--, such as https://xn--bcher-kva.example"
		chars = "the IAM endpoint has a host name with a character other than letters, digits, hyphens and dots: give one like " + exampleURL
		port  = "the IAM endpoint has a port that is not between 1 and 65535"
	)
	for raw, want := range map[string]string{
		"http://[fe80::1%25eth0]:8080":     zone,
		"https://[fe80::1%25eth0]":         zone,
		"https://[fe80::1%25eth0]:443/v3":  zone,
		"https://[FE80::A%25wlan-1.2%20x]": "the IAM endpoint has an IPv6 zone (%wlan-1.2 x): a certificate can't be for one, and it is not sent: give an address without a zone, or a host name",
		"https://bücher.example":           ascii,
		"https://b%C3%BCcher.example:443":  ascii,
		"https://例子.example":               ascii,
		"https://example\u3002com":         ascii, // a full stop that browsers take for a dot
		"https://example.com\u200b":        ascii,
		"https://a<b":                      chars,
		"https://a,b":                      chars,
		`https://ex"ample.com`:             chars,
		"https://*.example.com":            chars,
		"https://(region).example.com":     chars,
		"https://example.com:0":            port,
		"https://example.com:65536":        port,
		"https://example.com:99999999999":  port,
		"https://[::1]:0":                  port,
		"https://user@example.com":         "the IAM endpoint has a user or a password in it: remove them, and use a credential",
		"https://@example.com":             "the IAM endpoint has a user or a password in it: remove them, and use a credential",
		"https://example.com?":             "the IAM endpoint has a query or a fragment: end it before the ? or #",
		"https://example.com#a":            "the IAM endpoint has a query or a fragment: end it before the ? or #",
		"https://example..com":             "the IAM endpoint has no valid host, perhaps because a region is missing: give one like " + exampleURL,
		"https://example.com..":            "the IAM endpoint has no valid host, perhaps because a region is missing: give one like " + exampleURL,
		"https://.":                        "the IAM endpoint has no valid host, perhaps because a region is missing: give one like " + exampleURL,
		"https://:443":                     "the IAM endpoint has no valid host, perhaps because a region is missing: give one like " + exampleURL,
	} {
		for _, plainHTTP := range []bool{true, false} {
			base, err := wire.CheckBase("IAM endpoint", raw, exampleURL, plainHTTP)
			require.EqualError(t, err, want, raw)
			require.Empty(t, base)
		}
	}
}

func TestCheckBasePlainHTTP(t *testing.T) {
	for _, raw := range []string{"http://localhost:80", "http://127.0.0.2/x", "http://[::1]:8080", "http://[::ffff:127.0.0.1]"} {
		_, err := wire.CheckBase("endpoint", raw, exampleURL, false)
		require.NoError(t, err, "this machine's own")
	}
	_, err := wire.CheckBase("endpoint", "http://10.0.0.5", exampleURL, false)
	require.ErrorIs(t, err, wire.ErrPlainHTTP)
	base, err := wire.CheckBase("endpoint", "http://10.0.0.5", exampleURL, true)
	require.NoError(t, err)
	require.Equal(t, "http://10.0.0.5", base)
}

func TestRegionURL(t *testing.T) {
	for region, want := range map[string]string{
		"cn-north-4": "https://iam.cn-north-4.myhuaweicloud.com", "eu-west-101": "https://iam.eu-west-101.myhuaweicloud.eu",
		"eu-west-102": "https://iam.eu-west-102.myhuaweicloud.eu", "eu-west-0": "https://iam.eu-west-0.myhuaweicloud.com",
	} {
		require.Equal(t, want, wire.RegionURL("iam", region))
	}
}
