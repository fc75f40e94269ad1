package credential_test

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/credential"
)

// environment sets these variables, and no other that FromEnv knows.
func environment(t *testing.T, set map[string]string) {
	t.Helper()
	t.Setenv("SSL_CERT_FILE", "")
	t.Setenv("SSL_CERT_DIR", "")
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "HW_") || strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "HUAWEICLOUD_SDK_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

// Each way that is complete goes before all that follow.
func TestFromEnvTakesTheFirstThatIsComplete(t *testing.T) {
	all := []struct {
		set  map[string]string
		sent string // in some header; "" for a Password
	}{
		{map[string]string{"HUAWEICLOUD_SDK_AK": "AKSDK", "HUAWEICLOUD_SDK_SK": "s1"}, "Access=AKSDK,"},
		{map[string]string{"HW_AUTH_TOKEN": "t2"}, "t2"},
		{map[string]string{"HW_ACCESS_KEY": "AKHW", "HW_SECRET_KEY": "s3"}, "Access=AKHW,"},
		{map[string]string{"HW_USER_NAME": "u4", "HW_USER_PASSWORD": "p4", "HW_DOMAIN_NAME": "d4", "HW_REGION_NAME": "cn-north-4"}, ""},
		{map[string]string{"OS_AUTH_TOKEN": "t5"}, "t5"},
		{map[string]string{"OS_ACCESS_KEY": "AKOS", "OS_SECRET_KEY": "s6"}, "Access=AKOS,"},
		{map[string]string{"OS_USERNAME": "u7", "OS_PASSWORD": "p7", "OS_USER_DOMAIN_NAME": "d7", "OS_AUTH_URL": "https://iam.example.com/v3", "OS_TENANT_NAME": "p"}, ""},
	}
	for first := range all {
		set := map[string]string{}
		for _, way := range all[first:] {
			maps.Copy(set, way.set)
		}
		environment(t, set)
		c, err := credential.FromEnv()
		require.NoError(t, err, first)
		if all[first].sent == "" {
			require.Implements(t, (*credential.Refresher)(nil), c)
			continue
		}
		r := request(t)
		require.NoError(t, c.Authorize(t.Context(), r))
		require.Contains(t, r.Header.Get("X-Auth-Token")+r.Header.Get("Authorization"), all[first].sent)
	}
}

