package waiter_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/internal/wire/wiretest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// A situation ends in an error that a person reads at 3 a.m.
type situation struct {
	what   string
	script pollertest.Script // of the service
	faults []pollertest.Rule
	poller poller.Poller // instead of the service
	opts   []waiter.Option
	limit  time.Duration // of the wait: a day if it is 0, without a deadline if it is negative
}

func TestErrors(t *testing.T) {
	running := func(subs ...status.Job) pollertest.Script {
		return script(after(3*time.Second, job("running", subs...)))
	}
	ended := func(s status.Job, subs ...status.Job) *service {
		s.ID, s.Type, s.SubJobs = id, "bind_ldap", subs
		if s.Status == "" {
			s.Status = status.Failed
		}
		return responses(poller.Reply{Job: s, RequestID: "req-9"})
	}
	timed := status.Job{BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:34:10"}
	failedCheck := status.Job{ID: "s1", Type: "check", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no route to host"}
	var many []status.Job
	for _, sid := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7"} {
		many = append(many, sub(sid, "failed"))
	}
	permanent := waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent })
	down := waiter.WithLimiter(limiterFunc(func(context.Context) error { return errors.New("redis is down") }))
	situations := []situation{
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
		{what: "wrong region", faults: []pollertest.Rule{{
			Status: 404, Body: pollertest.Gateway, Code: "APIGW.0101",
			Message: "The API does not exist or has not been published in the environment",
		}}},
		{what: "wrong project", faults: []pollertest.Rule{{Status: 403, Body: pollertest.Service, Code: "SFS.TURBO.9000", Message: "no permission"}}},
		{what: "no such job", script: pollertest.Script{ID: "another"}},
		{what: "token expired", script: running(), faults: []pollertest.Rule{{
			Skip: 4, Status: 401, Body: pollertest.Gateway,
			Message: "Incorrect IAM authentication information: token expires",
		}}},
		{what: "clock off", script: running(), faults: []pollertest.Rule{{
			Skip: 4, Status: 401, Body: pollertest.Gateway,
			Message: "Incorrect IAM authentication information: calc aksk signature fail:signature expired, signature time:20211217T064303Z,server time:20211217T065804Z",
		}}},
		{what: "clock off, and a token", script: running(), faults: []pollertest.Rule{{
			Skip: 4, Status: 401, Header: http.Header{"Date": {"Sat, 01 Jan 2000 02:30:20 GMT"}},
		}}},
		{what: "locked key", script: running(), faults: []pollertest.Rule{{
			Skip: 4, Status: 401, Message: "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden",
		}}},
		{what: "a cache's 304", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 304}}},
		{what: "http to a port of TLS", faults: []pollertest.Rule{{Status: 400, Raw: "Client sent an HTTP request to an HTTPS server.\n"}}},
		{what: "OpenStack's itemNotFound", faults: []pollertest.Rule{{Status: 404, Raw: `{"itemNotFound":{"message":"No such project: a-project","code":404}}`}}},
		{what: "OpenStack's badRequest", faults: []pollertest.Rule{{Status: 400, Raw: `{"badRequest":{"message":"Malformed request url","code":400}}`}}},
		{what: "errorCode and errorMsg", faults: []pollertest.Rule{{Status: 403, Raw: `{"errorCode":"Common.0013","errorMsg":"The account is in arrears","requestId":"9f3c"}`}}},
		{what: "err_code and err_msg", faults: []pollertest.Rule{{Status: 409, Raw: `{"err_code":"WAF.4010","err_msg":"Blocked by rule 7"}`}}},
		{what: "a list of errors", faults: []pollertest.Rule{{Status: 405, Raw: `{"errors":[{"code":"E.1","message":"GET is not allowed"},"ask your administrator"]}`}}},
		{what: "plain text", faults: []pollertest.Rule{{Status: 404, Raw: "404 page not found\n"}}},
		{what: "a mesh's plain text", script: running(), faults: []pollertest.Rule{{
			Skip: 4, Status: 503, Raw: "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
		}}, limit: time.Hour},
		{what: "connection refused", poller: refusedConnection(t), limit: time.Minute},
		{what: "connection refused, and a schedule that stops", poller: refusedConnection(t), opts: []waiter.Option{
			waiter.WithFailureBackOff(func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) }),
		}},
		{what: "connection refused after a restart", poller: refusedConnection(t), opts: []waiter.Option{waiter.From(job("running"))}, limit: time.Minute},
		{what: "job gone", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 404, Body: pollertest.Service, Code: "SFS.TURBO.0019", Message: "Invalid Job Id"}}},
		{what: "one hour of 503", script: running(), faults: []pollertest.Rule{{Skip: 4, Status: 503, Body: pollertest.Gateway, Message: "Backend unavailable"}}, limit: time.Hour},
		{what: "a proxy's HTML", faults: []pollertest.Rule{{Status: 200, Body: pollertest.HTML}}, limit: time.Minute},
		{what: "deadline while waiting in the queue", script: script(after(0, job("waiting"))), limit: 10 * time.Minute},
		{what: "deadline while running", script: running(
			status.Job{ID: "5a1c", Type: "check_ldap", Status: "success"}, status.Job{ID: "5a1d", Type: "mount_ldap", Status: "running"},
		), limit: 10 * time.Minute},
		{what: "deadline while the service hangs", script: running(), faults: []pollertest.Rule{{Skip: 4, Break: pollertest.Hang}}, limit: time.Minute},
		{what: "throttled to the end", faults: []pollertest.Rule{{Status: 429, RetryAfter: "30"}}, limit: 10 * time.Minute},
		{what: "a final status that this library does not know", poller: responses(
			job("running"), status.Job{Status: "FAIL", ErrorCode: "SFS.TURBO.0100", FailReason: "no route to host", BeginTime: timed.BeginTime, EndTime: timed.EndTime},
		), limit: 10 * time.Minute},
		{what: "an unknown status, and nothing else", poller: responses(job("paused")), limit: 10 * time.Minute},
		{what: "stalled", script: running(), opts: []waiter.Option{waiter.WithStallLimit(15 * time.Minute)}},

		{what: "failed, with code, reason and a failed sub-job", poller: ended(
			status.Job{ErrorCode: "SFS.TURBO.0100", FailReason: "bind\nfailed", BeginTime: timed.BeginTime, EndTime: timed.EndTime},
			failedCheck, status.Job{ID: "s2", Type: "mount", Status: "success"},
		)},
		{what: "failed, with seven failed sub-jobs", poller: ended(timed, many...)},
		{what: "failed within a second", poller: ended(status.Job{FailReason: "no", BeginTime: timed.BeginTime, EndTime: timed.BeginTime})},
		{what: "failed, and the service says neither when nor why", poller: responses(job("running"), status.Job{Status: "failed"})},
		{
			what: "succeeded with a failed sub-job, and sub-jobs are strict", poller: ended(
				status.Job{Status: "success", BeginTime: timed.BeginTime, EndTime: timed.EndTime}, failedCheck,
			), opts: []waiter.Option{waiter.WithStrictSubJobs()},
		},
		{what: "many kinds of failures, and open sub-jobs", poller: responses(
			poller.Reply{Job: job("running", sub("s1", "running"), sub("s2", "success"), sub("s3", "paused")), RequestID: "req-1"},
			httpError(503), httpError(503), context.DeadlineExceeded, httpError(429),
		), limit: time.Minute},
		{what: "a job with seven open sub-jobs", poller: responses(job("running", append(many, sub("s8", "success"))...)), limit: time.Second},
		{what: "seen just now", poller: responses(job("running")), opts: []waiter.Option{waiter.WithBackOff(func() backoff.BackOff { return &backoff.StopBackOff{} })}},
		{what: "the schedule stops after failures", poller: responses(httpError(500)), opts: []waiter.Option{
			waiter.WithFailureBackOff(func() backoff.BackOff { return backoff.WithMaxRetries(&backoff.ZeroBackOff{}, 2) }),
		}},
		{what: "a checkpoint, and never a response", poller: responses(httpError(503)), opts: []waiter.Option{waiter.From(job("running"))}, limit: time.Minute},
		{what: "a poll that takes too long", poller: hang(errors.New("interrupted")), opts: []waiter.Option{waiter.WithPollTimeout(25 * time.Second), permanent}},
		{what: "a poll that a hook times out", poller: hang(errors.New("interrupted")), opts: []waiter.Option{permanent, traced(waiter.Trace{
			PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				context.AfterFunc(ctx, cancel)
				return ctx
			},
		})}},
		{what: "a poll that a hook cancels", poller: hang(context.Canceled), opts: []waiter.Option{permanent, traced(waiter.Trace{
			PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx
			},
		})}},
		{what: "a limiter that fails, without a deadline", poller: responses(job("running")), opts: []waiter.Option{down}, limit: -1},
		{what: "a limiter that fails until the deadline", poller: responses(job("running")), opts: []waiter.Option{down}},
		{what: "a checkpoint that cannot be saved, the job's last", poller: responses(job("running"), job("success")), opts: []waiter.Option{
			waiter.WithCheckpoints(func(_ context.Context, _ status.Job, t status.Transition) error {
				if t.To.Terminal() {
					return errors.New("write state.json: read-only file system")
				}
				return nil
			}),
		}},
		{what: "a sub-job failed, with WithFailFast", poller: responses(job("running", status.Job{
			ID: "5a1d", Type: "mount_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "invalid credentials",
		})), opts: []waiter.Option{waiter.WithFailFast()}},
	}

	var text strings.Builder
	report := func(what string, err error) {
		require.Error(t, err, what)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, err.Error(), byHand(err).Error(), what)
		text.WriteString("# " + what + "\n" + err.Error() + "\n\n")
	}
	steady := append(every(5*time.Second), waiter.WithFailureBackOff(constant(10*time.Second)))
	for _, s := range situations {
		synctest.Test(t, func(t *testing.T) { report(s.what, s.end(t, steady)) })
	}
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		server.Add(running())
		w := newWaiter(t, inMemory(t, server), steady...)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(22*time.Second, func() { cancel(errors.New("terraform was interrupted")) })
		_, err := w.Wait(ctx, id)
		report("canceled with a cause", err)
	})
	synctest.Test(t, func(t *testing.T) {
		server := pollertest.New()
		defer server.Close()
		_, httpClient := server.Memory() // which resolves only its own host
		client, err := poller.New(poller.Endpoint("cn-nroth-4"), "a-project", poller.WithHTTPClient(httpClient))
		require.NoError(t, err)
		_, err = newWaiter(t, client, steady...).Wait(t.Context(), id)
		report("no such host", err)
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := newWaiter(t, refusedLogin(t), steady...).Wait(t.Context(), id)
		report("locked user", err)
	})
	report("TLS name wrong", wrongName(t))
	report("https to a port of plain HTTP", wrongScheme(t))
	reportCalls(t, report)

	varying := regexp.MustCompile(`localhost:\d+| in \d+ms`) // a port, and real time
	golden(t, "testdata/errors.golden", varying.ReplaceAllStringFunc(text.String(), func(s string) string {
		return digits.ReplaceAllString(s, "1")
	}))
}

