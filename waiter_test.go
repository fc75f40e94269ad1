package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// What differs between the ways to wait. What is the same for all is in spec_test.go, and Step in
// step_test.go.

func TestNew(t *testing.T) {
	t.Run("refuses a Poller that is nil", func(t *testing.T) {
		for _, p := range []poller.Poller{nil, (*poller.Client)(nil), poller.Func(nil)} {
			_, err := waiter.New(p)
			require.ErrorContains(t, err, "Poller is nil")
		}
	})
}

func TestWait(t *testing.T) {
	t.Run("refuses an id that cannot be asked for, as the others do", func(t *testing.T) {
		s := responses(job("success"))
		w := newWaiter(t, s)
		for _, id := range []string{"", "  ", ".", ".."} {
			_, err := w.Wait(t.Context(), id)
			require.ErrorIs(t, err, waiter.ErrUnfinished)
			require.ErrorContains(t, err, "job id")
			_, err = w.Step(t.Context(), waiter.Progress{JobID: id})
			require.ErrorIs(t, err, waiter.ErrUnfinished)
			_, err = w.WaitAll(t.Context(), []string{id})
			require.ErrorIs(t, err, waiter.ErrUnfinished)
			for _, err := range w.Watch(t.Context(), id) {
				require.ErrorIs(t, err, waiter.ErrUnfinished)
			}
			_, err = w.Run(t.Context(), submits(id, nil))
			require.ErrorIs(t, err, waiter.ErrUnfinished)
		}
		require.Empty(t, s.polls)
	})

	t.Run("may be called at the same time, with one From", func(t *testing.T) {
		checkpoint := job("running", sub("a", "running"))
		from := waiter.From(checkpoint)
		checkpoint.SubJobs[0].Status = "spoiled"
		w := newWaiter(t, fn(func(context.Context, string) (poller.Reply, error) {
			return reply(job("success", sub("a", "success")))
		}))
		var waits sync.WaitGroup
		for range 8 {
			waits.Go(func() {
				var got outcome
				got.job, got.err = w.Wait(t.Context(), strings.ToUpper(id), from, got.collect())
				if lines := got.lines(); got.err != nil || len(lines) != 2 || lines[0] != "a running->success" {
					t.Error(lines, got.err)
				}
			})
		}
		waits.Wait()
	})
}

func TestWatch(t *testing.T) {
	bubble(t, "is stopped by break", func(t *testing.T) {
		s := responses(job("running", sub("a", "running"), sub("b", "running")), job("success"))
		seen := 0
		for _, err := range newWaiter(t, s).Watch(t.Context(), id) {
			require.NoError(t, err)
			if seen++; seen == 2 {
				break
			}
		}
		require.Equal(t, 2, seen)
		require.Len(t, s.polls, 1)
	})

	bubble(t, "polls only during an iteration, and each iteration is a wait of its own", func(t *testing.T) {
		s := responses(job("waiting"), job("running"), job("success"))
		seq := newWaiter(t, s).Watch(t.Context(), id)
		time.Sleep(time.Hour)
		require.Empty(t, s.polls)
		for range seq {
			polls := len(s.polls)
			time.Sleep(time.Hour)
			require.Len(t, s.polls, polls)
		}
		for _, err := range seq {
			require.NoError(t, err)
		}
		require.Len(t, s.polls, 4)
	})

	bubble(t, "ends with one error beside a zero transition", func(t *testing.T) {
		var last status.Transition
		var errs []error
		for transition, err := range newWaiter(t, responses(job("running"), job("failed"))).Watch(t.Context(), id) {
			if last = transition; err != nil {
				errs = append(errs, err)
			}
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], waiter.ErrJobFailed)
		require.Zero(t, last)
	})

	bubble(t, "saves checkpoints after the loop's body, also when that breaks", func(t *testing.T) {
		var order []string
		save := waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, t status.Transition) error {
			order = append(order, fmt.Sprint("save ", t.To, " ", checkpoint.Status))
			return nil
		})
		for transition, err := range newWaiter(t, responses(job("waiting"), job("running"), job("success"))).Watch(t.Context(), id, save) {
			require.NoError(t, err)
			order = append(order, "body "+string(transition.To))
			if transition.To == status.Running {
				break
			}
		}
		require.Equal(t, []string{"body waiting", "save waiting waiting", "body running", "save running running"}, order)
	})

	bubble(t, "delivers to callbacks before the loop's body", func(t *testing.T) {
		var order []string
		say := waiter.OnTransition(func(status.Transition) { order = append(order, "callback") })
		for range newWaiter(t, responses(job("success")), say).Watch(t.Context(), id) {
			order = append(order, "body")
		}
		require.Equal(t, []string{"callback", "body"}, order)
	})
}

