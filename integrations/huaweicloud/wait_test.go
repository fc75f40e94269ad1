package huaweicloud_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Whole waits through the SDK's real client, in virtual time.
func TestWaits(t *testing.T) {
	script := pollertest.Script{ID: jobID, Type: "bind_ldap", Steps: []pollertest.Step{
		{After: 2 * time.Second, Job: status.Job{Status: status.Running}},
		{After: 20 * time.Minute, Job: status.Job{Status: status.Success, SubJobs: []status.Job{{ID: "1", Type: "check_ldap", Status: status.Success}}}},
	}}
	failing := pollertest.Script{ID: jobID, Type: "bind_ldap", Steps: []pollertest.Step{{After: time.Minute, Job: status.Job{
		Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "unreachable",
		SubJobs: []status.Job{{ID: "1", Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "timed out"}},
	}}}}
	tests := map[string]struct {
		script pollertest.Script
		faults []rule
		is     error
		text   []string
		least  time.Duration // that it takes
		most   time.Duration
	}{
		"success": {script: script, least: 20 * time.Minute, most: 20*time.Minute + 18*time.Second},
		"failure": {
			script: failing, is: waiter.ErrJobFailed, least: time.Minute, most: 80 * time.Second,
			text: []string{"SFS.TURBO.0100: unreachable", "check_ldap 1 failed: SFS.TURBO.0101: timed out", "request id 0"},
		},
		"an outage": {
			script: script, faults: []rule{{From: time.Minute, Until: 15 * time.Minute, Status: 503}, {From: 15 * time.Minute, Until: 16 * time.Minute, Break: pollertest.Hang}},
			least: 20 * time.Minute, most: 20*time.Minute + 18*time.Second,
		},
		"an outage at the end": {
			script: script, faults: []rule{{From: time.Minute, Until: 70 * time.Minute, Status: 503, Body: pollertest.Service}}, is: waiter.ErrUnfinished,
			least: time.Hour, most: time.Hour, text: []string{"x 503)", "HTTP 503 Service Unavailable: SFS.TURBO.0005"},
		},
		"throttled":   {script: script, faults: []rule{{Skip: 2, Times: 3, Status: 429, RetryAfter: "60"}}, least: 20 * time.Minute, most: 20*time.Minute + 18*time.Second},
		"no such job": {is: waiter.ErrNotFound, least: 10 * time.Second, most: 12 * time.Second, text: []string{"SFS.TURBO.0019: Invalid Job Id"}},
		"disappeared": {
			script: script, faults: []rule{{From: 5 * time.Minute, Status: 404}}, is: waiter.ErrDisappeared,
			least: 5 * time.Minute, most: 6 * time.Minute,
		},
		"rejected": {script: script, faults: []rule{{Skip: 3, Status: 401}}, is: waiter.ErrUnauthorized, most: time.Minute, text: []string{"APIGW.0301"}},
		"a redirect": {
			script: script, faults: []rule{{Status: 302, Header: http.Header{"Location": {"https://login.example.com/?u=p"}}}}, is: waiter.ErrUnfinished,
			text: []string{"a redirect to login.example.com"},
		},
		"the SDK hangs": {
			script: script, faults: []rule{{Break: pollertest.Hang}}, is: context.DeadlineExceeded, least: time.Hour, most: time.Hour,
			text: []string{"was not done in time", "x timeout"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, p := inMemory(t)
				if test.script.ID != "" {
					server.Add(test.script)
				}
				for _, r := range test.faults {
					server.Fail(r)
				}
				var told []status.Transition
				w, err := waiter.New(p, waiter.OnTransition(func(t status.Transition) { told = append(told, t) }))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begun := time.Now()
				job, err := w.Wait(ctx, jobID)
				elapsed := time.Since(begun)
				require.Equal(t, jobID, job.ID)
				require.GreaterOrEqual(t, elapsed, test.least)
				require.LessOrEqual(t, elapsed, test.most)
				if test.is == nil {
					require.NoError(t, err)
					require.Equal(t, status.Success, job.Status)
					require.Len(t, told, 4, "waiting, running, the sub-job, success")
					return
				}
				require.ErrorIs(t, err, test.is)
				for _, text := range test.text {
					require.ErrorContains(t, err, text)
				}
			})
		})
	}
}

// inMemory returns a Poller through an SDK's client without a listener.
func inMemory(t *testing.T, with ...func(*core.HcHttpClientBuilder, *config.HttpConfig)) (*pollertest.Server, poller.Poller) {
	server := service(t)
	endpoint, httpClient := server.Memory()
	with = append(with, func(_ *core.HcHttpClientBuilder, c *config.HttpConfig) { c.WithHttpRoundTripper(httpClient.Transport) })
	return server, through(t, client(t, endpoint, with...))
}