func (s situation) end(t *testing.T, steady []waiter.Option) error {
	p := s.poller
	if p == nil {
		server := pollertest.New()
		if s.script.ID != "" {
			server.Add(s.script)
		}
		for _, rule := range s.faults {
			server.Fail(rule)
		}
		p = inMemory(t, server)
	}
	ctx := t.Context()
	switch {
	case s.limit == 0:
		ctx = withDeadline(t, 24*time.Hour)
	case s.limit > 0:
		ctx = withDeadline(t, s.limit)
	}
	_, err := newWaiter(t, p, steady...).Wait(ctx, id, append(s.opts, jobType)...)
	return err
}

// wrongName is the error of a certificate that is for another host.
func wrongName(t *testing.T) error {
	tls := httptest.NewUnstartedServer(pollertest.New())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake fails
	tls.StartTLS()
	defer tls.Close()
	client, err := poller.New(strings.Replace(tls.URL, "127.0.0.1", "localhost", 1), "a-project",
		poller.WithHTTPClient(tls.Client()), poller.WithCredential(credential.Token(plantedToken)))
	require.NoError(t, err)
	_, err = newWaiter(t, client).Wait(t.Context(), id)
	return err
}

// wrongScheme is the error of https:// to a port that speaks plain HTTP.
func wrongScheme(t *testing.T) error {
	plain := httptest.NewServer(pollertest.New())
	defer plain.Close()
	client, err := poller.New(strings.Replace(plain.URL, "http://127.0.0.1", "https://localhost", 1), "a-project")
	require.NoError(t, err)
	_, err = newWaiter(t, client).Wait(withDeadline(t, time.Minute), id)
	return err
}