func TestRun(t *testing.T) {
	bubble(t, "submits once, and the grace begins when that has returned", func(t *testing.T) {
		submitted := 0
		got, err := newWaiter(t, responses(noJob, job("running"), job("failed"))).Run(t.Context(), func(context.Context) (string, error) {
			time.Sleep(time.Minute)
			submitted++
			return id, nil
		})
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		require.Equal(t, id, got.ID)
		require.Equal(t, 1, submitted)
	})

	bubble(t, "returns the job's id when the wait fails", func(t *testing.T) {
		got, err := newWaiter(t, responses(httpError(503))).Run(withDeadline(t, time.Minute), submits(id, nil))
		require.Equal(t, id, unfinished(t, err).JobID)
		require.Equal(t, id, got.ID)
	})

	refused := errors.New("SFS.TURBO.0011: another operation is active")
	never := func(context.Context) (string, error) {
		t.Error("submitted")
		return "", nil
	}
	for behavior, test := range map[string]struct {
		ctx    context.Context
		submit func(context.Context) (string, error)
		opts   []waiter.Option
		is     error
		says   string
	}{
		"returns the error of submit":           {t.Context(), submits("", refused), nil, refused, refused.Error()},
		"refuses a submit that is nil":          {t.Context(), nil, nil, nil, "submit"},
		"refuses an empty id":                   {t.Context(), submits("", nil), nil, waiter.ErrUnfinished, "id"},
		"does not submit when ctx has ended":    {canceled(t), never, nil, context.Canceled, "submit"},
		"does not submit with a wrong option":   {t.Context(), never, []waiter.Option{waiter.WithStallLimit(-1)}, nil, "WithStallLimit"},
		"does not submit without a schedule":    {t.Context(), never, []waiter.Option{waiter.WithBackOff(func() backoff.BackOff { return nil })}, nil, "WithBackOff:"},
		"does not submit a job of a checkpoint": {t.Context(), never, []waiter.Option{waiter.From(job("running"))}, nil, "From"},
	} {
		t.Run(behavior, func(t *testing.T) {
			_, err := newWaiter(t, responses(job("success"))).Run(test.ctx, test.submit, test.opts...)
			require.ErrorContains(t, err, test.says)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			if test.is != waiter.ErrUnfinished {
				require.NotErrorIs(t, err, waiter.ErrUnfinished, "nothing is waited for")
			}
		})
	}

	t.Run("returns the cause of a context that had ended", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(refused)
		_, err := newWaiter(t, responses(job("success"))).Run(ctx, never)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, refused)
	})

	bubble(t, "gives submit the context of the call, with its values and its end", func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(withDeadline(t, time.Minute), key{}, "the caller's")
		_, err := newWaiter(t, responses()).Run(ctx, func(ctx context.Context) (string, error) {
			require.Equal(t, "the caller's", ctx.Value(key{}))
			select {
			case <-ctx.Done():
			case <-time.After(limit):
			}
			return "", ctx.Err()
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})

	const nothing, perhaps = "no job was started", "a job may have started"
	for says, failures := range map[string][]error{
		nothing: {httpError(400), httpError(409), fmt.Errorf("SDK: %w", httpError(429)), httpError(499)},
		perhaps: {httpError(408), httpError(302), httpError(500), httpError(0), context.DeadlineExceeded, refused},
	} {
		t.Run("says of a submit that failed that "+says, func(t *testing.T) {
			for _, failure := range failures {
				_, err := newWaiter(t, responses()).Run(t.Context(), submits("", failure))
				require.ErrorContains(t, err, says)
				require.Equal(t, says == perhaps, strings.Contains(err.Error(), "check the resource itself before submitting again"), err)
			}
		})
	}

	t.Run("keeps an id that comes with an error, and does not submit again", func(t *testing.T) {
		submitted := 0
		got, err := newWaiter(t, responses()).Run(t.Context(), func(context.Context) (string, error) {
			submitted++
			return id, refused
		})
		require.Equal(t, 1, submitted)
		require.ErrorIs(t, err, refused)
		require.Equal(t, id, got.ID)
	})
}

