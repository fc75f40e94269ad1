package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		endpoint, client := server.Memory()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), server, endpoint, client.Transport, &out))
		text := out.String()
		for _, line := range []string{
			"  0.0 s  bind the LDAP server (9.0 s)\n",
			"  0.0 s    sfsturbo.wait (9.0 s) sfsturbo.job.id=job-1 sfsturbo.wait.polls=10 sfsturbo.wait.failed_polls=3 sfsturbo.outcome=success sfsturbo.job.type=bind_ldap sfsturbo.job.detection_delay=0\n",
			"  2.0 s      * sfsturbo.transition sfsturbo.status.to=running sfsturbo.job.type=bind_ldap sfsturbo.status.from=waiting\n",
			"  4.0 s      * sfsturbo.poll_failed sfsturbo.verdict=passing sfsturbo.kind=503\n",
			"  4.0 s      sfsturbo.poll (0.0 s) ERROR 503 sfsturbo.job.id=job-1 sfsturbo.poll.number=5 sfsturbo.verdict=passing error.type=APIGW.",
			"  9.0 s      sfsturbo.poll (0.0 s) sfsturbo.job.id=job-1 sfsturbo.poll.number=10 sfsturbo.verdict=good sfsturbo.request.id=",
			"  9.0 s        HTTP GET (0.0 s)\n",
			"\nsfsturbo_job_queue_time_seconds{sfsturbo_job_type=\"bind_ldap\"} count=1 sum=2.0\n",
			"\nsfsturbo_poll_failures_total{sfsturbo_kind=\"503\"} 3\n",
			"\nsfsturbo_polls_total{sfsturbo_verdict=\"good\"} 7\n",
			"\nsfsturbo_wait_duration_seconds{sfsturbo_job_type=\"bind_ldap\",sfsturbo_outcome=\"success\"} count=1 sum=9.0\n",
			"\nsfsturbo_waits_active{sfsturbo_job_type=\"bind_ldap\"} 0\n",
		} {
			require.Contains(t, text, line)
		}
		require.Equal(t, 10, strings.Count(text, "HTTP GET"))
		require.Equal(t, 1, strings.Count(text, "poll_failed"), "one for all three")
	})
}