// refusedConnection is a service that is down.
func refusedConnection(t *testing.T) poller.Poller {
	refused := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	client, err := poller.New(poller.Endpoint("cn-north-4"), "a-project", poller.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: refused}}))
	require.NoError(t, err)
	return client
}

// refusedLogin is a service whose IAM has locked the user.
func refusedLogin(t *testing.T) poller.Poller {
	iam := pollertest.New()
	iam.Fail(pollertest.Rule{Status: 401, Body: pollertest.IAM, Message: "The account is locked."})
	t.Cleanup(iam.Close)
	endpoint, httpClient := iam.Memory()
	password, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "robot", Password: plantedToken, Domain: "our-account", ProjectName: "cn-north-4", HTTPClient: httpClient,
	})
	require.NoError(t, err)
	client, err := poller.New(poller.Endpoint("cn-north-4"), "a-project", poller.WithCredential(password))
	require.NoError(t, err)
	return client
}

// reportCalls reports what is wrong with a call.
func reportCalls(t *testing.T, report func(what string, err error)) {
	w := newWaiter(t, responses(job("success")))
	_, err := w.Wait(t.Context(), "")
	report("empty id", err)
	_, err = w.Run(t.Context(), submits("", errors.New("SFS.TURBO.0011: another operation is active")))
	report("Run: submit fails", err)
	_, err = w.Run(t.Context(), submits("", nil))
	report("Run: submit returns no id", err)
	_, err = w.Run(canceled(t), submits(id, nil))
	report("Run: the context has ended", err)
	_, err = w.Run(t.Context(), nil)
	report("Run: submit is nil", err)
	_, err = w.Run(t.Context(), submits(id, nil), waiter.From(job("running")))
	report("Run: a checkpoint", err)
	_, err = w.Wait(t.Context(), "another", waiter.From(job("running")))
	report("From: another job's checkpoint", err)
	_, err = waiter.New(nil)
	report("New: no Poller", err)
	_, err = w.Wait(t.Context(), id, waiter.WithStallLimit(-1))
	report("a negative duration", err)
	_, err = w.Wait(t.Context(), id, waiter.WithBackOff(func() backoff.BackOff { return nil }))
	report("no BackOff", err)

	trace := traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) { err = e.Err }})
	w = newWaiter(t, responses(job("running")), trace)
	require.Panics(t, func() {
		_, _ = w.Wait(t.Context(), id, waiter.OnTransition(func(status.Transition) { panic("ouch") }))
	})
	report("seen by a trace: a callback panics", err)
	for range w.Watch(t.Context(), id) {
		break
	}
	report("seen by a trace: an iteration is stopped", err)
}

