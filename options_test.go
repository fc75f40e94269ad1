package waiter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestAWrongOptionIsNamed(t *testing.T) {
	tests := map[string]waiter.Option{
		"OnTransition":       waiter.OnTransition(nil),
		"WithBackOff":        waiter.WithBackOff(nil),
		"WithFailureBackOff": waiter.WithFailureBackOff(nil),
		"WithLogger":         waiter.WithLogger(nil),
		"WithLimiter":        waiter.WithLimiter((*rate.Limiter)(nil)),
		"WithPollTimeout":    waiter.WithPollTimeout(-1),
		"WithNotFoundGrace":  waiter.WithNotFoundGrace(-1),
		"WithStallLimit":     waiter.WithStallLimit(-1),
		"WithJobType":        waiter.WithJobType(""),
		"WithClassifier":     waiter.WithClassifier(nil),
		"WithTrace":          waiter.WithTrace(nil),
		"option 1 is nil":    nil,
	}
	s := answers(job("success"))
	for name, option := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := waiter.New(s, option)
			require.ErrorContains(t, err, name)

			w := newWaiter(t, s)
			got, err := w.Wait(t.Context(), id, option)
			require.ErrorContains(t, err, name)
			require.Equal(t, id, got.ID)
			p, err := w.Step(t.Context(), waiter.Progress{JobID: id}, option)
			require.ErrorContains(t, err, name)
			require.Equal(t, waiter.Progress{JobID: id}, p)
		})
	}
	require.Empty(t, s.polls)
}

func TestABackOffThatIsNoneIsNamed(t *testing.T) {
	for name, option := range map[string]waiter.Option{
		"WithBackOff":        waiter.WithBackOff(func() backoff.BackOff { return nil }),
		"WithFailureBackOff": waiter.WithFailureBackOff(func() backoff.BackOff { return (*backoff.ExponentialBackOff)(nil) }),
	} {
		_, err := newWaiter(t, answers(job("success"))).Wait(t.Context(), id, option)
		require.ErrorContains(t, err, name+":")
	}
}

func TestNewRefusesWhatIsNoPoller(t *testing.T) {
	for _, p := range []poller.Poller{nil, (*poller.Client)(nil), poller.Func(nil)} {
		_, err := waiter.New(p)
		require.ErrorContains(t, err, "Poller is nil")
	}
}

func TestFromInTheWrongPlace(t *testing.T) {
	from := waiter.From(job("running"))
	_, err := waiter.New(answers(), from)
	require.ErrorContains(t, err, "From")

	w := newWaiter(t, answers(job("success")))
	_, err = w.Wait(t.Context(), id, from, from)
	require.ErrorContains(t, err, "From: given twice")
	_, err = w.Wait(t.Context(), "another", from)
	require.ErrorContains(t, err, "From")
	_, err = w.Step(t.Context(), waiter.Progress{JobID: id}, from)
	require.ErrorContains(t, err, "Progress.Job")
	_, err = w.Step(t.Context(), waiter.Progress{JobID: "another", Job: job("running")})
	require.ErrorContains(t, err, "Progress.Job")
	_, err = w.Wait(t.Context(), id, waiter.From(status.Job{Status: status.Running}))
	require.NoError(t, err, "a checkpoint without an id is this job's")
}

func TestAnIDThatCanNotBeAskedForIsRefusedBeforeAnyRequest(t *testing.T) {
	s := answers(job("success"))
	w := newWaiter(t, s)
	for _, id := range []string{"", "  ", ".", ".."} {
		_, err := w.Wait(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		require.ErrorContains(t, err, "job id")
		_, err = w.Step(t.Context(), waiter.Progress{JobID: id})
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		_, err = w.WaitAll(t.Context(), id)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
	}
	require.Empty(t, s.polls)
}

func TestOptionsOfACallOverrideNewsButCallbacksAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		say := func(what string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { order = append(order, what) })
		}
		s := answers(job("running"), job("success"))
		w := newWaiter(t, s, say("new"), waiter.WithBackOff(constant(time.Hour)))
		_, err := w.Wait(t.Context(), id, say("call"), waiter.WithBackOff(constant(time.Second)))
		require.NoError(t, err)
		require.Equal(t, []string{"new", "call", "new", "call"}, order)
		require.Equal(t, seconds(0, 1), s.polls)

		order = nil
		_, err = w.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []string{"new"}, order, "a call's options are that call's")
	})
}

