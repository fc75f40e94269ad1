package wait

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// logged waits with the responses, and returns what was logged with that message.
func logged(t *testing.T, message string, level zapcore.Level, responses ...any) (lines []map[string]any) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(level)
		c := Defaults(script(responses...))
		c.Log = zap.New(core)
		for which := range c.Schedules {
			c.Schedules[which] = func() backoff.BackOff { return backoff.NewConstantBackOff(2 * time.Second) }
		}
		_ = begin(t, &c).Wait(t.Context())
		for _, entry := range logs.FilterMessage(message).All() {
			lines = append(lines, entry.ContextMap())
		}
	})
	return lines
}

func TestLogTransition(t *testing.T) {
	failed := status.Job{ID: "b", Type: "check_ldap", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "timed\nout"}
	open := failed
	open.Status = "running"
	lines := logged(t, "transition", zap.InfoLevel, job("running", open), job("failed", failed))
	require.Equal(t, []map[string]any{
		{"job_id": "a", "sub_job": "", "job_type": "bind_ldap", "from": "", "to": "running"},
		{"job_id": "a", "sub_job": "b", "job_type": "check_ldap", "from": "", "to": "running"},
		{
			"job_id": "a", "sub_job": "b", "job_type": "check_ldap", "from": "running", "to": "failed",
			"error_code": "SFS.TURBO.0101", "fail_reason": "timed out",
		},
		{"job_id": "a", "sub_job": "", "job_type": "bind_ldap", "from": "running", "to": "failed", "error_code": "", "fail_reason": ""},
	}, lines)
}

// The service adds statuses. One with a code, a reason or an end time may be an end.
func TestLogTransitionToAnUnknownStatus(t *testing.T) {
	ended := status.Job{ID: "a", Type: "bind_ldap", Status: "error", ErrorCode: "SFS.TURBO.0100", FailReason: "timed\nout", EndTime: "2026-01-02 03:04:05"}
	lines := logged(t, "transition", zap.InfoLevel, job("paused"), ended, job("success"))
	require.Equal(t, []map[string]any{
		{"job_id": "a", "sub_job": "", "job_type": "bind_ldap", "from": "", "to": "paused"},
		{
			"job_id": "a", "sub_job": "", "job_type": "bind_ldap", "from": "paused", "to": "error",
			"error_code": "SFS.TURBO.0100", "fail_reason": "timed out", "end_time": "2026-01-02 03:04:05",
		},
		{"job_id": "a", "sub_job": "", "job_type": "bind_ldap", "from": "error", "to": "success"},
	}, lines)
}

func TestLogEnd(t *testing.T) {
	lines := logged(t, "wait ended", zap.InfoLevel, job("running"), job("running"), job("failed"))
	require.Equal(t, []map[string]any{
		{"job_id": "a", "outcome": "failed", "status": "failed", "polls": int64(3), "elapsed": 4 * time.Second},
	}, lines)
}

func TestLogPolls(t *testing.T) {
	reset := errors.New("connection reset")
	responses := []any{reset, reset, job("running"), reset, job("success")}
	lines := logged(t, "polled", zap.DebugLevel, responses...)
	require.Len(t, lines, len(responses))
	require.Equal(t, map[string]any{"job_id": "a", "polls": int64(2), "status": "", "failure": "connection reset"}, lines[1])
	require.Len(t, logged(t, "poll failed", zap.WarnLevel, responses...), 2, "one for each run of the same failure")
	require.Empty(t, logged(t, "poll failed", zap.WarnLevel, &poller.Error{StatusCode: 401}), "it ends the wait, and is returned")
	require.Len(t, logged(t, `unknown status "paused" counts as not finished`, zap.WarnLevel, job("paused"), job("paused"), job("success")), 1)
	const ended = `unknown status "error" counts as not finished, though it has the end time "2026-01-02 03:04:05"`
	require.Len(t, logged(t, ended, zap.WarnLevel, status.Job{Status: "error", EndTime: "2026-01-02 03:04:05"}, job("success")), 1)
	both := job("paused", status.Job{ID: "b", Status: "odd"})
	require.Len(t, logged(t, `unknown status "odd" counts as not finished`, zap.WarnLevel, both, job("success")), 1, "each oddity")
}

func TestLogClock(t *testing.T) {
	const message = "this machine's clock is 1h0m0s %s the service's: set it right, for example with NTP; until then access keys sign with the service's time"
	at := func(s status.Status, ahead time.Duration) poller.Reply {
		return poller.Reply{Job: job(s), ServerTime: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-ahead)} // a bubble's time
	}
	require.Empty(t, logged(t, message, zap.WarnLevel, at("success", 14*time.Minute)))
	require.Empty(t, logged(t, message, zap.WarnLevel, job("success")), "the service's time is unknown")
	for where, ahead := range map[string]time.Duration{"ahead of": time.Hour, "behind": -time.Hour} {
		lines := logged(t, fmt.Sprintf(message, where), zap.WarnLevel, at("running", ahead), at("success", ahead))
		require.Equal(t, []map[string]any{{"job_id": "a", "ahead": ahead}}, lines)
	}
}

// limiter is what its Wait returns, one after the other.
type limiter []error

func (l *limiter) Wait(context.Context) error {
	err := (*l)[0]
	*l = (*l)[1:]
	return err
}

func TestLogRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		c := Defaults(replies("running"))
		c.Log = zap.New(core)
		c.Schedules[follow.Progress] = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
		refusals := limiter{errors.New("used up"), errors.New("used up"), nil, errors.New("used up"), nil}
		c.Limiter = &refusals
		f := begin(t, &c)
		f.Deadline = time.Now().Add(time.Hour)
		for len(refusals) > 0 {
			_, end := f.Poll(t.Context())
			require.Nil(t, end)
		}
		require.Equal(t, 2, logs.FilterMessage("not polled").Len(), "one for each run of refusals")
	})
}
