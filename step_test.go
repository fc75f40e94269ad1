package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

func TestStep(t *testing.T) {
	bubble(t, "leaves the Progress that it was given as it was", func(t *testing.T) {
		w := newWaiter(t, responses(job("running"), httpError(503), httpError(429), job("success")), every(time.Second)...)
		first, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		require.NotEmpty(t, first.Transitions)
		time.Sleep(first.Next)
		second, err := w.Step(t.Context(), first)
		require.NoError(t, err)
		require.Empty(t, second.Transitions)
		require.Equal(t, map[string]int{"503": 1}, second.Failures)
		require.Equal(t, time.Second, second.Next)
		before := restart(t, second)
		time.Sleep(second.Next)
		_, err = w.Step(t.Context(), second)
		require.NoError(t, err)
		require.Nil(t, first.Failures)
		require.NotEmpty(t, first.Transitions)
		require.Equal(t, before, restart(t, second))
	})

	bubble(t, "under a context that has ended returns the Progress that it was given, without transitions", func(t *testing.T) {
		w := newWaiter(t, responses(job("running"), job("success")), every(time.Second)...)
		first, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		time.Sleep(first.Next)
		again, err := w.Step(canceled(t), first)
		require.Error(t, err)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		require.Empty(t, again.Transitions, "the first Step returned them")
		first.Transitions = nil
		require.Equal(t, first, again)

		done, err := w.Step(t.Context(), again)
		require.NoError(t, err)
		require.True(t, done.Done)
	})

	bubble(t, "returns a success again, without its transitions and without a request", func(t *testing.T) {
		s := responses(job("success"))
		w := newWaiter(t, s)
		done, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		require.True(t, done.Done)
		require.Len(t, done.Transitions, 1)
		again, err := w.Step(t.Context(), restart(t, done))
		require.NoError(t, err)
		done.Transitions = nil
		require.Equal(t, restart(t, done), restart(t, again))
		require.Len(t, s.polls, 1)
	})

	bubble(t, "returns an error again, in the same words and without a request", func(t *testing.T) {
		s := responses(httpError(403))
		w := newWaiter(t, s)
		done, first := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.True(t, done.Done)
		_, again := w.Step(t.Context(), done)
		require.EqualError(t, again, first.Error())
		require.Len(t, s.polls, 1)
	})

	t.Run("from a terminal checkpoint makes no request", func(t *testing.T) {
		s := responses(job("running"))
		p, err := newWaiter(t, s).Step(t.Context(), waiter.Progress{Job: job("success")})
		require.NoError(t, err)
		require.True(t, p.Done)
		require.Equal(t, job("success"), p.Job)
		require.Empty(t, s.polls)
	})

	t.Run("takes the id from the checkpoint", func(t *testing.T) {
		p, err := newWaiter(t, responses(job("running"))).Step(t.Context(), waiter.Progress{Job: status.Job{ID: id}})
		require.NoError(t, err)
		require.Equal(t, id, p.JobID)
	})

	t.Run("refuses a checkpoint of another job, or in From", func(t *testing.T) {
		w := newWaiter(t, responses(job("success")))
		_, err := w.Step(t.Context(), waiter.Progress{JobID: id}, waiter.From(job("running")))
		require.ErrorContains(t, err, "Progress.Job")
		_, err = w.Step(t.Context(), waiter.Progress{JobID: "another", Job: job("running")})
		require.ErrorContains(t, err, "Progress.Job")
	})

	bubble(t, "shows the wait in its Progress", func(t *testing.T) {
		w := newWaiter(t, responses(job("running"), httpError(503)), every(time.Second)...)
		start := time.Now()
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		time.Sleep(p.Next)
		p, err = w.Step(t.Context(), restart(t, p))
		require.NoError(t, err)
		require.True(t, p.Started.Equal(start))
		require.True(t, p.LastSeen.Equal(start))
		require.Equal(t, 2, p.Polls)
		require.Equal(t, status.Running, p.Job.Status)
		require.Contains(t, p.LastFailure, "503")
		require.False(t, p.Done)
	})

	bubble(t, "gives copies to the error and to the caller", func(t *testing.T) {
		p, err := newWaiter(t, responses(httpError(401))).Step(t.Context(), waiter.Progress{Job: job("running", sub("a", "running"))})
		unfinished := unfinished(t, err)
		p.Job.SubJobs[0].Status, p.Failures["401"] = "spoiled", 9
		require.Equal(t, status.Running, unfinished.Last.SubJobs[0].Status)
		require.Equal(t, 1, unfinished.Failures["401"])
	})

	bubble(t, "survives schedules that were asked absurdly often, and a job that is missing since tomorrow", func(t *testing.T) {
		schedule := &counting{}
		w := newWaiter(t, responses(noJob, noJob), waiter.WithBackOff(func() backoff.BackOff { return schedule }), waiter.WithFailureBackOff(byCounting))
		p, err := w.Step(t.Context(), waiter.Progress{
			JobID: id, Job: job("running"), Started: time.Now(), LastSeen: time.Now(),
			State: json.RawMessage(`{"version":1,"schedules":{"progress":2000000000},"suspected":86400000000000}`),
		})
		require.NoError(t, err)
		require.LessOrEqual(t, p.Next, 2*time.Second)
		require.LessOrEqual(t, schedule.n, 100_000, "which takes a moment")
	})

	t.Run("refuses a State that cannot be, and names what is wrong with it", func(t *testing.T) {
		w := newWaiter(t, responses(job("running")))
		for state, wrong := range map[string]string{
			`{"version":2}`: "version 2",
			`{}`:            "version 0",
			`{"version":1,"schedules":{"failure":-3}}`:        "asked -3 times",
			`{"version":1,"end":"exploded"}`:                  `unknown end "exploded"`,
			`{"version":1,"end":"success"}`:                   `end "success"`,
			`{"version":1,"end":"failed"}`:                    `end "failed"`,
			`{"version":1,"interval":9000000000000000000}`:    "duration",
			`{"version":1,"responses":[9000000000000000000]}`: "duration",
			`{"version":1,"seen":"AAAA"}`:                     "3 and 0 bytes",
			`[]`:                                              "array",
		} {
			p := waiter.Progress{JobID: id, Job: job("running"), Started: time.Now(), State: json.RawMessage(state)}
			after, err := w.Step(t.Context(), p)
			require.ErrorContains(t, err, wrong)
			require.ErrorContains(t, err, "Progress.State")
			require.Equal(t, p, after, "it is as it was")
		}
	})

	t.Run("refuses a Progress that an earlier version stored", func(t *testing.T) {
		var p waiter.Progress
		err := json.Unmarshal([]byte(`{"job_id":"a","job":{"status":"running"},"memory":{"asked":[2,0]}}`), &p)
		require.ErrorContains(t, err, "waiter: job a, last seen running: ")
		require.ErrorContains(t, err, `begin again with its "job_id" and "job"`)
		require.ErrorContains(t, json.Unmarshal([]byte(`{"job":{"job_id":"b"},"memory":{"asked":[2,0]}}`), &p), "waiter: job b, not seen yet: ")
	})

	t.Run("decoding into a used Progress replaces all of it", func(t *testing.T) {
		p := waiter.Progress{JobID: id, Polls: 3, Done: true, Failures: map[string]int{"503": 1}, Transitions: make([]status.Transition, 2)}
		require.NoError(t, json.Unmarshal([]byte(`{"job_id":"a","failures":{"429":1}}`), &p))
		require.Equal(t, waiter.Progress{JobID: "a", Failures: map[string]int{"429": 1}}, p)
	})

	t.Run("of a Progress that ended with a checkpoint, and lacks why, returns that end", func(t *testing.T) {
		_, err := newWaiter(t, responses()).Step(t.Context(), waiter.Progress{
			JobID: id, Started: time.Now(), State: json.RawMessage(`{"version":1,"end":"checkpoint"}`),
		})
		require.Equal(t, "checkpoint", waiter.Outcome(err))
		require.Contains(t, err.Error(), id)
		require.NoError(t, unfinished(t, err).Cause)
	})

	t.Run("reads a Progress that lacks most of what it had", func(t *testing.T) {
		for _, stored := range []string{`{"job_id":"a"}`, `{"job_id":"a","started":"2020-01-01T00:00:00Z"}`, `{"job":{"job_id":"a"}}`} {
			var p waiter.Progress
			require.NoError(t, json.Unmarshal([]byte(stored), &p))
			_, err := newWaiter(t, responses(status.Job{Status: "running"})).Step(t.Context(), p)
			require.NoError(t, err, stored)
		}
	})
}

