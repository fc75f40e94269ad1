package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

const limit = 10 * time.Minute

func withDeadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func TestAJobThatEndsShortlyBeforeTheDeadlineIsSeen(t *testing.T) {
	tests := map[string]struct {
		before, took time.Duration
		opts         []waiter.Option
	}{
		"a fast server":   {before: 400 * time.Millisecond, took: 5 * time.Millisecond},
		"a server of 2 s": {before: 4 * time.Second, took: 2 * time.Second},
		"a schedule that sleeps past it": {
			before: 400 * time.Millisecond, opts: []waiter.Option{waiter.WithBackOff(constant(time.Hour))},
		},
		"a limiter": {
			before: 400 * time.Millisecond,
			opts:   []waiter.Option{waiter.WithLimiter(rate.NewLimiter(rate.Every(time.Second), 5))},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := wait(withDeadline(t), t, newWaiter(t, timeline(limit-test.before, test.took), test.opts...))
				require.NoError(t, got.err)
				require.Equal(t, status.Success, got.job.Status)
				require.LessOrEqual(t, time.Since(start), limit)
			})
		})
	}
}

func TestTheLastLookComesWhateverRetryAfterSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := timeline(limit-200*time.Millisecond, 0)
		inner := s.answer
		s.answer = func(n int, age time.Duration) (poller.Reply, error) {
			reply, err := inner(n, age)
			reply.RetryAfter = 45 * time.Second
			return reply, err
		}
		require.NoError(t, wait(withDeadline(t), t, newWaiter(t, s)).err)
		require.Equal(t, limit-100*time.Millisecond, s.polls[len(s.polls)-1])
	})
}

func TestAHungPollDoesNotCostTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := 0
		start := time.Now()
		p := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
			if age := time.Since(start); age > limit-20*time.Second && age < limit-time.Second {
				hangs++
				<-ctx.Done()
				return poller.Reply{}, ctx.Err()
			} else if age >= limit-time.Second {
				return poller.Reply{Job: job("success")}, nil
			}
			return poller.Reply{Job: job("running")}, nil
		})
		got := wait(withDeadline(t), t, newWaiter(t, p, waiter.WithPollTimeout(0)))
		require.NoError(t, got.err)
		require.Equal(t, 1, hangs)
	})
}

func TestAnUnfinishedWaitLastsUntilTheDeadlineExactly(t *testing.T) {
	slow := rate.NewLimiter(rate.Every(time.Hour), 1)
	hang := poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
		<-ctx.Done()
		return poller.Reply{}, errors.New("interrupted")
	})
	tests := map[string]struct {
		poller poller.Poller
		opts   []waiter.Option
		polls  int
	}{
		"running":                {poller: answers(job("running")), opts: []waiter.Option{waiter.WithBackOff(constant(time.Hour))}, polls: 2},
		"a limiter that refuses": {poller: answers(job("running")), opts: []waiter.Option{waiter.WithLimiter(slow)}, polls: 1},
		"never an answer":        {poller: hang, opts: []waiter.Option{waiter.WithPollTimeout(0)}, polls: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := wait(withDeadline(t), t, newWaiter(t, test.poller, test.opts...))
				require.ErrorIs(t, got.err, context.DeadlineExceeded)
				require.NotErrorIs(t, got.err, context.Canceled)
				require.Equal(t, limit, time.Since(start))
				unfinished, ok := errors.AsType[*waiter.UnfinishedError](got.err)
				require.True(t, ok)
				require.Equal(t, test.polls, unfinished.Polls)
			})
		})
	}
}

func TestALimiterThatRefusesWithoutADeadlineEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running"))
		got := wait(t.Context(), t, newWaiter(t, s, waiter.WithLimiter(rate.NewLimiter(1, 0))))
		require.ErrorIs(t, got.err, waiter.ErrUnfinished)
		require.ErrorContains(t, got.err, "burst")
		require.Empty(t, s.polls)
	})
}

func TestTheContextsErrorAndCauseAreFound(t *testing.T) {
	why := errors.New("the shift is over")
	late := fmt.Errorf("the shift is over: %w", context.DeadlineExceeded)
	tests := map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		is   error
		not  error
		also error
	}{
		"deadline": {
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			is: context.DeadlineExceeded, not: context.Canceled,
		},
		"deadline with a cause": {
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Minute, why)
			},
			is: context.DeadlineExceeded, not: context.Canceled, also: why,
		},
		"deadline with a cause that wraps the same error": {
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Minute, late)
			},
			is: context.DeadlineExceeded, not: context.Canceled, also: late,
		},
		"cancel": {
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Minute, cancel)
				return ctx, cancel
			},
			is: context.Canceled, not: context.DeadlineExceeded,
		},
		"cancel with a cause": {
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(why) })
				return ctx, func() { cancel(nil) }
			},
			is: context.Canceled, not: context.DeadlineExceeded, also: why,
		},
	}
	pollers := map[string]func() poller.Poller{
		"while it sleeps": func() poller.Poller { return answers(job("running", sub("a", "running"))) },
		"while it polls": func() poller.Poller {
			return poller.Func(func(ctx context.Context, _ string) (poller.Reply, error) {
				<-ctx.Done()
				return poller.Reply{}, context.Cause(ctx) // as the HTTP transport does
			})
		},
		"after polls that timed out":      func() poller.Poller { return answers(context.DeadlineExceeded) },
		"after polls that were cancelled": func() poller.Poller { return answers(context.Canceled) },
	}
	for name, test := range tests {
		for when, p := range pollers {
			t.Run(name+" "+when, func(t *testing.T) {
				each(t, func(t *testing.T, v verb) {
					ctx, cancel := test.end(t.Context())
					defer cancel()
					got := v(ctx, t, newWaiter(t, p()))
					require.ErrorIs(t, got.err, waiter.ErrUnfinished)
					require.ErrorIs(t, got.err, test.is)
					require.NotErrorIs(t, got.err, test.not)
					if test.also != nil {
						require.ErrorIs(t, got.err, test.also)
						require.ErrorContains(t, got.err, test.also.Error())
					}
				})
			})
		}
	}
}

func TestAContextThatHasEndedMeansNoRequest(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := answers(job("success"))
		got := v(ctx, t, newWaiter(t, s))
		require.ErrorIs(t, got.err, context.Canceled)
		require.Empty(t, s.polls)
	})
}

func TestAnAnswerThatArrivedCountsThoughTheContextEnded(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		ctx, cancel := context.WithCancel(t.Context())
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			cancel()
			return poller.Reply{Job: job("success")}, nil
		})
		require.NoError(t, v(ctx, t, newWaiter(t, p)).err)
	})
}