// byHand returns err, or what it is made of, copied by its exported fields, as a test of a user
// builds it.
func byHand(err error) error {
	switch e := err.(type) {
	case *waiter.FailedError:
		return &waiter.FailedError{Job: e.Job, RequestID: e.RequestID, Elapsed: e.Elapsed}
	case *waiter.UnfinishedError:
		return &waiter.UnfinishedError{
			JobID: e.JobID, Last: e.Last, LastSeen: e.LastSeen, Age: e.Age, Unchanged: e.Unchanged, RequestID: e.RequestID,
			Polls: e.Polls, Elapsed: e.Elapsed, Failures: e.Failures, LastFailure: e.LastFailure, Asked: e.Asked,
			Outcome: e.Outcome, Cause: e.Cause, Advice: e.Advice,
		}
	default:
		return err
	}
}

func TestErrorsByHand(t *testing.T) {
	t.Run("answer errors.Is and Outcome by their Outcome, and say it in a line", func(t *testing.T) {
		for outcome, want := range map[string]struct {
			is   error
			says string
		}{
			"timeout":        {context.DeadlineExceeded, "job a was not done in time: context deadline exceeded"},
			"canceled":       {context.Canceled, "job a is no longer awaited: context canceled"},
			"not_found":      {waiter.ErrNotFound, "job a was not found"},
			"disappeared":    {waiter.ErrDisappeared, "job a has disappeared"},
			"unauthorized":   {waiter.ErrUnauthorized, "job a cannot be read"},
			"stalled":        {waiter.ErrStalled, "job a has stalled: no new status for 0s"},
			"sub_job_failed": {waiter.ErrSubJobFailed, "job a is no longer awaited: a sub-job has failed"},
			"stopped":        {nil, "job a cannot be polled"},
			"checkpoint":     {nil, "job a is no longer awaited: a checkpoint could not be saved"},
			"permanent":      {nil, "job a cannot be read"},
			"usage":          {nil, "job a cannot be awaited"},
		} {
			err := error(&waiter.UnfinishedError{JobID: "a", Outcome: outcome})
			require.EqualError(t, err, want.says)
			require.Equal(t, outcome, waiter.Outcome(err))
			for _, s := range []error{
				context.DeadlineExceeded, context.Canceled, waiter.ErrJobFailed, waiter.ErrNotFound, waiter.ErrDisappeared,
				waiter.ErrUnauthorized, waiter.ErrStalled, waiter.ErrSubJobFailed,
			} {
				require.Equal(t, s == want.is, errors.Is(err, s), "%s: %v", outcome, s)
			}
			require.ErrorIs(t, err, waiter.ErrUnfinished)
		}
	})

	t.Run("may be zero", func(t *testing.T) {
		require.NotEmpty(t, (&waiter.UnfinishedError{}).Error())
		require.NotEmpty(t, (&waiter.FailedError{}).Error())
	})

	t.Run("hold their cause", func(t *testing.T) {
		why := errors.New("maintenance")
		err := &waiter.UnfinishedError{JobID: "a", Outcome: "canceled", Cause: why}
		require.ErrorIs(t, err, why)
		require.EqualError(t, err, "job a is no longer awaited: context canceled: maintenance")
	})

	t.Run("have the codes of the job and of its failed sub-jobs", func(t *testing.T) {
		e := &waiter.FailedError{Job: status.Job{Status: "failed", ErrorCode: "own", SubJobs: []status.Job{
			{ID: "s1", Status: "failed", ErrorCode: "failed"},
			{ID: "s2", Status: "success", ErrorCode: "succeeded"},
		}}}
		require.True(t, e.Has("own"))
		require.True(t, e.Has("failed"))
		require.False(t, e.Has("succeeded"))
		require.False(t, e.Has("another"))
		require.False(t, (&waiter.FailedError{Job: job("failed")}).Has(""), "which is no code")
	})
}