func TestStepDue(t *testing.T) {
	bubble(t, "makes one request of 200 Steps at once, and each returns what is left", func(t *testing.T) {
		s := responses(job("running"))
		w := newWaiter(t, s, every(10*time.Second)...)
		p := waiter.Progress{JobID: id}
		for n := range 200 {
			var err error
			p, err = w.Step(t.Context(), restart(t, p))
			require.NoError(t, err)
			require.Equal(t, 10*time.Second, p.Next)
			require.Equal(t, n == 0, len(p.Transitions) == 1)
			require.True(t, p.Due.Equal(time.Now().Add(p.Next)))
		}
		require.Len(t, s.polls, 1)
		for _, left := range []time.Duration{7 * time.Second, 4 * time.Second} {
			time.Sleep(3 * time.Second)
			var err error
			p, err = w.Step(t.Context(), restart(t, p))
			require.NoError(t, err)
			require.Equal(t, left, p.Next)
		}
		require.Len(t, s.polls, 1)
		time.Sleep(p.Next)
		_, err := w.Step(t.Context(), restart(t, p))
		require.NoError(t, err)
		require.Equal(t, seconds(0, 10), s.polls)
	})

	bubble(t, "that is zero means at once", func(t *testing.T) {
		s := responses(job("running"))
		w := newWaiter(t, s, every(time.Hour)...)
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		p.Due = time.Time{}
		_, err = w.Step(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, seconds(0, 0), s.polls)
	})

	bubble(t, "may be set by the caller, to put off the first poll", func(t *testing.T) {
		s := responses(job("success"))
		p, err := newWaiter(t, s).Step(t.Context(), waiter.Progress{JobID: id, Due: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		require.Equal(t, time.Hour, p.Next)
		require.Empty(t, s.polls)
	})

	for next, interval := range map[string]time.Duration{"in 10 s": 10 * time.Second, "at once": 0} {
		bubble(t, "of a clock that was set back by an hour does not delay the poll due "+next, func(t *testing.T) {
			s := responses(job("running"), job("success"))
			w := newWaiter(t, s, every(interval)...)
			p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
			require.NoError(t, err)
			for _, at := range []*time.Time{&p.Due, &p.Started, &p.LastSeen} {
				*at = at.Add(time.Hour)
			}
			for start := time.Now(); !p.Done; time.Sleep(p.Next) {
				require.LessOrEqual(t, time.Since(start), interval)
				p, err = w.Step(t.Context(), restart(t, p))
				require.NoError(t, err)
				require.False(t, p.Started.After(time.Now()), "its times move with the clock")
				require.False(t, p.LastSeen.After(time.Now()), "its times move with the clock")
			}
			require.Len(t, s.polls, 2)
		})
	}

	bubble(t, "of a clock that was set back keeps the wait's age: a grace does not begin again", func(t *testing.T) {
		s := responses(noJob)
		w := newWaiter(t, s, every(4*time.Second)...)
		p, start := waiter.Progress{JobID: id}, time.Now()
		var err error
		for n := 0; err == nil; n++ {
			if n == 2 { // when the second poll is due
				p.Due, p.Started = p.Due.Add(time.Hour), p.Started.Add(time.Hour)
			}
			if p, err = w.Step(t.Context(), restart(t, p)); err == nil {
				time.Sleep(min(p.Next, 3*time.Second))
			}
		}
		require.ErrorIs(t, err, waiter.ErrNotFound)
		require.LessOrEqual(t, time.Since(start), 15*time.Second)
	})

	bubble(t, "does not hide that the context has ended", func(t *testing.T) {
		w := newWaiter(t, responses(job("running")), every(time.Hour)...)
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		again, err := w.Step(canceled(t), p)
		require.ErrorIs(t, err, context.Canceled)
		p.Transitions = nil
		require.Equal(t, p, again)
	})

	bubble(t, "after a poll that the context's deadline cut is by the schedule after failures", func(t *testing.T) {
		s := responses(job("running"))
		s.took = 6 * time.Second
		w := newWaiter(t, s, waiter.WithFailureBackOff(byCounting))
		p := waiter.Progress{JobID: id}
		for n := 1; n <= 3; n++ {
			var err error
			p, err = w.Step(withDeadline(t, 5*time.Second), restart(t, p))
			require.NoError(t, err)
			require.Equal(t, map[string]int{"timeout": n}, p.Failures)
			require.Equal(t, time.Duration(n)*time.Second, p.Next)
			require.True(t, p.Due.Equal(time.Now().Add(p.Next)))
			require.NotEmpty(t, p.LastFailure)
			time.Sleep(p.Next)
		}
		require.Equal(t, seconds(0, 6, 13), s.polls)
	})

	bubble(t, "stays as it was, with all of p, if the poll is canceled", func(t *testing.T) {
		w := newWaiter(t, hang(context.Canceled))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		p := waiter.Progress{JobID: id, Job: job("running")}
		after, err := w.Step(ctx, p)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, p, after)
	})

	bubble(t, "is zero when the wait is done", func(t *testing.T) {
		for _, response := range []any{job("success"), job("failed"), httpError(403)} {
			p, _ := newWaiter(t, responses(response)).Step(t.Context(), waiter.Progress{JobID: id})
			require.True(t, p.Done)
			require.Zero(t, p.Due)
			require.Zero(t, p.Next)
		}
	})
}

// The Progress of a wait that has ended is stepped again by another process, without its options.
func TestStepReturnsAnEndAgain(t *testing.T) {
	rejected := &credential.Error{Rejected: true, Err: errors.New("the password was rejected")}
	refused := &url.Error{Op: "Get", URL: "https://sfs-turbo", Err: &net.DNSError{Err: "no such host", Name: "sfs-turbo", IsNotFound: true}}
	full := poller.Error{
		StatusCode: 403, Code: "SFS.TURBO.9000", Message: "no permission", RequestID: "5d6a",
		RetryAfter: 7 * time.Second, Err: errors.New("refused"), Asked: "https://sfs-turbo, project p",
	}
	for name, test := range map[string]struct {
		outcome   string
		responses []any
		opts      []waiter.Option
	}{
		"a failed job":         {"failed", []any{job("failed")}, nil},
		"a failed sub-job":     {"sub_job_failed", []any{job("running", sub("a", "failed"))}, []waiter.Option{waiter.WithFailFast()}},
		"a strict success":     {"failed", []any{job("success", sub("a", "failed"))}, []waiter.Option{waiter.WithStrictSubJobs()}},
		"no such job":          {"not_found", []any{noJob}, []waiter.Option{waiter.WithNotFoundGrace(0)}},
		"a job that has gone":  {"disappeared", []any{job("running"), noJob, noJob}, nil},
		"a rejected token":     {"unauthorized", []any{httpError(401)}, nil},
		"a rejected password":  {"unauthorized", []any{fmt.Errorf("a wrapper: %w", rejected)}, nil},
		"a refusal":            {"permanent", []any{&full}, nil},
		"a permanent error":    {"permanent", []any{backoff.Permanent(&full)}, nil},
		"a Poller's verdict":   {"permanent", []any{backoff.Permanent(errors.New("the client is closed"))}, nil},
		"a credential's error": {"permanent", []any{&credential.Error{Permanent: true, Err: errors.New("no IAM")}}, nil},
		"no such host":         {"permanent", []any{&poller.Error{Err: refused, Asked: "https://sfs-turbo, project p"}}, []waiter.Option{waiter.WithNotFoundGrace(0)}},
		"a user's verdict": {"permanent", []any{errors.New("the disk is full")}, []waiter.Option{
			waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent }),
		}},
		"a stall":              {"stalled", []any{job("running"), job("running")}, []waiter.Option{waiter.WithStallLimit(time.Second)}},
		"a schedule that ends": {"stopped", []any{job("running")}, []waiter.Option{waiter.WithBackOff(func() backoff.BackOff { return &backoff.StopBackOff{} })}},
		"a full disk": {"checkpoint", []any{job("running")}, []waiter.Option{
			waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error {
				return errors.New("no space left on device")
			}),
		}},
		"a backoff that is found wanting late": {"usage", []any{errors.New("no route")}, []waiter.Option{
			waiter.WithFailureBackOff(func() backoff.BackOff { return nil }),
		}},
	} {
		bubble(t, name, func(t *testing.T) {
			w := newWaiter(t, responses(test.responses...), append(every(time.Second), test.opts...)...)
			p, err := waiter.Progress{JobID: id}, error(nil)
			for ; !p.Done; time.Sleep(p.Next) {
				p, err = w.Step(t.Context(), p)
			}
			require.Equal(t, test.outcome, waiter.Outcome(err))
			another := newWaiter(t, responses())
			for range 2 {
				stored := restart(t, p)
				time.Sleep(time.Hour)
				var again error
				p, again = another.Step(t.Context(), stored)
				stored.Transitions = nil
				require.Equal(t, stored, restart(t, p))
				require.EqualError(t, again, err.Error())
				require.Equal(t, test.outcome, waiter.Outcome(again))
				require.Equal(t, poller.Kind(err), poller.Kind(again))
				for _, sentinel := range []error{waiter.ErrJobFailed, waiter.ErrUnfinished, waiter.ErrNotFound, waiter.ErrDisappeared, waiter.ErrUnauthorized, waiter.ErrStalled, waiter.ErrSubJobFailed} {
					require.Equal(t, errors.Is(err, sentinel), errors.Is(again, sentinel), sentinel)
				}
				requireSame[*poller.Error](t, err, again)
				requireSame[*credential.Error](t, err, again)
				if was, ok := errors.AsType[*waiter.UnfinishedError](err); ok && was.LastFailure != nil && test.outcome != "stalled" {
					is := unfinished(t, again)
					require.Equal(t, was.Asked, is.Asked)
					require.EqualError(t, is.LastFailure, was.LastFailure.Error())
					require.Equal(t, poller.Classify(was.LastFailure), poller.Classify(is.LastFailure))
				}
			}
		})
	}
}

