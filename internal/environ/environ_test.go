package environ_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/environ"
)

func TestPlace(t *testing.T) {
	type vars map[string]string
	const turbo, iam = "https://sfs-turbo.cn-north-4.myhuaweicloud.com", "https://iam.cn-north-4.myhuaweicloud.com"
	for name, c := range map[string]struct {
		set  vars
		want environ.Place
	}{
		"nothing": {nil, environ.Place{}},
		"a region": {
			vars{"HW_REGION_NAME": "cn-north-4", "OS_REGION_NAME": "another"},
			environ.Place{Endpoint: turbo, EndpointFrom: "HW_REGION_NAME", IAMEndpoint: iam, IAMFrom: "HW_REGION_NAME", ProjectName: "cn-north-4"},
		},
		"OpenStack's region": {
			vars{"OS_REGION_NAME": "eu-west-101", "OS_PROJECT_NAME": "n"},
			environ.Place{
				Endpoint: "https://sfs-turbo.eu-west-101.myhuaweicloud.eu", EndpointFrom: "OS_REGION_NAME",
				IAMEndpoint: "https://iam.eu-west-101.myhuaweicloud.eu", IAMFrom: "OS_REGION_NAME", ProjectName: "n",
			},
		},
		"the cloud of a region": {
			vars{"HW_REGION_NAME": "eu-de", "HW_CLOUD": "otc.example.com", "HW_PROJECT_ID": "p"},
			environ.Place{
				Endpoint: "https://sfs-turbo.eu-de.otc.example.com", EndpointFrom: "HW_REGION_NAME",
				IAMEndpoint: "https://iam.eu-de.otc.example.com", IAMFrom: "HW_REGION_NAME", ProjectID: "p",
			},
		},
		"the cloud of Europe's region": {
			vars{"HW_REGION_NAME": "eu-west-101", "HW_CLOUD": "Example.COM", "HW_PROJECT_ID": "p"},
			environ.Place{
				Endpoint: "https://sfs-turbo.eu-west-101.Example.COM", EndpointFrom: "HW_REGION_NAME",
				IAMEndpoint: "https://iam.eu-west-101.Example.COM", IAMFrom: "HW_REGION_NAME", ProjectID: "p",
			},
		},
		"a cloud goes with one address": {
			vars{"HW_REGION_NAME": "r", "HW_CLOUD": "example.com", "HW_AUTH_URL": "https://iam.internal/v3", "HW_PROJECT_ID": "p"},
			environ.Place{
				Endpoint: "https://sfs-turbo.r.example.com", EndpointFrom: "HW_REGION_NAME",
				IAMEndpoint: "https://iam.internal/v3", IAMFrom: "HW_AUTH_URL", ProjectID: "p",
			},
		},
		"an address of the region's cloud": {
			vars{"HW_REGION_NAME": "cn-north-4", "HW_AUTH_URL": "https://IAM.myhuaweicloud.com:443/v3", "HW_PROJECT_ID": "p"},
			environ.Place{
				Endpoint: turbo, EndpointFrom: "HW_REGION_NAME",
				IAMEndpoint: "https://IAM.myhuaweicloud.com:443/v3", IAMFrom: "HW_AUTH_URL", ProjectID: "p",
			},
		},
		"addresses go before the region": {
			vars{"HW_REGION_NAME": "cn-north-4", "HW_SFS_TURBO_ENDPOINT": "e", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "i1", "HW_AUTH_URL": "i2", "OS_AUTH_URL": "i3", "HW_PROJECT_ID": "p"},
			environ.Place{Endpoint: "e", EndpointFrom: "HW_SFS_TURBO_ENDPOINT", IAMEndpoint: "i1", IAMFrom: "HUAWEICLOUD_SDK_IAM_ENDPOINT", ProjectID: "p"},
		},
		"IAM by HW_AUTH_URL":       {vars{"HW_AUTH_URL": "i2", "OS_AUTH_URL": "i3"}, environ.Place{IAMEndpoint: "i2", IAMFrom: "HW_AUTH_URL"}},
		"IAM by OS_AUTH_URL":       {vars{"OS_AUTH_URL": "i3"}, environ.Place{IAMEndpoint: "i3", IAMFrom: "OS_AUTH_URL"}},
		"the SDK's project first":  {vars{"HUAWEICLOUD_SDK_PROJECT_ID": "1", "HW_PROJECT_ID": "2"}, environ.Place{ProjectID: "1"}},
		"then the provider's":      {vars{"HW_PROJECT_ID": "2", "HW_PROJECT_NAME": "3", "OS_PROJECT_ID": "4"}, environ.Place{ProjectID: "2"}},
		"its name before OS_'s id": {vars{"HW_PROJECT_NAME": "3", "OS_PROJECT_ID": "4"}, environ.Place{ProjectName: "3"}},
		"then OS_'s":               {vars{"OS_PROJECT_ID": "4", "OS_TENANT_ID": "5"}, environ.Place{ProjectID: "4"}},
		"or the tenant's":          {vars{"OS_TENANT_ID": "5", "OS_PROJECT_NAME": "6"}, environ.Place{ProjectID: "5"}},
		"or its name":              {vars{"OS_TENANT_NAME": "7"}, environ.Place{ProjectName: "7"}},
	} {
		got, err := environ.Getenv(func(v string) string { return c.set[v] }).Place()
		require.NoError(t, err, name)
		got.NoEndpoint, got.NoIAM = "", "" // see TestAnAddressThatDoesNotFollow
		require.Equal(t, c.want, got, name)
	}
}

