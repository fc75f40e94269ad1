package waiter_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

var (
	noJob  = &poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019", Message: "Invalid Job Id"}
	noHost = &net.DNSError{Err: "no such host", Name: "sfs-turbo.nowhere.example", IsNotFound: true}
)

// Every second, so that a test can count.
var steady = []waiter.Option{
	waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(time.Second)),
}

func TestFailuresThatPassDoNotEndAWait(t *testing.T) {
	passing := []error{
		httpError(502), httpError(500), httpError(504), httpError(408), httpError(425), httpError(429),
		&poller.Error{StatusCode: 400, Code: "SFS.TURBO.0005"}, &poller.Error{StatusCode: 200, Err: errors.New("HTML")},
		errors.New("connection reset by peer"), context.DeadlineExceeded,
	}
	for _, err := range passing {
		t.Run(err.Error(), func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				got := v(t.Context(), t, newWaiter(t, answers(err, job("running"), err, err, err, job("success"))))
				require.NoError(t, got.err)
				require.Equal(t, []string{"->running", "running->success"}, got.lines())
			})
		})
	}
}

func TestFailuresThatEndAWaitAtOnce(t *testing.T) {
	tests := map[string]struct {
		err error
		is  error
	}{
		"401":                {httpError(401), waiter.ErrUnauthorized},
		"403":                {httpError(403), waiter.ErrUnfinished},
		"302":                {httpError(302), waiter.ErrUnfinished},
		"wrong region":       {&poller.Error{StatusCode: 404, Code: "APIGW.0101"}, waiter.ErrUnfinished},
		"certificate":        {x509.UnknownAuthorityError{}, waiter.ErrUnfinished},
		"backoff.Permanent":  {backoff.Permanent(errors.New("no")), waiter.ErrUnfinished},
		"not found is given": {noJob, waiter.ErrNotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				s := answers(test.err)
				got := v(t.Context(), t, newWaiter(t, s, waiter.WithNotFoundGrace(0)))
				require.ErrorIs(t, got.err, waiter.ErrUnfinished)
				require.ErrorIs(t, got.err, test.is)
				require.ErrorIs(t, got.err, test.err)
				require.Len(t, s.polls, 1)
			})
		})
	}
}

func TestNotFound(t *testing.T) {
	tests := map[string]struct {
		answers []any
		is      error
		polls   []time.Duration
	}{
		"never seen: until the grace is over": {
			[]any{noJob}, waiter.ErrNotFound, seconds(0, 4, 8, 10),
		},
		"never seen, then seen": {
			[]any{noJob, noJob, job("success")}, nil, seconds(0, 4, 8),
		},
		"seen, one stale replica": {
			[]any{job("running"), noJob, job("running"), noJob, job("success")}, nil, seconds(0, 4, 8, 12, 16),
		},
		"seen, confirmed": {
			[]any{job("running"), noJob, noJob}, waiter.ErrDisappeared, seconds(0, 4, 8),
		},
		"seen, confirmed across an outage": {
			[]any{job("running"), noJob, httpError(503), noJob}, waiter.ErrDisappeared, seconds(0, 4, 8, 12),
		},
		"a host that does not resolve: until the grace is over": {
			[]any{noHost}, waiter.ErrUnfinished, seconds(0, 4, 8, 10),
		},
		"a host that no longer resolves": {
			[]any{job("running"), noHost, noHost, noHost, noHost, job("success")}, nil, seconds(0, 4, 8, 12, 16, 20),
		},
		"seen, confirmed no sooner than the service asks": {
			[]any{job("running"), &poller.Error{StatusCode: 404, RetryAfter: 20 * time.Second}, noJob}, waiter.ErrDisappeared, seconds(0, 4, 24),
		},
		"Retry-After beyond the grace": {
			[]any{&poller.Error{StatusCode: 404, RetryAfter: 20 * time.Second}}, waiter.ErrNotFound, seconds(0, 20),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				s := answers(test.answers...)
				got := v(t.Context(), t, newWaiter(t, s,
					waiter.WithBackOff(constant(4*time.Second)), waiter.WithFailureBackOff(constant(4*time.Second))))
				require.ErrorIs(t, got.err, test.is)
				require.Equal(t, test.polls, s.polls)
			})
		})
	}
}

func TestASecond404IsAtLeastASecondLater(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := answers(job("running"), noJob, noJob)
		got := v(t.Context(), t, newWaiter(t, s,
			waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(time.Millisecond))))
		require.ErrorIs(t, got.err, waiter.ErrDisappeared)
		require.Equal(t, seconds(0, 1, 2), s.polls)
	})
}

func TestAClassifierOverrules(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := answers(httpError(403), httpError(503))
		got := v(t.Context(), t, newWaiter(t, s, waiter.WithClassifier(func(err error, byDefault poller.Verdict) poller.Verdict {
			if byDefault == poller.Permanent {
				return poller.Passing
			}
			return poller.Permanent
		})))
		require.ErrorContains(t, got.err, "503")
		require.Len(t, s.polls, 2)
	})
}