func TestWaitAll(t *testing.T) {
	bubble(t, "waits for each job, at most 16 polls at once, callbacks one at a time", func(t *testing.T) {
		var inFlight, most atomic.Int32
		p := fn(func(_ context.Context, id string) (poller.Reply, error) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			time.Sleep(time.Second)
			inFlight.Add(-1)
			switch id {
			case "job-3":
				return reply(status.Job{ID: id, Status: status.Failed})
			case "job-5":
				return failure(httpError(403))
			}
			return reply(status.Job{ID: id, Status: status.Success})
		})
		var delivered []string // no lock: on this goroutine
		w := newWaiter(t, p, waiter.OnTransition(func(t status.Transition) {
			delivered = append(delivered, t.JobID)
			time.Sleep(time.Millisecond)
		}))
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprintf("job-%d", i))
		}
		ids = append(ids, "job-7", "", "job-3")
		results, err := w.WaitAll(t.Context(), ids)
		require.Len(t, results, len(ids))
		for i, r := range results {
			require.Equal(t, ids[i], r.Job.ID)
			switch r.Job.ID {
			case "job-3":
				require.ErrorIs(t, r.Err, waiter.ErrJobFailed)
			case "job-5", "":
				require.ErrorIs(t, r.Err, waiter.ErrUnfinished)
			default:
				require.NoError(t, r.Err)
			}
		}
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		errs := err.(interface{ Unwrap() []error }).Unwrap()
		require.Len(t, errs, 3) // in the order of the ids, and that of job-3 once
		require.ErrorContains(t, errs[0], "job-3")
		require.ErrorContains(t, errs[1], "job-5")
		require.ErrorContains(t, errs[2], "job id")
		require.Len(t, delivered, 99)
		require.EqualValues(t, 16, most.Load())
	})

	bubble(t, "waits for the jobs after an id that cannot be asked for", func(t *testing.T) {
		results, err := newWaiter(t, responses(status.Job{Status: status.Success})).WaitAll(t.Context(), []string{"", id, "two words", neighborID})
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		for i, want := range []string{"usage", "success", "usage", "success"} {
			require.Equal(t, want, waiter.Outcome(results[i].Err), i)
		}
		require.Equal(t, status.Success, results[3].Job.Status)
	})

	t.Run("of no job is no error", func(t *testing.T) {
		results, err := newWaiter(t, responses(job("running"))).WaitAll(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, results)
	})

	bubble(t, "returns copies for an id that is given twice", func(t *testing.T) {
		results, err := newWaiter(t, responses(job("success", sub("a", "success")))).WaitAll(t.Context(), []string{id, id})
		require.NoError(t, err)
		results[0].Job.SubJobs[0].Status = "spoiled"
		require.Equal(t, status.Success, results[1].Job.SubJobs[0].Status)
	})

	bubble(t, "delivers what was seen before the context ended", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		var got outcome
		results, err := newWaiter(t, responses(job("running", sub("a", "running"))), got.collect()).
			WaitAll(ctx, []string{id}, waiter.OnTransition(func(status.Transition) { cancel(why) }))
		require.Equal(t, []string{"->running", "a ->running"}, got.lines())
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.Equal(t, status.Running, results[0].Job.Status)
	})

	bubble(t, "has a job wait for its own callbacks, and for one of another job's", func(t *testing.T) {
		start, polls := time.Now(), map[string][]time.Duration{}
		var mu sync.Mutex
		p := fn(func(_ context.Context, id string) (poller.Reply, error) {
			mu.Lock()
			defer mu.Unlock()
			polls[id] = append(polls[id], time.Since(start))
			return reply(status.Job{Status: []status.Status{"running", "running", "success"}[len(polls[id])-1]})
		})
		w := newWaiter(t, p, waiter.WithBackOff(constant(time.Second)), waiter.OnTransition(func(t status.Transition) {
			if t.JobID == "slow" {
				time.Sleep(time.Hour)
			}
		}))
		_, err := w.WaitAll(t.Context(), []string{"slow", "quick"})
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0, time.Hour + time.Second, time.Hour + 2*time.Second}, polls["slow"])
		require.LessOrEqual(t, polls["quick"][1], time.Hour+time.Second)
	})

	bubble(t, "cancels the other waits when a callback panics, and waits for them", func(t *testing.T) {
		left := false
		p := fn(func(ctx context.Context, id string) (poller.Reply, error) {
			if id == "slow" {
				<-ctx.Done()
				time.Sleep(time.Second)
				left = true
			}
			time.Sleep(time.Millisecond) // so that each has begun
			return poller.Reply{Job: status.Job{Status: status.Running}}, ctx.Err()
		})
		w := newWaiter(t, p, waiter.OnTransition(func(status.Transition) { panic("ouch") }))
		require.PanicsWithValue(t, "ouch", func() { _, _ = w.WaitAll(t.Context(), []string{"slow", "quick", "another"}) })
		require.True(t, left)
	})

	bubble(t, "follows an id once however it is spelled, and joins its error once", func(t *testing.T) {
		bare := strings.ReplaceAll(id, "-", "")
		ids := []string{strings.ToUpper(id), neighborID, bare, id, strings.ToUpper(bare)}
		polled := map[string]int{}
		p := fn(func(_ context.Context, jobID string) (poller.Reply, error) {
			polled[jobID]++
			return reply(status.Job{Status: status.Failed})
		})
		results, err := newWaiter(t, oneAtATime(p)).WaitAll(t.Context(), ids)
		require.Equal(t, map[string]int{ids[0]: 1, neighborID: 1}, polled, "the first spelling is asked with")
		require.Len(t, results, len(ids))
		for _, r := range results {
			require.ErrorIs(t, r.Err, waiter.ErrJobFailed)
		}
		require.Len(t, err.(interface{ Unwrap() []error }).Unwrap(), 2)
		require.Equal(t, 1, strings.Count(strings.ToLower(err.Error()), id))
	})

	bubble(t, "takes options of the call: callbacks add up, others override", func(t *testing.T) {
		var order []string
		say := func(what string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { order = append(order, what) })
		}
		s := responses(job("running"), job("success"))
		w := newWaiter(t, s, say("new"), waiter.WithBackOff(constant(time.Hour)))
		_, err := w.WaitAll(t.Context(), []string{id}, say("call"), waiter.WithBackOff(constant(time.Second)))
		require.NoError(t, err)
		require.Equal(t, []string{"new", "call", "new", "call"}, order)
		require.Equal(t, seconds(0, 1), s.polls)
	})

	for wrong, option := range map[string]waiter.Option{"WithStallLimit": waiter.WithStallLimit(-1), "From": waiter.From(job("running"))} {
		t.Run("refuses a wrong option once, for all jobs, and asks for none: "+wrong, func(t *testing.T) {
			s := responses(job("success"))
			for _, ids := range [][]string{{id, neighborID}, {}} {
				results, err := newWaiter(t, s).WaitAll(t.Context(), ids, option)
				require.ErrorContains(t, err, wrong+":")
				require.Equal(t, 1, strings.Count(err.Error(), wrong))
				require.NotErrorIs(t, err, waiter.ErrUnfinished)
				require.Equal(t, "usage", waiter.Outcome(err))
				require.Len(t, results, len(ids))
				for i, r := range results {
					require.Equal(t, ids[i], r.Job.ID)
					require.ErrorContains(t, r.Err, wrong)
				}
			}
			require.Empty(t, s.polls)
		})
	}

	bubble(t, "looks at every job once more before the deadline: those looks do not queue", func(t *testing.T) {
		const jobs, took = 200, 50 * time.Millisecond
		start := time.Now()
		p := fn(func(context.Context, string) (poller.Reply, error) {
			s := status.Running
			if time.Since(start) >= limit-1500*time.Millisecond {
				s = status.Success
			}
			time.Sleep(took)
			return reply(status.Job{Status: s})
		})
		var ids []string
		for i := range jobs {
			ids = append(ids, fmt.Sprintf("job-%d", i))
		}
		results, err := newWaiter(t, p).WaitAll(withDeadline(t, limit), ids)
		require.NoError(t, err)
		require.Len(t, results, jobs)
		require.LessOrEqual(t, time.Since(start), limit)
	})

	goexit := func() { runtime.Goexit() }
	for who, dies := range map[string]func() (poller.Poller, waiter.Option){
		"Poller": func() (poller.Poller, waiter.Option) {
			polls := 0
			return fn(func(_ context.Context, jobID string) (poller.Reply, error) {
				if jobID == id {
					if polls++; polls == 2 {
						goexit()
					}
					return reply(job("running"))
				}
				return reply(status.Job{Status: status.Success})
			}), waiter.WithBackOff(constant(time.Second))
		},
		"hook": func() (poller.Poller, waiter.Option) {
			return responses(status.Job{Status: status.Success}), traced(waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) {
				if e.JobID == id {
					goexit()
				}
			}})
		},
		"hook of the end": func() (poller.Poller, waiter.Option) {
			return responses(status.Job{Status: status.Success}), traced(waiter.Trace{WaitEnd: func(_ context.Context, e waiter.WaitEnd) {
				if e.Job.ID == id {
					goexit()
				}
			}})
		},
		"limiter": func() (poller.Poller, waiter.Option) {
			return responses(status.Job{Status: status.Success}), waiter.WithLimiter(limiterFunc(func(context.Context) error {
				goexit()
				return nil
			}))
		},
	} {
		bubble(t, "takes no wait for a success whose goroutine was ended by a "+who, func(t *testing.T) {
			p, option := dies()
			results, err := newWaiter(t, oneAtATime(p)).WaitAll(t.Context(), []string{id, neighborID}, option)
			require.Error(t, err)
			require.ErrorIs(t, results[0].Err, waiter.ErrUnfinished)
			require.ErrorContains(t, results[0].Err, "runtime.Goexit")
			require.Equal(t, id, unfinished(t, results[0].Err).JobID)
			require.Equal(t, "stopped", waiter.Outcome(results[0].Err))
			require.Equal(t, id, results[0].Job.ID)
			require.Equal(t, results[0].Job, unfinished(t, results[0].Err).Last)
			if who == "Poller" {
				require.Equal(t, status.Running, results[0].Job.Status, "as last seen")
			}
			if who != "limiter" {
				require.NoError(t, results[1].Err)
			}
		})
	}
}

// oneAtATime lets one poll of p through at a time.
func oneAtATime(p poller.Poller) poller.Poller {
	var mu sync.Mutex
	return fn(func(ctx context.Context, jobID string) (poller.Reply, error) {
		mu.Lock()
		defer mu.Unlock()
		return p.Poll(ctx, jobID)
	})
}

func TestWaitAllNames(t *testing.T) {
	bubble(t, "each job as it was asked for, where two spellings are one job", func(t *testing.T) {
		plain := strings.ReplaceAll(id, "-", "")
		results, err := newWaiter(t, responses(job("success"))).WaitAll(t.Context(), []string{id, plain})
		require.NoError(t, err)
		require.Equal(t, id, results[0].Job.ID)
		require.Equal(t, plain, results[1].Job.ID)
	})
}