// requireSame requires that both errors hold a T, or neither, with the same fields but for Err.
func requireSame[T error](t *testing.T, want, got error) {
	t.Helper()
	a, ok := errors.AsType[T](want)
	b, also := errors.AsType[T](got)
	require.Equal(t, ok, also)
	if !ok {
		return
	}
	plain := func(v T) map[string]any {
		fields := map[string]any{}
		for field, value := range reflect.ValueOf(v).Elem().Fields() {
			if field.IsExported() && field.Name != "Err" {
				fields[field.Name] = value.Interface()
			}
		}
		return fields
	}
	require.Equal(t, plain(a), plain(b))
}

// A durable engine refuses a state of a few MB, and a report quotes no more than this.
func TestAStoredFailureIsShort(t *testing.T) {
	long := "x" + strings.Repeat("世", 1<<20) // no character ends where it is cut
	for name, failure := range map[string]error{
		"of a Poller":     backoff.Permanent(errors.New(long)),
		"of the service":  &poller.Error{StatusCode: 403, Code: long, Message: long, RequestID: long, Err: errors.New(long), Asked: long},
		"of a credential": &credential.Error{Permanent: true, Err: errors.New(long)},
	} {
		w := newWaiter(t, responses(failure))
		done, ended := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.Error(t, ended)
		stored, err := json.Marshal(done)
		require.NoError(t, err)
		require.Less(t, len(stored), 30_000, name)
		require.True(t, utf8.ValidString(done.LastFailure), name)
		_, again := w.Step(t.Context(), restart(t, done))
		require.EqualError(t, again, ended.Error(), name)
	}
}

