package main

import (
	"bytes"
	"expvar"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestVars(t *testing.T) {
	for _, m := range []*expvar.Map{waits, polls, duration, delay} {
		m.Init() // with -count, another run has filled them
	}
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), server, endpoint, client, &out))
		value := func(name, key string) int {
			found := regexp.MustCompile(name + ` .*"` + regexp.QuoteMeta(key) + `": ([0-9]+)`).FindStringSubmatch(out.String())
			require.NotNil(t, found, "%s %s in\n%s", name, key, &out)
			n, err := strconv.Atoi(found[1])
			require.NoError(t, err)
			return n
		}

		require.Equal(t, 3, value("waiter_waits", "success"))
		require.Equal(t, 1, value("waiter_waits", "failed"))
		require.Equal(t, 1, value("waiter_waits", "timeout"))
		require.Equal(t, 2, value("waiter_polls", "503"))
		require.Equal(t, len(server.Requests()), value("waiter_polls", "good")+2)
		require.Equal(t, 5, value("waiter_wait_seconds", "le_+Inf"))
		require.Equal(t, 5, value("waiter_wait_seconds", "le_15"))
		require.Equal(t, 4, value("waiter_wait_seconds", "le_5"), "all but the one that lasted until the deadline")
		require.Equal(t, 4, value("waiter_detection_delay_seconds", "le_+Inf"), "of the jobs that ended")
		require.NotRegexp(t, `waiter_.*(job-|bind_ldap|demo-project|SFS\.TURBO)`, out.String())
	})
}
