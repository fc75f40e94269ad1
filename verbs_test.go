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

func TestRunSubmitsOnceAndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, submitted := answers(noJob, job("running"), job("failed")), 0
		got, err := newWaiter(t, s).Run(t.Context(), func(context.Context) (string, error) {
			time.Sleep(time.Minute) // the grace begins when submit returns
			submitted++
			return id, nil
		})
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		require.Equal(t, id, got.ID)
		require.Equal(t, 1, submitted)
	})
}

func TestRunFailsClearly(t *testing.T) {
	refused := errors.New("SFS.TURBO.0011: another operation is active")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	submit := func(id string, err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return id, err }
	}
	never := func(context.Context) (string, error) {
		t.Error("submitted")
		return "", nil
	}
	tests := map[string]struct {
		ctx    context.Context
		submit func(context.Context) (string, error)
		opt    waiter.Option
		is     error
		text   string
	}{
		"refused":                  {t.Context(), submit("", refused), nil, refused, "submitting the job: SFS.TURBO.0011: another operation is active. If the call got through"},
		"no id":                    {t.Context(), submit("", nil), nil, waiter.ErrUnfinished, "the job was submitted, but its id was not returned"},
		"a context that has ended": {cancelled, never, nil, context.Canceled, "nothing was submitted"},
		"a wrong option":           {t.Context(), never, waiter.WithStallLimit(-1), nil, "WithStallLimit"},
		"a checkpoint":             {t.Context(), never, waiter.From(job("running")), nil, "From"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var opts []waiter.Option
			if test.opt != nil {
				opts = append(opts, test.opt)
			}
			_, err := newWaiter(t, answers(job("success"))).Run(test.ctx, test.submit, opts...)
			require.ErrorContains(t, err, test.text)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
}

func TestRunTellsTheIDWhenTheWaitingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got, err := newWaiter(t, answers(httpError(503))).Run(ctx, func(context.Context) (string, error) { return id, nil })
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](err)
		require.True(t, ok)
		require.Equal(t, id, unfinished.JobID)
		require.Equal(t, id, got.ID)
	})
}

func TestBreakStopsAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running", sub("a", "running"), sub("b", "running")), job("success"))
		w, seen := newWaiter(t, s), 0
		for _, err := range w.Watch(t.Context(), id) {
			require.NoError(t, err)
			if seen++; seen == 2 {
				break
			}
		}
		require.Equal(t, 2, seen)
		require.Len(t, s.polls, 1)
	})
}

func TestWatchPollsOnlyWhileIterating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("waiting"), job("running"), job("success"))
		seq := newWaiter(t, s).Watch(t.Context(), id)
		time.Sleep(time.Hour)
		require.Empty(t, s.polls)
		for range seq {
			polls := len(s.polls)
			time.Sleep(time.Hour)
			require.Len(t, s.polls, polls)
		}
		for _, err := range seq { // once more, on a wait of its own
			require.NoError(t, err)
		}
		require.Len(t, s.polls, 4)
	})
}

func TestWatchEndsWithOneError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last status.Transition
		var errs []error
		for told, err := range newWaiter(t, answers(job("running"), job("failed"))).Watch(t.Context(), id) {
			if last = told; err != nil {
				errs = append(errs, err)
			}
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], waiter.ErrJobFailed)
		require.Zero(t, last)
	})
	for _, err := range newWaiter(t, answers(job("success"))).Watch(t.Context(), "") {
		require.ErrorContains(t, err, "the job id is empty")
	}
}

func TestAPanicOfACallbackPassesThroughOnTheCallersGoroutine(t *testing.T) {
	verbs := map[string]func(*waiter.Waiter){
		"Wait":    func(w *waiter.Waiter) { w.Wait(t.Context(), id) },
		"WaitAll": func(w *waiter.Waiter) { w.WaitAll(t.Context(), id, "another", "and another") },
		"Step":    func(w *waiter.Waiter) { w.Step(t.Context(), waiter.Progress{JobID: id}) },
		"Watch": func(w *waiter.Waiter) {
			for range w.Watch(t.Context(), id) {
				t.Error("told after a panic")
			}
		},
	}
	for name, call := range verbs {
		t.Run(name, func(t *testing.T) {
			w := newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) {
				return poller.Reply{Job: status.Job{Status: status.Running}}, nil
			}), waiter.OnTransition(func(status.Transition) { panic("ouch") }))
			require.PanicsWithValue(t, "ouch", func() { call(w) })
		})
	}
}

func TestGoingOnFromACheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checkpoint := job("running", sub("a", "running"))
		got := wait(t.Context(), t, newWaiter(t, answers(job("running", sub("a", "running")), job("success", sub("a", "success")))), waiter.From(checkpoint))
		require.NoError(t, got.err)
		require.Equal(t, []string{"a running->success", "running->success"}, got.lines())

		s := answers(httpError(500))
		got = wait(t.Context(), t, newWaiter(t, s), waiter.From(job("FAILED")))
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		require.NoError(t, wait(t.Context(), t, newWaiter(t, s), waiter.From(job("success"))).err)
		require.Empty(t, s.polls)
		require.Empty(t, got.told)

		got = wait(t.Context(), t, newWaiter(t, answers(noJob)), waiter.From(checkpoint))
		require.ErrorIs(t, got.err, waiter.ErrDisappeared, "it was seen, if not by this wait")
	})
}

func TestStepLeavesItsProgressAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiter(t, answers(job("running"), httpError(503), httpError(429), job("success")))
		first, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		second, err := w.Step(t.Context(), first)
		require.NoError(t, err)
		require.Empty(t, second.Transitions)
		require.Equal(t, map[string]int{"503": 1}, second.Failures)
		require.Positive(t, second.Next)
		_, err = w.Step(t.Context(), second)
		require.NoError(t, err)
		require.Nil(t, first.Failures)
		require.Equal(t, map[string]int{"503": 1}, second.Failures)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		third, err := w.Step(ended, second)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		require.Equal(t, second, third)
		require.NotEmpty(t, first.Transitions)
		again, err := w.Step(ended, first)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, again.Transitions, "they were told")

		done, err := w.Step(t.Context(), third)
		require.NoError(t, err)
		require.True(t, done.Done)
		once, err := w.Step(t.Context(), done)
		require.NoError(t, err)
		require.Empty(t, once.Transitions)
		require.True(t, once.Done)
	})
}

func TestADoneStepReturnsItsEndAgainWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(httpError(403))
		w := newWaiter(t, s)
		p, first := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.True(t, p.Done)
		_, again := w.Step(t.Context(), p)
		require.EqualError(t, again, first.Error())
		require.Len(t, s.polls, 1)
	})
}

func TestAStepFromATerminalCheckpointMakesNoRequest(t *testing.T) {
	s := answers(job("running"))
	p, err := newWaiter(t, s).Step(t.Context(), waiter.Progress{Job: job("success")})
	require.NoError(t, err)
	require.True(t, p.Done)
	require.Equal(t, job("success"), p.Job)
	require.Empty(t, s.polls)
}

func TestStatusesOfACheckpointCountInUpperCaseToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := wait(t.Context(), t, newWaiter(t, answers(job("running", sub("a", "running")), job("success"))),
			waiter.From(job("RUNNING", sub("a", "RUNNING"))))
		require.NoError(t, got.err)
		require.Equal(t, []string{"running->success"}, got.lines())
	})
}