func TestFromEnvSendsTheProjectAndTheSecurityToken(t *testing.T) {
	for _, c := range []struct {
		set              map[string]string
		project, session string
	}{
		{map[string]string{"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK": "s", "HUAWEICLOUD_SDK_SECURITY_TOKEN": "st", "HUAWEICLOUD_SDK_PROJECT_ID": "p1", "HW_PROJECT_ID": "p2"}, "p1", "st"},
		{map[string]string{"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s", "HW_SECURITY_TOKEN": "st", "HW_PROJECT_ID": "p2", "OS_PROJECT_ID": "p3"}, "p2", "st"},
		{map[string]string{"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "HW_SECURITY_TOKEN": "another's", "OS_TENANT_ID": "p3"}, "p3", ""},
		{map[string]string{"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s", "HW_PROJECT_NAME": "n", "OS_PROJECT_ID": "p3"}, "", ""},
	} {
		environment(t, c.set)
		key, err := credential.FromEnv()
		require.NoError(t, err)
		r := request(t)
		require.NoError(t, key.Authorize(t.Context(), r))
		require.Equal(t, c.project, r.Header.Get("X-Project-Id"))
		require.Equal(t, c.session, r.Header.Get("X-Security-Token"))
	}
}

func TestFromEnvSaysWhatIsIncomplete(t *testing.T) {
	const looked = "ooked for HUAWEICLOUD_SDK_AK with HUAWEICLOUD_SDK_SK; HW_AUTH_TOKEN; " +
		"HW_ACCESS_KEY with HW_SECRET_KEY; HW_USER_NAME with HW_USER_PASSWORD with HW_DOMAIN_NAME; OS_AUTH_TOKEN; " +
		"OS_ACCESS_KEY with OS_SECRET_KEY; OS_USERNAME with OS_PASSWORD with OS_DOMAIN_NAME"
	for half, set := range map[string]map[string]string{
		"": {"HW_DOMAIN_NAME": "account", "HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p"},
		"Incomplete: HW_ACCESS_KEY without HW_SECRET_KEY":                                                                                                               {"HW_ACCESS_KEY": "AK"},
		"Incomplete: HUAWEICLOUD_SDK_SK without HUAWEICLOUD_SDK_AK; HW_USER_NAME without HW_USER_PASSWORD and HW_DOMAIN_NAME":                                           {"HUAWEICLOUD_SDK_SK": hunter2, "HW_USER_NAME": "u"},
		"Incomplete: HW_USER_PASSWORD without HW_USER_NAME and HW_DOMAIN_NAME (HW_USER_ID is not read: set HW_USER_NAME, HW_DOMAIN_ID is not read: set HW_DOMAIN_NAME)": {"HW_USER_ID": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_ID": "d"},
		"Incomplete: HW_USER_NAME and HW_USER_PASSWORD without HW_DOMAIN_NAME (HW_DOMAIN_ID is not read: set HW_DOMAIN_NAME)":                                           {"HW_USER_NAME": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_ID": "d"},
		"Incomplete: OS_USERNAME and OS_PASSWORD without OS_DOMAIN_NAME (OS_USER_DOMAIN_ID is not read: set OS_DOMAIN_NAME)":                                            {"OS_USERNAME": "u", "OS_PASSWORD": hunter2, "OS_USER_DOMAIN_ID": "d"},
		"Incomplete: OS_PASSWORD and OS_DOMAIN_NAME without OS_USERNAME":                                                                                                {"OS_PASSWORD": hunter2, "OS_PROJECT_DOMAIN_NAME": "d"},
	} {
		environment(t, set)
		c, err := credential.FromEnv()
		require.Nil(t, c)
		want := "credential: no credential in the environment: l" + looked
		if half != "" { // it comes first
			want = "credential: no credential in the environment. " + half + ". L" + looked
		}
		require.EqualError(t, err, want)
	}
}

func TestFromEnvNamesTheVariableOfABadValue(t *testing.T) {
	for want, set := range map[string]map[string]string{
		"from the environment's HW_AUTH_TOKEN: credential: the token has a trailing newline":                         {"HW_AUTH_TOKEN": hunter2 + "\n"},
		"from the environment's HW_ACCESS_KEY, HW_SECRET_KEY: credential: the secret key has a trailing newline":     {"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": hunter2 + "\n"},
		"from the environment's HW_USER_NAME, HW_USER_PASSWORD, HW_DOMAIN_NAME: credential: a user's password needs": {"HW_USER_NAME": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_NAME": "d"},
		"HW_DOMAIN_NAME: credential: the project's name or id is empty":                                              {"HW_USER_NAME": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_NAME": "d", "HW_AUTH_URL": "https://iam.example.com"},
		"HW_DOMAIN_NAME: credential: the IAM endpoint begins with http://":                                           {"HW_USER_NAME": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_NAME": "d", "HW_AUTH_URL": "http://iam.example.com", "HW_REGION_NAME": "r"},
	} {
		environment(t, set)
		_, err := credential.FromEnv()
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), hunter2)
		_, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
	}
}

func TestFromEnvRefusesWhatItCantFollow(t *testing.T) {
	key := map[string]string{"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}
	password := map[string]string{"HW_USER_NAME": "u", "HW_USER_PASSWORD": hunter2, "HW_DOMAIN_NAME": "d", "HW_REGION_NAME": "cn-north-4"}
	for _, c := range []struct {
		set         map[string]string
		name, value string
		want        string // "" if it does not matter
	}{
		{key, "HW_ASSUME_ROLE_AGENCY_NAME", "x", "credential: in the environment, HW_ASSUME_ROLE_AGENCY_NAME can't be followed: no agency is assumed here"},
		{password, "OS_AGENCY_NAME", "x", "credential: in the environment, OS_AGENCY_NAME can't be followed: no agency is assumed here"},
		{key, "HW_PROFILE", "x", "credential: in the environment, HW_PROFILE can't be followed: the command-line client's file is not read"},
		{key, "HW_SIGNING_ALGORITHM", "SM2SM3", "HW_SECRET_KEY: credential: HW_SIGNING_ALGORITHM can't be followed: requests are signed with HmacSHA256"},
		{password, "HW_SIGNING_ALGORITHM", "SM2SM3", ""},
		{password, "HW_INSECURE", "true", "HW_DOMAIN_NAME: credential: HW_INSECURE can't be followed: certificates are always verified"},
		{key, "HW_INSECURE", "true", ""},
		{password, "HW_SFS_TURBO_ENDPOINT", "https://turbo.internal", "a user's password needs IAM's address: HW_SFS_TURBO_ENDPOINT is not of myhuaweicloud.com"},
		{key, "HW_SFS_TURBO_ENDPOINT", "https://turbo.internal", ""},
		{password, "HW_CLOUD", "https://example.com", "HW_CLOUD is not the domain of a cloud"},
	} {
		environment(t, c.set)
		t.Setenv(c.name, c.value)
		_, err := credential.FromEnv()
		if c.want == "" {
			require.NoError(t, err, c.name)
			continue
		}
		require.ErrorContains(t, err, c.want)
		e, ok := errors.AsType[*credential.Error](err)
		require.True(t, ok)
		require.True(t, e.Permanent)
		t.Setenv(c.name, "")
	}
}