func TestOutcome(t *testing.T) {
	failed := &waiter.FailedError{Job: job("failed")}
	timeout := &waiter.UnfinishedError{JobID: id, Outcome: "timeout"}
	permanent := &waiter.UnfinishedError{JobID: id, Outcome: "permanent", Cause: httpError(403)}
	for _, test := range []struct {
		behavior string
		err      error
		want     string
	}{
		{"of nil is success", nil, "success"},
		{"of a failed job is failed", failed, "failed"},
		{"of an unfinished wait is what its error says", permanent, "permanent"},
		{"of an error without one is by what it is", &waiter.UnfinishedError{Cause: waiter.ErrStalled}, "stalled"},
		{"of an unfinished wait that does not say why is permanent, as its text says", &waiter.UnfinishedError{JobID: id}, "permanent"},
		{"of a wrapped error is that error's", fmt.Errorf("bind: %w", fmt.Errorf("wait: %w", timeout)), "timeout"},
		{"of joined errors is the first wait's: failed", errors.Join(nil, failed, permanent), "failed"},
		{"of joined errors is the first wait's: permanent", errors.Join(permanent, failed), "permanent"},
		{"of joined errors is the first wait's, also beside others", errors.Join(errors.New("close"), fmt.Errorf("%w", failed), timeout), "failed"},
		{"of a cause is not the wait's", &waiter.UnfinishedError{Outcome: "canceled", Cause: failed}, "canceled"},
		{"of a context's own error is the context's", fmt.Errorf("waiter: nothing was submitted: %w", context.Canceled), "canceled"},
		{"of any other error is usage", errors.New("waiter: WithStallLimit: negative"), "usage"},
	} {
		t.Run(test.behavior, func(t *testing.T) { require.Equal(t, test.want, waiter.Outcome(test.err)) })
	}

	for want, end := range map[string]struct {
		responses []any
		opts      []waiter.Option
	}{
		"success":        {[]any{job("success")}, nil},
		"failed":         {[]any{job("failed")}, nil},
		"timeout":        {[]any{job("running")}, nil},
		"not_found":      {[]any{noJob}, nil},
		"disappeared":    {[]any{job("running"), noJob}, nil},
		"unauthorized":   {[]any{httpError(401)}, nil},
		"stalled":        {[]any{job("running")}, []waiter.Option{waiter.WithStallLimit(10 * time.Second)}},
		"sub_job_failed": {[]any{job("running", sub("a", "failed"))}, []waiter.Option{waiter.WithFailFast()}},
		"stopped":        {[]any{job("running")}, []waiter.Option{waiter.WithBackOff(func() backoff.BackOff { return &backoff.StopBackOff{} })}},
		"checkpoint": {[]any{job("success")}, []waiter.Option{
			waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error { return context.Canceled }),
		}},
		"permanent": {[]any{httpError(403)}, nil},
	} {
		specify(t, "of a wait that ends so is "+want+", for its hooks too", func(t *testing.T, d driver) {
			var hooked []string
			trace := traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
				if e.Job.ID == id {
					hooked = append(hooked, e.Outcome)
				}
			}})
			got := d.wait(withDeadline(t, time.Hour), t, responses(end.responses...), append(end.opts, trace)...)
			require.Equal(t, want, waiter.Outcome(got.err), "%v", got.err)
			if d.blocks && !(d.shared && want == "timeout") {
				require.Equal(t, []string{want}, hooked)
			}
		}, func(d driver) bool { return !d.neighbor || want != "checkpoint" })
	}

	t.Run("of Run's submit is permanent, whatever that fails with", func(t *testing.T) {
		for _, err := range []error{httpError(409), errors.New("reset"), context.Canceled, failed, timeout} {
			_, err := newWaiter(t, responses()).Run(t.Context(), submits("", err))
			require.Equal(t, "permanent", waiter.Outcome(err), "%v", err)
			require.NotErrorIs(t, err, waiter.ErrJobFailed)
			require.NotErrorIs(t, err, waiter.ErrUnfinished)
		}
	})

	t.Run("of a wrong call is usage", func(t *testing.T) {
		_, err := newWaiter(t, responses()).Wait(t.Context(), "")
		require.Equal(t, "usage", waiter.Outcome(err))
		_, err = newWaiter(t, responses()).Wait(t.Context(), id, waiter.WithStallLimit(-1))
		require.Equal(t, "usage", waiter.Outcome(err))
	})
}

type ownError struct{}

func (ownError) Error() string { return "the user's own" }

func TestErrorsOfOthers(t *testing.T) {
	other := &waiter.UnfinishedError{JobID: "another", Outcome: "unauthorized", Cause: &credential.Error{Rejected: true, Err: errors.New("rejected")}}
	specify(t, "are not found by their types, and what the user joined to them is", func(t *testing.T, d driver) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errors.Join(ownError{}, other)) })
		got := d.wait(ctx, t, responses(job("running")))
		_, found := errors.AsType[*credential.Error](got.err)
		require.False(t, found)
		_, found = errors.AsType[ownError](got.err)
		require.True(t, found)
		require.ErrorIs(t, got.err, error(other))
	})

	failed := &waiter.FailedError{Job: status.Job{ID: "another", Status: "failed"}}
	stalled := &waiter.UnfinishedError{JobID: "another", Outcome: "stalled", Unchanged: time.Hour, Advice: "ask the support"}
	for said, cause := range map[string]error{
		`another wait has ended: "job another failed: the service gives neither a code nor a reason"`:         failed,
		`another wait has ended: "mount: job another failed: the service gives neither a code nor a reason!"`: fmt.Errorf("mount: %w!", failed),
		`another wait has ended: "job another has stalled: no new status for 1h0m0s"`:                         stalled,
		`another wait has ended: "job has stalled"`:                                                           waiter.ErrStalled,
		"the operator pressed a key": errors.New("the operator pressed a key"),
	} {
		specify(t, "are quoted, without their advice: "+said, func(t *testing.T, d driver) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(cause) })
			text := d.wait(ctx, t, responses(job("running"))).err.Error()
			require.Contains(t, text, "context canceled: "+said)
			require.NotContains(t, text, "submit a new job")
			require.NotContains(t, text, "ask the support")
		})
	}

	specify(t, "that a save returned are not this wait's", func(t *testing.T, d driver) {
		mine := errors.New("the database is slow")
		got := d.wait(t.Context(), t, responses(job("running")), waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error {
			return fmt.Errorf("%w: %w", mine, context.DeadlineExceeded)
		}))
		require.NotErrorIs(t, got.err, context.DeadlineExceeded)
		require.ErrorIs(t, got.err, mine)
		require.ErrorContains(t, got.err, "the database is slow")
	})

	for is, want := range map[status.Status]string{"running": "(not saved: sub-job a running)", "paused": "(not saved: sub-job a paused)"} {
		specify(t, "that a save returned say what was not saved, of a sub-job too: "+want, func(t *testing.T, d driver) {
			got := d.wait(t.Context(), t, responses(job("running", sub("a", is))), waiter.WithCheckpoints(func(_ context.Context, _ status.Job, t status.Transition) error {
				if t.IsSubJob() {
					return errors.New("disk full")
				}
				return nil
			}))
			require.ErrorContains(t, got.err, "disk full "+want)
		}, alone)
	}

	specify(t, "of the service say what was asked", func(t *testing.T, d driver) {
		refusal := &poller.Error{StatusCode: 403, Asked: "https://sfs-turbo.example, project p"}
		require.Equal(t, refusal.Asked, unfinished(t, d.wait(t.Context(), t, responses(refusal)).err).Asked)
	})
}