func TestTheJobTypeIsReportedBeforeItIsSeen(t *testing.T) {
	_, err := newWaiter(t, answers(httpError(403))).Wait(t.Context(), id, waiter.WithJobType("bind_ldap"))
	require.ErrorContains(t, err, "bind_ldap job "+id)
	_, err = newWaiter(t, answers(httpError(403))).Wait(t.Context(), id,
		waiter.WithJobType("bind_ldap"), waiter.From(status.Job{Type: "create_share"}))
	require.ErrorContains(t, err, "create_share job "+id, "the service has said so")
}

func TestTraceHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var seen []string
		trace := &waiter.Trace{
			WaitStart: func(ctx context.Context, jobID string) context.Context {
				require.Equal(t, id, jobID)
				return context.WithValue(ctx, key{}, "wait")
			},
			PollStart: func(ctx context.Context, _ string) context.Context {
				return context.WithValue(ctx, key{}, ctx.Value(key{}).(string)+" poll")
			},
			PollEnd: func(ctx context.Context, reply poller.Reply, err error) {
				seen = append(seen, ctx.Value(key{}).(string)+" "+string(reply.Job.Status))
				if err != nil {
					seen = append(seen, err.Error())
				}
			},
			WaitEnd: func(ctx context.Context, job status.Job, err error) {
				seen = append(seen, ctx.Value(key{}).(string)+" "+string(job.Status))
				require.NoError(t, err)
			},
		}
		inPoll := ""
		list := answers(job("running"), errors.New("reset"), job("success"))
		p := poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
			inPoll = ctx.Value(key{}).(string)
			reply, err := list.Poll(ctx, id)
			return reply, err
		})
		require.NoError(t, wait(t.Context(), t, newWaiter(t, p, waiter.WithTrace(trace), waiter.WithTrace(&waiter.Trace{}))).err)
		require.Equal(t, "wait poll", inPoll)
		require.Equal(t, []string{"wait poll running", "wait poll ", "reset", "wait poll success", "wait success"}, seen)
	})
}

func TestLogging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		w := newWaiter(t, answers(
			job("waiting", sub("a", "paused")), httpError(503), httpError(503), httpError(502), job("running"), httpError(503),
			job("waiting", sub("b", "paused")), job("running"), job("failed")), waiter.WithLogger(zap.New(core)))
		require.ErrorIs(t, wait(t.Context(), t, w).err, waiter.ErrJobFailed)
		var lines []string
		for _, entry := range logs.All() {
			require.Equal(t, id, entry.ContextMap()["job_id"])
			line := entry.Level.String() + " " + entry.Message
			if failure, ok := entry.ContextMap()["error"].(string); ok {
				line += " " + failure
			}
			lines = append(lines, line)
		}
		require.Equal(t, []string{
			`warn unknown status "paused" is taken for not finished`,
			"info transition", "info transition",
			"warn poll failed " + httpError(503).Error(), "warn poll failed " + httpError(502).Error(),
			"info transition", "warn poll failed " + httpError(503).Error(),
			`warn status went back from "running" to "waiting"`,
			"info transition", "info transition", "info transition", "info transition",
		}, lines)

		core, logs = observer.New(zap.DebugLevel)
		require.NoError(t, wait(t.Context(), t, newWaiter(t, answers(job("running"), job("success")), waiter.WithLogger(zap.New(core)))).err)
		require.Equal(t, 2, logs.FilterMessage("polled").Len())
	})
}
