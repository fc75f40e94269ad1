package waiter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestAPollHasFifteenSecondsUnlessSaidOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limit time.Duration
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			deadline, _ := ctx.Deadline()
			limit = time.Until(deadline)
			return poller.Reply{Job: job("success")}, nil
		})
		require.NoError(t, wait(t.Context(), t, newWaiter(t, p)).err)
		require.Equal(t, 15*time.Second, limit)
	})
}

func TestACutPollIsATimeoutWhateverItsErrorSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			<-ctx.Done()
			return poller.Reply{}, errors.New("interrupted by someone")
		})
		got := wait(ctx, t, newWaiter(t, p, waiter.WithPollTimeout(25*time.Second), waiter.WithFailureBackOff(constant(time.Second))))
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](got.err)
		require.True(t, ok)
		require.Equal(t, map[string]int{"timeout": 3}, unfinished.Failures, "the third by the deadline")
		got = wait(t.Context(), t, newWaiter(t, p, waiter.WithPollTimeout(25*time.Second), waiter.WithClassifier(
			func(error, poller.Verdict) poller.Verdict { return poller.Permanent })))
		require.ErrorContains(t, got.err, "no answer within 25s: interrupted by someone")
	})
}

func TestACancelledPollIsNobodysFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			<-ctx.Done()
			return poller.Reply{}, context.DeadlineExceeded
		})
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](wait(ctx, t, newWaiter(t, p)).err)
		require.True(t, ok)
		require.Empty(t, unfinished.Failures)
		require.Nil(t, unfinished.LastFailure)
		require.Equal(t, 1, unfinished.Polls)
	})
}

// A hook may give up a poll: that is no timeout, and took no fifteen seconds.
func TestAPollThatAHookCancelsIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) { return poller.Reply{}, ctx.Err() })
		hook := waiter.WithTrace(&waiter.Trace{PollStart: func(ctx context.Context, _ string) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}})
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](wait(ctx, t, newWaiter(t, p, hook)).err)
		require.True(t, ok)
		require.Equal(t, map[string]int{"other": 2}, unfinished.Failures)
		require.NotContains(t, unfinished.Error(), "no answer within")
	})
}

// A hook's own timeout is one, and the report says how long it took.
func TestAPollThatAHookTimesOutSaysHowLongItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			<-ctx.Done()
			return poller.Reply{}, ctx.Err()
		})
		hook := waiter.WithTrace(&waiter.Trace{PollStart: func(ctx context.Context, _ string) context.Context {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			context.AfterFunc(ctx, cancel)
			return ctx
		}})
		once := waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent })
		for _, limit := range []time.Duration{0, 15 * time.Second} {
			got := wait(t.Context(), t, newWaiter(t, p, hook, once, waiter.WithPollTimeout(limit)))
			require.ErrorContains(t, got.err, "no answer within 1s: ")
		}
	})
}

func TestThePollsContextIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var polls []context.Context
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			polls = append(polls, ctx)
			return poller.Reply{Job: job([]status.Status{"running", "success"}[len(polls)-1])}, nil
		})
		require.NoError(t, wait(t.Context(), t, newWaiter(t, p)).err)
		require.Len(t, polls, 2)
		for _, ctx := range polls {
			require.ErrorIs(t, ctx.Err(), context.Canceled, "its timer is still there")
		}
	})
}

func TestAPollersOwnJobIsNotChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := job("RUNNING", sub("a", "RUNNING"))
		require.NoError(t, wait(t.Context(), t, newWaiter(t, answers(own, job("success")))).err)
		require.Equal(t, job("RUNNING", sub("a", "RUNNING")), own)
	})
}