func TestAVariableThatCantBeRightIsNamed(t *testing.T) {
	for name, values := range map[string][]string{
		"HW_REGION_NAME":        {"cn-north-4 ", "cn-north-4\n", "cn-north-4/", "evil.example.com/", "a b"},
		"OS_REGION_NAME":        {"http://x"},
		"HW_PROJECT_ID":         {"p\n", " p"},
		"HW_PROJECT_NAME":       {" ", "a\nb"},
		"HW_SFS_TURBO_ENDPOINT": {"https://example.com\n"},
		"HW_AUTH_URL":           {"https://example.com "},
		"HW_CLOUD":              {"https://example.com", "example.com/", "com", ".example.com", "example.com:443", "example.com ", "a b.com", "u@example.com"},
	} {
		for _, value := range values {
			_, err := environ.Getenv(func(v string) string { return map[string]string{name: value}[v] }).Place()
			require.ErrorContains(t, err, name, "%q", value)
		}
	}
}

// A password or a token must not be sent to another operator.
func TestAnAddressThatDoesNotFollow(t *testing.T) {
	type vars map[string]string
	for name, c := range map[string]struct {
		set           vars
		endpoint, iam string // what is said; "" if the address is known
	}{
		"nothing":  {nil, "set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT", "set HW_REGION_NAME, or HW_AUTH_URL"},
		"a cloud":  {vars{"HW_CLOUD": "example.com"}, "set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT", "set HW_REGION_NAME, or HW_AUTH_URL"},
		"a region": {vars{"HW_REGION_NAME": "cn-north-4"}, "", ""},
		"IAM of another cloud": {
			vars{"HW_REGION_NAME": "eu-de", "OS_AUTH_URL": "https://iam.eu-de.otc.example.com/v3"},
			"OS_AUTH_URL is not of myhuaweicloud.com, so the region's endpoint in that cloud may be another operator's: set HW_CLOUD to your cloud's domain, or HW_SFS_TURBO_ENDPOINT", "",
		},
		"an endpoint of another cloud": {
			vars{"HW_REGION_NAME": "eu-west-101", "HW_SFS_TURBO_ENDPOINT": "https://sfs-turbo.internal"},
			"", "HW_SFS_TURBO_ENDPOINT is not of myhuaweicloud.eu, so the region's IAM in that cloud may be another operator's: set HW_CLOUD to your cloud's domain, or HW_AUTH_URL",
		},
		"one that ends alike": {
			vars{"HW_REGION_NAME": "cn-north-4", "HW_SFS_TURBO_ENDPOINT": "https://evilmyhuaweicloud.com"},
			"", "HW_SFS_TURBO_ENDPOINT is not of myhuaweicloud.com, so the region's IAM in that cloud may be another operator's: set HW_CLOUD to your cloud's domain, or HW_AUTH_URL",
		},
		"both": {vars{"HW_REGION_NAME": "eu-de", "HW_SFS_TURBO_ENDPOINT": "https://a.example.com", "HW_AUTH_URL": "https://b.example.org"}, "", ""},
	} {
		p, err := environ.Getenv(func(v string) string { return c.set[v] }).Place()
		require.NoError(t, err, name)
		require.Equal(t, c.endpoint == "", p.Endpoint != "", name)
		require.Equal(t, c.iam == "", p.IAMEndpoint != "", name)
		if c.endpoint != "" {
			require.Equal(t, c.endpoint, p.NoEndpoint, name)
		}
		if c.iam != "" {
			require.Equal(t, c.iam, p.NoIAM, name)
		}
	}
}