// Waiting again does not help a wait that nothing got through to.
func TestErrorsAdviseToFixWhatKeptAWaitFromItsJob(t *testing.T) {
	const fix = "Fix the last failure first"
	for kind, fails := range map[string]error{
		"bad answer": &poller.Error{StatusCode: 200, Err: errors.New("HTML")},
		"network":    io.ErrUnexpectedEOF,
		"credential": &credential.Error{Err: errors.New("IAM is down")},
	} {
		specify(t, "such as "+kind, func(t *testing.T, d driver) {
			never := unfinished(t, d.wait(withDeadline(t, time.Minute), t, responses(fails)).err)
			require.Len(t, never.Failures, 1)
			require.Positive(t, never.Failures[kind])
			require.Contains(t, never.Advice, fix)
			seen := unfinished(t, d.wait(withDeadline(t, time.Minute), t, responses(job("running"), fails)).err)
			require.NotContains(t, seen.Advice, fix)
		}, blocking)
	}
	specify(t, "such as a limiter that lets no poll through", func(t *testing.T, d driver) {
		closed := waiter.WithLimiter(limiterFunc(func(context.Context) error { return errors.New("closed") }))
		require.Contains(t, unfinished(t, d.wait(withDeadline(t, time.Minute), t, responses(job("running")), closed).err).Advice, fix)
	}, blocking)
	specify(t, "and not where the service was down", func(t *testing.T, d driver) {
		require.NotContains(t, unfinished(t, d.wait(withDeadline(t, time.Minute), t, responses(httpError(503))).err).Advice, fix)
	}, blocking)
}

// A service may know why a job cannot succeed long before it says that the job has failed.
func TestErrorsReportTheReasonOfAJobThatIsNotDone(t *testing.T) {
	for name, c := range map[string]struct {
		job  status.Job
		want string
	}{
		"code and reason": {status.Job{Status: "running", ErrorCode: "SFS.TURBO.0100", FailReason: "quota exceeded"},
			"Last seen running 100ms ago, unchanged for 1m0s (SFS.TURBO.0100: quota exceeded); "},
		"a reason only": {status.Job{Status: "waiting", FailReason: "no capacity\nin this zone"},
			"Last seen waiting 100ms ago, unchanged for 1m0s (no capacity in this zone); "},
		"before the sub-jobs": {status.Job{Status: "running", ErrorCode: "SFS.TURBO.0100", SubJobs: []status.Job{sub("a", "running")}},
			"Last seen running 100ms ago, unchanged for 1m0s (SFS.TURBO.0100, sub-job a running); "},
		"of a status that is not known": {status.Job{Status: "error", FailReason: "no route"},
			"Last seen error 100ms ago, unchanged for 1m0s (an unknown status, no route); "},
		"none": {status.Job{Status: "running"}, "Last seen running 100ms ago, unchanged for 1m0s; "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newWaiter(t, responses(c.job)).Wait(withDeadline(t, time.Minute), id)
				require.ErrorIs(t, err, waiter.ErrUnfinished)
				require.ErrorContains(t, err, c.want)
			})
		})
	}
}

// TestDisasters prints what a user sees of a night that goes wrong outside the wait: in an engine
// that stores it, in a proxy, a clock, an environment or another program. Each text must say by
// itself which job it is about, in what state that is, why, and what to do next.
func TestDisasters(t *testing.T) {
	var text strings.Builder
	for _, d := range disasters {
		synctest.Test(t, func(t *testing.T) {
			var lines strings.Builder
			err := d.end(t, waiter.WithLogger(logLines(&lines)))
			require.Equal(t, d.logged, err == nil, "%s: %v", d.what, err)
			text.WriteString("# " + d.what + "\n")
			if d.logged {
				text.WriteString(lines.String() + "\n")
				return
			}
			require.NotContains(t, err.Error(), plantedToken)
			text.WriteString(err.Error() + "\n\n")
		})
	}
	text.WriteString("# a clock that is years behind\n" + notYetValid(t).Error() + "\n")
	golden(t, "testdata/disasters.golden", text.String())
}

type disaster struct {
	what   string
	logged bool // the log says it; there is no error
	end    func(t *testing.T, log waiter.Option) error
}

var runs = script(after(3*time.Second, job("running")))