func TestStepKeepsProgress(t *testing.T) {
	bubble(t, "without a transition that was not saved", func(t *testing.T) {
		saved := 0
		w := newWaiter(t, responses(job("running", sub("a", "running"), sub("b", "running"))),
			waiter.WithCheckpoints(func(context.Context, status.Job, status.Transition) error {
				if saved++; saved == 3 {
					return errors.New("no space left on device")
				}
				return nil
			}))
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.Equal(t, "checkpoint", waiter.Outcome(err))
		require.Len(t, p.Transitions, 2)
		require.Equal(t, "a", p.Transitions[1].SubJob)
	})

	bubble(t, "with a due time that is no sooner than it says, and that JSON keeps", func(t *testing.T) {
		s := responses(job("running"))
		w := newWaiter(t, s, every(10*time.Second)...)
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		time.Sleep(p.Next - time.Millisecond)
		p, err = w.Step(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, time.Millisecond, p.Next)
		require.Len(t, s.polls, 1)
	})

	t.Run("with a due time without a monotonic clock", func(t *testing.T) {
		p, err := newWaiter(t, responses(job("running"))).Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		require.NotContains(t, p.Due.String(), "m=")
	})

	refuses := waiter.WithLimiter(limiterFunc(func(context.Context) error { return errors.New("redis is down") }))
	for what, test := range map[string]struct {
		ctx  func(t *testing.T) context.Context
		opts []waiter.Option
	}{
		"a deadline that has passed": {func(t *testing.T) context.Context {
			ctx := withDeadline(t, time.Nanosecond)
			time.Sleep(time.Second)
			return ctx
		}, nil},
		"a limiter that refuses": {func(t *testing.T) context.Context { return t.Context() }, []waiter.Option{refuses}},
	} {
		bubble(t, "as it was after "+what, func(t *testing.T) {
			w := newWaiter(t, responses(job("running"), httpError(503)), every(time.Second)...)
			before, err := w.Step(t.Context(), waiter.Progress{JobID: id})
			require.NoError(t, err)
			time.Sleep(before.Next)
			before.Transitions = nil
			after, err := w.Step(test.ctx(t), before, test.opts...)
			require.ErrorIs(t, err, waiter.ErrUnfinished)
			require.Equal(t, before, after)
			require.False(t, after.Done)
		})
	}

	bubble(t, "and logs the end of the wait once", func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		w := newWaiter(t, responses(job("success")), waiter.WithLogger(zap.New(core)))
		p, err := w.Step(t.Context(), waiter.Progress{JobID: id})
		require.NoError(t, err)
		_, err = w.Step(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, 1, logs.FilterMessage("wait ended").Len())
	})
}

