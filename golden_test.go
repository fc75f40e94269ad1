package waiter_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var update = flag.Bool("update", false, "write testdata/errors.golden anew")

// What a person reads at 3 a.m.: testdata/errors.golden is reviewed as prose.
func TestErrorsAtThreeInTheMorning(t *testing.T) {
	running := func(subs ...status.Job) pollertest.Script {
		return script(after(3*time.Second, job("running", subs...)))
	}
	every := []waiter.Option{
		waiter.WithBackOff(constant(5 * time.Second)), waiter.WithFailureBackOff(constant(10 * time.Second)),
	}
	tests := []struct {
		what   string
		script pollertest.Script
		faults []pollertest.Rule
		opts   []waiter.Option
		limit  time.Duration
	}{
		{what: "LDAP server dead", script: script(after(0, job("running")), after(42*time.Second, status.Job{
			Status: "failed", ErrorCode: "SFS.TURBO.0100", FailReason: "failed to connect to the ldap server ldap://192.168.0.10:389",
			SubJobs: []status.Job{{ID: "5a1c", Type: "check_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "connection timed out"}},
		}))},
		{what: "a sub-job failed and the parent is silent", script: script(after(0, job("running")), after(42*time.Second, status.Job{
			Status: "failed", SubJobs: []status.Job{
				{ID: "5a1c", Type: "check_ldap", Status: "success"},
				{ID: "5a1d", Type: "mount_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "invalid credentials"},
			},
		}))},
		{what: "wrong region", faults: []pollertest.Rule{{Status: 404, Body: pollertest.Gateway, Code: "APIGW.0101",
			Message: "The API does not exist or has not been published in the environment"}}},
		{what: "wrong project", faults: []pollertest.Rule{{Status: 403, Body: pollertest.Service, Code: "SFS.TURBO.9000", Message: "no permission"}}},
		{what: "no such job", script: pollertest.Script{ID: "another"}},
		{what: "token expired", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 401, Body: pollertest.Gateway,
			Message: "Incorrect IAM authentication information: token expires"}}},
		{what: "job gone", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 404, Body: pollertest.Service, Code: "SFS.TURBO.0019", Message: "Invalid Job Id"}}},
		{what: "one hour of 503", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 503, Body: pollertest.Gateway, Message: "Backend unavailable"}}, limit: time.Hour},
		{what: "a proxy's HTML", faults: []pollertest.Rule{{Status: 200, Body: pollertest.HTML}}, limit: time.Minute},
		{what: "deadline while waiting in the queue", script: script(), limit: 10 * time.Minute},
		{what: "deadline while running", script: running(
			status.Job{ID: "5a1c", Type: "check_ldap", Status: "success"}, status.Job{ID: "5a1d", Type: "mount_ldap", Status: "running"},
		), limit: 10 * time.Minute},
		{what: "deadline while the service hangs", script: running(), faults: []pollertest.Rule{{Skip: 4, Break: pollertest.Hang}}, limit: time.Minute},
		{what: "throttled to the end", faults: []pollertest.Rule{{Status: 429, RetryAfter: "30"}}, limit: 10 * time.Minute},
		{what: "stalled", script: running(), opts: []waiter.Option{waiter.WithStallLimit(15 * time.Minute)}},
	}
	var golden strings.Builder
	report := func(what string, err error) {
		require.Error(t, err, what)
		require.NotContains(t, err.Error(), "\n")
		golden.WriteString("# " + what + "\n" + err.Error() + "\n\n")
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			server := pollertest.New()
			if script := test.script; script.ID != "" {
				if script.Steps == nil && script.ID == id {
					script.Steps = []pollertest.Step{after(0, job("waiting"))}
				}
				server.Add(script)
			}
			for _, rule := range test.faults {
				server.Fail(rule)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			if test.limit > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), test.limit)
			}
			defer cancel()
			w := newWaiter(t, overHTTP(t, server), every...)
			_, err := w.Wait(ctx, id, append(test.opts, waiter.WithJobType("bind_ldap"))...)
			report(test.what, err)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		server.Add(running())
		w := newWaiter(t, overHTTP(t, server), every...)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(22*time.Second, func() { cancel(errors.New("terraform was interrupted")) })
		_, err := w.Wait(ctx, id)
		report("cancelled with a cause", err)
		_, err = w.Wait(t.Context(), "")
		report("empty id", err)
	})
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		_, httpClient := server.Memory() // to it every host but its own is unknown
		client, err := poller.New(poller.Endpoint("cn-nroth-4"), "a-project", poller.WithHTTPClient(httpClient))
		require.NoError(t, err)
		_, err = newWaiter(t, client, every...).Wait(t.Context(), id)
		report("no such host", err)
	})
	tls := httptest.NewUnstartedServer(pollertest.New())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake that fails
	tls.StartTLS()
	defer tls.Close()
	client, err := poller.New(strings.Replace(tls.URL, "127.0.0.1", "localhost", 1), "a-project",
		poller.WithHTTPClient(tls.Client()), poller.WithCredential(credential.Token(secret)))
	require.NoError(t, err)
	_, err = newWaiter(t, client).Wait(t.Context(), id)
	report("TLS name wrong", err)

	varying := regexp.MustCompile(`localhost:\d+| in \d+ms`) // a port, and real time
	got := varying.ReplaceAllStringFunc(golden.String(), func(s string) string {
		return regexp.MustCompile(`\d+`).ReplaceAllString(s, "1")
	})
	if *update {
		require.NoError(t, os.WriteFile("testdata/errors.golden", []byte(got), 0o644))
	}
	want, err := os.ReadFile("testdata/errors.golden")
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(got, "\n"))
}
