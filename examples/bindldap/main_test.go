package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/environ/environtest"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

func runWith(t *testing.T, ctx context.Context, env map[string]string, args ...string) (int, string) {
	environtest.Unset()
	for name, value := range env {
		t.Setenv(name, value)
	}
	var out bytes.Buffer
	exit := run(ctx, args, &out)
	return exit, out.String()
}

func TestBindSucceeds(t *testing.T) {
	exit, out := runWith(t, t.Context(), nil)
	require.Zero(t, exit, out)
	for _, line := range []string{
		`Submitted: job \S+`, `job +waiting\n`, `job +waiting -> running`, `sub-job check_ldap +running`,
		`sub-job check_ldap +running -> success`, `sub-job mount_ldap +success`, `job +running -> success\n`, `Done: bind_ldap job \S+ succeeded in`,
	} {
		require.Regexp(t, regexp.MustCompile(line), out)
	}
}

func TestBindFails(t *testing.T) {
	exit, out := runWith(t, t.Context(), nil, "-fail")
	require.Equal(t, 1, exit)
	require.Contains(t, out, "SFS.TURBO.0100: binding LDAP failed")
	require.Contains(t, out, "sub-job check_ldap failed: SFS.TURBO.0101: the LDAP server does not respond")
}

func TestBindIsNotDoneInTime(t *testing.T) {
	exit, out := runWith(t, t.Context(), nil, "-timeout", "300ms")
	require.Equal(t, 1, exit)
	require.Contains(t, out, "not done in time")
}

func TestBindIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	exit, out := runWith(t, ctx, nil)
	require.Equal(t, 1, exit)
	id := regexp.MustCompile(`Submitted: job (\S+)`).FindStringSubmatch(out)
	require.Len(t, id, 2)
	require.Contains(t, out, "the job goes on: its id is "+id[1])
}

func TestBindOnARealService(t *testing.T) {
	server := pollertest.New(pollertest.WithToken("t0k"), pollertest.WithNamedProject("p", "a project"))
	defer server.Close()
	server.Script("bind_ldap", pollertest.Script{})
	args := []string{"-share", "s", "-ldap", "ldap://x", "-base-dn", "dc=x"}
	place := map[string]string{"HW_SFS_TURBO_ENDPOINT": server.Start(), "HW_PROJECT_ID": "p"}
	for _, set := range []map[string]string{
		{"HW_PROJECT_ID": "p"},
		{"HW_PROJECT_ID": "p", "HW_REGION_NAME": "cn-north-4"},
		{"HW_PROJECT_NAME": "a project", "HW_REGION_NAME": "cn-north-4", "HW_AUTH_URL": place["HW_SFS_TURBO_ENDPOINT"] + "/v3"},
	} {
		set["HW_SFS_TURBO_ENDPOINT"], set["HW_AUTH_TOKEN"] = place["HW_SFS_TURBO_ENDPOINT"], "t0k"
		before := len(server.Requests())
		exit, out := runWith(t, t.Context(), set, args...)
		require.Zero(t, exit, out)
		var submitted int
		for _, r := range server.Requests()[before:] {
			if r.Path == "/v1/p/sfs-turbo/shares/s/fs/ldap" {
				submitted++
			}
		}
		require.Equal(t, 1, submitted, set)
	}

	place["HW_AUTH_TOKEN"] = "wrong"
	exit, out := runWith(t, t.Context(), place, args...)
	require.Equal(t, 1, exit)
	require.Contains(t, out, "no bind_ldap job was started")
	require.Contains(t, out, "APIGW.0301")
	require.NotContains(t, out, "check the resource itself before submitting again")
}

func TestUsageNamesWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{map[string]string{"HW_AUTH_TOKEN": "x"}, nil, "no endpoint in the environment: set HW_REGION_NAME, or HW_SFS_TURBO_ENDPOINT. And no project"},
		{map[string]string{"HW_AUTH_TOKEN": "x", "HW_REGION_NAME": "cn-north-4"}, []string{"-share", "s"}, "give -ldap, -base-dn too"},
		{map[string]string{"HW_PROFILE": "x"}, nil, "HW_PROFILE can't be followed"},
		{map[string]string{"HW_REGION_NAME": "cn-north-4"}, []string{"-share", "s"}, "no credential in the environment: looked for HUAWEICLOUD_SDK_AK with HUAWEICLOUD_SDK_SK; HW_AUTH_TOKEN"},
		{map[string]string{"HW_ACCESS_KEY": "x"}, nil, "Incomplete: HW_ACCESS_KEY without HW_SECRET_KEY"},
		{nil, []string{"-timeout", "soon"}, "invalid value"},
		{nil, []string{"fail"}, `unexpected argument "fail"`},
		{
			map[string]string{"HW_AUTH_TOKEN": "x", "HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p"},
			strings.Fields("-fail -share s -ldap ldap://x -base-dn dc=x"), "-fail is for the built-in service",
		},
	} {
		exit, out := runWith(t, t.Context(), test.env, test.args...)
		require.Equal(t, 2, exit)
		require.Contains(t, out, test.want)
	}
}