// What users store must be read by the next version too: testdata/stored.golden has each form, and
// a key that is renamed breaks it.
func TestStored(t *testing.T) {
	var golden strings.Builder
	write := func(what string, v any) {
		data, err := json.MarshalIndent(v, "", "  ")
		require.NoError(t, err)
		golden.WriteString("# " + what + "\n" + string(data) + "\n\n")
	}
	bubble(t, "forms are those of testdata/stored.golden", func(t *testing.T) {
		failed := status.Job{
			ID: id, Type: "bind_ldap", Status: status.Failed, BeginTime: "2026-01-02 03:04:05", EndTime: "2026-01-02 03:05:05",
			ErrorCode: "SFS.TURBO.0100", FailReason: "no route to host", SubJobs: []status.Job{sub("a", "failed")},
		}
		write("Job", failed)
		write("Transition", status.Transition{JobID: id, SubJob: "a", Job: sub("a", "failed"), From: "running", To: "failed", ObservedAt: time.Now().UTC()})

		w := newWaiter(t, responses(job("running", sub("a", "running")), httpError(503), noJob, job("running", sub("a", "success")), failed),
			waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(2*time.Second)))
		p := waiter.Progress{JobID: id}
		for !p.Done {
			p, _ = w.Step(t.Context(), p)
			p.Due, p.Started, p.LastSeen = p.Due.UTC(), p.Started.UTC(), p.LastSeen.UTC()
			for i := range p.Transitions {
				p.Transitions[i].ObservedAt = p.Transitions[i].ObservedAt.UTC()
			}
			write("Progress", p)
			time.Sleep(p.Next)
		}

		history, err := pace.NewHistory()
		require.NoError(t, err)
		schedule := history.BackOff().(pace.Observer)
		schedule.Observe(pace.Observation{Job: job("running"), Age: 4 * time.Second})
		schedule.Observe(pace.Observation{Job: job("success"), Age: 5 * time.Second, Changed: true})
		write("History", history)
	})
	if *update {
		require.NoError(t, os.WriteFile("testdata/stored.golden", []byte(golden.String()), 0o644))
	}
	want, err := os.ReadFile("testdata/stored.golden")
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(golden.String(), "\n"))

	t.Run("forms are read", func(t *testing.T) {
		read := map[string]int{}
		for block := range strings.SplitSeq(strings.TrimSpace(string(want)), "\n\n") {
			what, data, _ := strings.Cut(strings.TrimPrefix(block, "# "), "\n")
			into := map[string]any{"Job": new(status.Job), "Transition": new(status.Transition), "Progress": new(waiter.Progress), "History": new(pace.History)}[what]
			require.NoError(t, json.Unmarshal([]byte(data), into), what)
			again, err := json.Marshal(into)
			require.NoError(t, err)
			require.JSONEq(t, data, string(again))
			read[what]++
		}
		require.Len(t, read, 4)
	})
}