func TestAStallIsJudgedAtGoodAnswers(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := &service{answer: func(n int, age time.Duration) (poller.Reply, error) {
			switch {
			case age < 10*time.Minute:
				return poller.Reply{Job: job([]status.Status{"waiting", "running"}[n%2])}, nil
			case age < time.Hour:
				return poller.Reply{}, httpError(503)
			}
			return poller.Reply{Job: job("running", sub("late", "running"))}, nil
		}}
		start := time.Now()
		got := v(t.Context(), t, newWaiter(t, s, append(steady, waiter.WithStallLimit(30*time.Minute))...))
		require.ErrorIs(t, got.err, waiter.ErrStalled)
		require.Equal(t, 90*time.Minute, time.Since(start), "the outage is none, the sub-job is progress, flapping is not")
	})
}

func TestTheReportOfAnUnfinishedWait(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second-1)
		defer cancel()
		s := answers(poller.Reply{Job: job("running", sub("s1", "running"), sub("s2", "success")), RequestID: "req-1"},
			httpError(503), httpError(503), context.DeadlineExceeded, &poller.Error{StatusCode: 200, Err: errors.New("HTML")}, httpError(429))
		got := v(ctx, t, newWaiter(t, s, steady...))
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](got.err)
		require.True(t, ok)
		require.Equal(t, id, unfinished.JobID)
		require.Equal(t, status.Running, unfinished.Last.Status)
		require.Equal(t, "req-1", unfinished.RequestID)
		require.Equal(t, len(s.polls), unfinished.Polls)
		require.Equal(t, 10*time.Second-1, unfinished.Elapsed)
		require.Equal(t, unfinished.Elapsed, unfinished.Age)
		require.Equal(t, map[string]int{"503": 2, "timeout": 1, "bad answer": 1, "429": len(s.polls) - 5}, unfinished.Failures)
		require.ErrorContains(t, unfinished.LastFailure, "429")
		for _, part := range []string{
			"bind_ldap job " + id + " was not done in time", "Last seen running 10s ago", "sub-job s1 running",
			"2 x 503", "1 x timeout", "request id req-1", "wait again with its id",
		} {
			require.ErrorContains(t, got.err, part)
		}
		require.NotContains(t, got.err.Error(), "s2", "a sub-job that is done is nobody's concern")
	})
}

func TestAFailureStaysTheLastOneThoughGoodPollsFollow(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		got := v(ctx, t, newWaiter(t, answers(httpError(503), job("running")), steady...))
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](got.err)
		require.True(t, ok)
		require.ErrorContains(t, unfinished.LastFailure, "503")
	})
}

func TestTheReportOfAFailedJob(t *testing.T) {
	failed := status.Job{
		ID: id, Type: "bind_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0100", FailReason: "bind\nfailed",
		BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:34:10",
		SubJobs: []status.Job{
			{ID: "s1", Type: "check", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no route to host"},
			{ID: "s2", Type: "mount", Status: "success"},
		},
	}
	silent := failed
	silent.ErrorCode, silent.FailReason = "", ""
	many := silent
	many.SubJobs = nil
	for _, sid := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7"} {
		many.SubJobs = append(many.SubJobs, sub(sid, "failed"))
	}
	strict := silent
	strict.Status = "success"
	tests := map[string]struct {
		job  status.Job
		want string
	}{
		"the parent says why": {failed, "bind_ldap job " + id + " failed after 12s: SFS.TURBO.0100: bind failed; " +
			"sub-job check s1 failed: SFS.TURBO.0101: no route to host; request id req-9. The job has ended: mend the cause, then submit it anew"},
		"the parent is silent": {silent, "bind_ldap job " + id + " failed after 12s: " +
			"sub-job check s1 failed: SFS.TURBO.0101: no route to host; request id req-9. The job has ended: mend the cause, then submit it anew"},
		"many sub-jobs": {many, "bind_ldap job " + id + " failed after 12s: " +
			"sub-job s1 failed; sub-job s2 failed; sub-job s3 failed; sub-job s4 failed; sub-job s5 failed; and 2 more; " +
			"request id req-9. The job has ended: mend the cause, then submit it anew"},
		"strict": {strict, "bind_ldap job " + id + " succeeded after 12s, but not all of its sub-jobs: " +
			"sub-job check s1 failed: SFS.TURBO.0101: no route to host; request id req-9. Look at the resource before submitting it anew"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				s := answers(poller.Reply{Job: test.job, RequestID: "req-9"})
				got := v(t.Context(), t, newWaiter(t, s, waiter.WithStrictSubJobs()))
				require.ErrorIs(t, got.err, waiter.ErrJobFailed)
				require.NotErrorIs(t, got.err, waiter.ErrUnfinished)
				require.EqualError(t, got.err, test.want)
				failed, ok := errors.AsType[*waiter.FailedError](got.err)
				require.True(t, ok)
				require.Equal(t, test.job, failed.Job)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, wait(t.Context(), t, newWaiter(t, answers(strict))).err, "unless it is asked for")
	})
}