var disasters = []disaster{
	// Engines.
	{what: "a done Progress, stepped again once the token is good", end: func(t *testing.T, _ waiter.Option) error {
		p := stepped(t, waiting(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 2, Status: 401, Message: "Incorrect IAM authentication information: token expires"}))))
		time.Sleep(time.Hour)
		_, err := waiting(t, responses(job("success"))).Step(t.Context(), restart(t, p))
		return err
	}},
	{what: "a Progress that a newer version has stored", end: func(t *testing.T, _ waiter.Option) error {
		p, err := waiting(t, responses(job("running"))).Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		p.State = json.RawMessage(strings.Replace(string(p.State), `"version":1`, `"version":2`, 1))
		_, err = waiting(t, responses(job("running"))).Step(t.Context(), p)
		return err
	}},
	{what: "a Progress with another job's checkpoint", end: func(t *testing.T, _ waiter.Option) error {
		_, err := waiting(t, responses()).Step(t.Context(), waiter.Progress{JobID: neighborID, Job: job("running")})
		return err
	}},
	{what: "a disk that is full in mid-job", end: func(t *testing.T, _ waiter.Option) error {
		full := waiter.WithCheckpoints(func(_ context.Context, _ status.Job, t status.Transition) error {
			if t.To == status.Running {
				return &os.PathError{Op: "write", Path: "/var/lib/binder/jobs.json", Err: syscall.ENOSPC}
			}
			return nil
		})
		_, err := waiting(t, inMemory(t, serving(runs)), full).Wait(t.Context(), id, jobType)
		return err
	}},
	{what: "an errgroup whose other job has failed", end: func(t *testing.T, _ waiter.Option) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(57*time.Second, func() {
			cancel(&waiter.FailedError{Job: status.Job{ID: neighborID, Type: "add_ad_domain", Status: "failed", FailReason: "the domain controller does not respond"}})
		})
		_, err := waiting(t, inMemory(t, serving(runs))).Wait(ctx, id)
		return err
	}},

	// Proxies.
	{what: "a proxy that wants a password", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, behind(t, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
	}},
	{what: "a proxy that breaks off", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, behind(t, "HTTP/1.1 200 Connection established\r\n\r\n"))
	}},
	{what: "a login page after a network change: a redirect", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 3, Status: 302, Header: http.Header{"Location": {"http://login.hotel.example/?from=x"}}})))
	}},
	{what: "a login page after a network change: a 200", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, inMemory(t, serving(runs, pollertest.Rule{Skip: 3, Raw: "<!DOCTYPE html><html><head><title>Welcome to Hotel WiFi</title></head></html>"})))
	}},
	{what: "a load balancer that resets each stream of HTTP/2", end: func(t *testing.T, _ waiter.Option) error { return waited(t, resetting(t)) }},

	// A clock, and half an environment.
	{what: "a clock that is 20 minutes ahead, and an access key", logged: true, end: func(t *testing.T, log waiter.Option) error {
		date := http.Header{"Date": {time.Now().Add(-20 * time.Minute).UTC().Format(http.TimeFormat)}}
		return waited(t, signing(t, serving(script(after(3*time.Second, job("running")), after(7*time.Second, job("success"))), pollertest.Rule{Header: date})), log)
	}},
	{what: "a user without a domain, and a region alone", end: fromEnv("HW_REGION_NAME=cn-north-4", "HW_USER_NAME=robot", "HW_USER_PASSWORD="+plantedToken)},
	{what: "IAM of another cloud", end: fromEnv("HW_REGION_NAME=eu-de", "HW_AUTH_URL=https://iam.eu-de.otc.example.com/v3", "HW_AUTH_TOKEN="+plantedToken)},

	// Two programs on one job, one share, one key or one user.
	{what: "a second wait with a key that another program has locked", end: func(t *testing.T, _ waiter.Option) error {
		w := waiting(t, signing(t, serving(runs, pollertest.Rule{Status: 401, Message: "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden"})))
		_, _ = w.Wait(t.Context(), neighborID)
		time.Sleep(time.Minute)
		_, err := w.Wait(t.Context(), id, jobType)
		return err
	}},
	{what: "a share that another program works on", end: func(t *testing.T, _ waiter.Option) error {
		return submitted(t, func() error {
			_, err := poller.JobID(http.StatusBadRequest, []byte(`{"errCode":"SFS.TURBO.0011","errMsg":"Cluster is doing something"}`))
			return err
		})
	}},
	{what: "a submit that timed out", end: func(t *testing.T, _ waiter.Option) error {
		return submitted(t, func() error {
			return &url.Error{Op: "Post", URL: "https://sfs-turbo.cn-north-4.myhuaweicloud.com/v1/p/sfs-turbo/shares/s/fs/ldap", Err: context.DeadlineExceeded}
		})
	}},
	{what: "a token that dies while IAM is down", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, loggedIn(t, serving(runs,
			pollertest.Rule{Call: pollertest.Poll, Skip: 3, Status: 401, Message: "Incorrect IAM authentication information: token expires"},
			pollertest.Rule{Call: pollertest.IssueToken, Skip: 1, Status: 503, Message: "Backend unavailable"},
		)))
	}},
	{what: "an IAM that throttles logins", end: func(t *testing.T, _ waiter.Option) error {
		return waited(t, loggedIn(t, serving(runs, pollertest.Rule{Call: pollertest.IssueToken, Status: 429})))
	}},
	{what: "WaitAll with one of each end", end: func(t *testing.T, _ waiter.Option) error {
		const refused, unknown, asked = "e5a7c9d2-8888-4999-aaaa-bbccddeeff00", "0f1e2d3c-7777-4666-9555-443322110099", "https://sfs-turbo.cn-north-4.myhuaweicloud.com, project a-project"
		each := map[string]*service{
			id:         responses(job("running")),
			neighborID: responses(status.Job{Type: "add_ad_domain", Status: "failed", FailReason: "no such user"}),
			refused:    responses(&poller.Error{StatusCode: 403, Code: "SFS.TURBO.9000", Message: "no permission", Asked: asked}),
			unknown:    responses(&poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019", Message: "Invalid Job Id", Asked: asked}),
		}
		_, err := waiting(t, fn(func(ctx context.Context, jobID string) (poller.Reply, error) { return each[jobID].Poll(ctx, jobID) })).
			WaitAll(withDeadline(t, time.Minute), []string{id, neighborID, refused, unknown})
		return err
	}},
}