// PostgreSQL stores no U+0000, neither in jsonb nor in text. Clients other than poller.Client hand
// on whatever the service sent.
func TestStoredTextHasNoNUL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		responses := []func() (poller.Reply, error){
			func() (poller.Reply, error) {
				return poller.Reply{}, errors.New("exit status 1: \x00\x00")
			},
			func() (poller.Reply, error) {
				return poller.Reply{RequestID: "9f\x003c", Job: status.Job{
					Type: "bind\x00ldap", Status: "running", SubJobs: []status.Job{{ID: "x\x00y", Status: "wai\x00ting", FailReason: "a\x00"}},
				}}, nil
			},
			func() (poller.Reply, error) {
				return poller.Reply{Job: status.Job{Status: "failed", ErrorCode: "E\x00", FailReason: "b\x00", EndTime: "\x00"}}, nil
			},
		}
		n := 0
		w := newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) { n++; return responses[n-1]() }),
			append(every(0), waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, tr status.Transition) error {
				stored, err := json.Marshal([]any{checkpoint, tr})
				require.NoError(t, err)
				require.NotContains(t, string(stored), `\u0000`)
				return nil
			}))...)
		p := waiter.Progress{JobID: id}
		for !p.Done {
			p, _ = w.Step(t.Context(), p)
			stored, err := json.Marshal(p)
			require.NoError(t, err)
			require.NotContains(t, string(stored), `\u0000`)
			p = restart(t, p)
		}
		require.Equal(t, 3, n)
		require.Equal(t, "b\ufffd", p.Job.FailReason)
	})
}