func TestWhatIsNotFollowedIsRefused(t *testing.T) {
	place := func(get environ.Getenv) error { _, err := get.Place(); return err }
	for _, c := range []struct {
		check  func(environ.Getenv) error
		why    string
		names  []string
		values []string // that are refused
		fine   []string
	}{
		{place, "the command-line client's file is not read", []string{"HW_SHARED_CONFIG_FILE", "HW_PROFILE"}, []string{"x"}, []string{""}},
		{environ.Getenv.CheckAgency, "no agency is assumed here", []string{
			"HW_ASSUME_ROLE_AGENCY_NAME", "HW_ASSUME_ROLE_DOMAIN_NAME", "HW_ASSUME_ROLE_DOMAIN_ID", "HW_ASSUME_ROLE_DURATION", "HW_ASSUME_ROLE_IDP_ID",
			"HW_ASSUME_ROLE_ID_TOKEN", "HW_ASSUME_ROLE_ID_TOKEN_FILE", "OS_AGENCY_NAME", "OS_AGENCY_DOMAIN_NAME", "OS_DELEGATED_PROJECT",
		}, []string{"x"}, []string{""}},
		{environ.Getenv.CheckSigning, "requests are signed with HmacSHA256", []string{"HW_SIGNING_ALGORITHM"}, []string{"SM2SM3", "hmacsm3"}, []string{"", "HmacSHA256"}},
		{environ.Getenv.CheckTLS, "certificates are always verified", []string{"HW_INSECURE", "OS_INSECURE"}, []string{"true", "1", "yes", "T"}, []string{"", "false", "0"}},
		{environ.Getenv.CheckTLS, "it is not read: set SSL_CERT_FILE too", []string{"OS_CACERT"}, []string{"/etc/ca.pem"}, []string{""}},
		{environ.Getenv.CheckTLS, "a certificate of the client's is not read", []string{"OS_CERT", "OS_KEY"}, []string{"/etc/client.pem"}, []string{""}},
	} {
		for _, name := range c.names {
			for _, value := range c.values {
				err := c.check(func(v string) string { return map[string]string{name: value}[v] })
				require.ErrorContains(t, err, name+" can't be followed: "+c.why, value)
			}
			for _, value := range c.fine {
				require.NoError(t, c.check(func(v string) string { return map[string]string{name: value}[v] }), "%s=%s", name, value)
			}
		}
	}
	err := environ.Getenv(func(v string) string {
		return map[string]string{"HW_INSECURE": "true", "OS_CACERT": "x", "OS_CERT": "c", "OS_KEY": "k", "SSL_CERT_FILE": "/etc/ca.pem"}[v]
	}).CheckTLS()
	require.ErrorContains(t, err, "OS_CERT and OS_KEY can't be followed: a certificate of the client's is not read: unset them, and")
	require.NotContains(t, err.Error(), "INSECURE")
	require.NotContains(t, err.Error(), "CACERT")
}