func waiting(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	return newWaiter(t, p, append(every(5*time.Second), opts...)...)
}

func waited(t *testing.T, p poller.Poller, opts ...waiter.Option) error {
	_, err := waiting(t, p, opts...).Wait(withDeadline(t, 10*time.Minute), id, jobType)
	return err
}

func submitted(t *testing.T, submit func() error) error {
	_, err := waiting(t, responses()).Run(t.Context(), func(context.Context) (string, error) { return "", submit() }, jobType)
	return err
}

// stepped steps until the wait is done.
func stepped(t *testing.T, w *waiter.Waiter) waiter.Progress {
	p := waiter.Progress{JobID: id}
	for !p.Done {
		p, _ = w.Step(t.Context(), p)
		time.Sleep(p.Next)
	}
	return p
}

func serving(s pollertest.Script, rules ...pollertest.Rule) *pollertest.Server {
	server := pollertest.New()
	server.Add(s)
	for _, rule := range rules {
		server.Fail(rule)
	}
	return server
}

// behind is a service behind a proxy that responds so to CONNECT and closes the connection.
func behind(t *testing.T, responds string) poller.Poller {
	transport := wire.NewTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.corp.example:3128"})
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return piped(func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, responds)
			_, _ = c.Read(make([]byte, 64<<10)) // what the client says in TLS
		}), nil
	}
	return client(t, poller.Endpoint("cn-north-4"), &http.Client{Transport: transport}, credential.Token(plantedToken))
}

// resetting is a server of HTTP/2 that resets each stream with PROTOCOL_ERROR.
func resetting(t *testing.T) poller.Poller {
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: func(context.Context, string, string) (net.Conn, error) {
		near := piped(func(c net.Conn) {
			out := make(chan string, 8) // a pipe's writer waits for its reader, which may be writing
			defer close(out)
			go func() {
				for said := range out {
					_, _ = io.WriteString(c, said)
				}
			}()
			out <- wiretest.Frame(wiretest.Settings, 0, 0, "")
			head := make([]byte, 9)
			_, err := io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
			for err == nil {
				if _, err = io.ReadFull(c, head); err == nil {
					_, err = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head)>>8))
				}
				if head[3] == wiretest.Headers {
					out <- wiretest.Reset(binary.BigEndian.Uint32(head[5:]), wiretest.ErrorCodes["PROTOCOL_ERROR"])
				}
			}
		})
		t.Cleanup(func() { _ = near.Close() })
		return near, nil
	}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return client(t, "http://127.0.0.1", &http.Client{Transport: transport}, credential.Token(plantedToken))
}

// piped is a connection to serve, which closes it when it returns.
func piped(serve func(net.Conn)) net.Conn {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		serve(far)
	}()
	return near
}

// signing is a client with an access key.
func signing(t *testing.T, server *pollertest.Server) poller.Poller {
	t.Cleanup(server.Close)
	endpoint, httpClient := server.Memory()
	key, err := credential.AccessKey(credential.AccessKeyOptions{AccessKey: "AKEXAMPLE0000000000", SecretKey: plantedToken})
	require.NoError(t, err)
	return client(t, endpoint, httpClient, key)
}

// loggedIn is a client with a user's password, of a service and its IAM.
func loggedIn(t *testing.T, server *pollertest.Server) poller.Poller {
	t.Cleanup(server.Close)
	endpoint, httpClient := server.Memory()
	password, err := credential.Password(credential.PasswordOptions{
		IAMEndpoint: endpoint, User: "robot", Password: plantedToken, Domain: "our-account", ProjectName: "cn-north-4", HTTPClient: httpClient,
	})
	require.NoError(t, err)
	return client(t, endpoint, httpClient, password)
}

func client(t *testing.T, endpoint string, c *http.Client, authorized credential.Credential) poller.Poller {
	p, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(c), poller.WithCredential(authorized))
	require.NoError(t, err)
	return p
}

// fromEnv is the error of an environment that sets these variables, and no other: see TestMain.
func fromEnv(set ...string) func(*testing.T, waiter.Option) error {
	return func(t *testing.T, _ waiter.Option) error {
		for _, pair := range set {
			name, value, _ := strings.Cut(pair, "=")
			t.Setenv(name, value)
		}
		_, err := poller.FromEnv()
		return err
	}
}

// notYetValid is the error of a good certificate where the clock is years behind.
func notYetValid(t *testing.T) error {
	server := httptest.NewUnstartedServer(pollertest.New())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake fails
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Time: func() time.Time { return time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC) }},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	return waited(t, client(t, "https://example.com", &http.Client{Transport: transport}, credential.Token(plantedToken)))
}
