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
	} {
		for _, value := range values {
			_, err := environ.Getenv(func(v string) string { return map[string]string{name: value}[v] }).Place()
			require.ErrorContains(t, err, name, "%q", value)
		}
	}
}
