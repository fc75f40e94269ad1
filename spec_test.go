package waiter_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// This file is the specification of a wait: what holds for every way to wait. Each behavior runs
// over every driver of main_test.go that has what the behavior needs.

var (
	noJob  = &poller.Error{StatusCode: 404, Code: "SFS.TURBO.0019", Message: "Invalid Job Id"}
	noHost = &net.DNSError{Err: "no such host", Name: "sfs-turbo.nowhere.example", IsNotFound: true}
)

func TestTransitions(t *testing.T) {
	for _, test := range []struct {
		behavior  string
		responses []any
		want      []string
	}{
		{
			"of a job that has ended at first sight begin with its sub-jobs",
			[]any{job("success", sub("a", "success"))},
			[]string{"a ->success", "->success"},
		},
		{
			"begin with the job's start, and end with its end",
			[]any{job("waiting"), job("running", sub("a", "waiting")), job("success", sub("a", "success"))},
			[]string{"->waiting", "waiting->running", "a ->waiting", "a waiting->success", "running->success"},
		},
		{
			"of sub-jobs that come late, in another order, or go missing are delivered once",
			[]any{
				job("running", sub("a", "running")),
				job("running", sub("b", "running"), sub("a", "running")),
				job("running", sub("b", "success")),
				job("success", sub("a", "success")),
			},
			[]string{"->running", "a ->running", "b ->running", "b running->success", "a running->success", "running->success"},
		},
		{
			"of sub-jobs without an id, with the same id or with the job's id are told apart",
			[]any{
				job("running", status.Job{Type: "mount", Status: "running"}, status.Job{Type: "mount", Status: "waiting"}),
				job("running", sub("a", "running"), sub("a", "waiting"), sub(id, "running")),
				job("success", sub("a", "running"), sub("a", "success"), sub(id, "success")),
			},
			[]string{
				"->running", "mount ->running", "mount#2 ->waiting",
				"a ->running", "a#2 ->waiting", id + " ->running",
				"a#2 waiting->success", id + " running->success", "running->success",
			},
		},
		{
			"that were not seen are not invented, and those that go back are delivered",
			[]any{job("waiting"), job("running"), job("waiting"), job("success")},
			[]string{"->waiting", "waiting->running", "running->waiting", "waiting->success"},
		},
		{
			"to an unknown status do not end the wait",
			[]any{job("running"), job("paused"), job("success")},
			[]string{"->running", "running->paused", "paused->success"},
		},
		{
			"have known statuses in lower case",
			[]any{job("RUNNING", sub("a", "Running")), job("Success", sub("a", "SUCCESS"))},
			[]string{"->running", "a ->running", "a running->success", "running->success"},
		},
		{
			"come from good responses only",
			[]any{
				job("running"), status.Job{}, status.Job{ID: "another", Status: "failed"}, httpError(502),
				context.DeadlineExceeded, job("success"),
			},
			[]string{"->running", "running->success"},
		},
		{
			"have the job's id where a response spells it without dashes or lacks it",
			[]any{
				status.Job{ID: "26F6B565111122223333" + "03F0BD975433", Status: "running"},
				status.Job{Status: "success"},
			},
			[]string{"->running", "running->success"},
		},
	} {
		specify(t, test.behavior, func(t *testing.T, d driver) {
			got := d.wait(t.Context(), t, responses(test.responses...))
			require.NoError(t, got.err)
			require.Equal(t, test.want, got.lines())
			require.Equal(t, status.Success, got.job.Status)
			require.Equal(t, id, got.job.ID)
			for _, transition := range got.delivered {
				require.Equal(t, id, transition.JobID)
				require.False(t, transition.ObservedAt.IsZero())
			}
		})
	}

	specify(t, "and the job have the codes and reasons of the service", func(t *testing.T, d driver) {
		failed := job("failed", status.Job{ID: "a", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no response"})
		failed.ErrorCode, failed.FailReason = "SFS.TURBO.0100", "binding LDAP failed"
		silent := failed // its last response lacks the sub-job
		silent.SubJobs = nil
		for _, service := range []*service{responses(failed), responses(job("running", failed.SubJobs...), silent)} {
			got := d.wait(t.Context(), t, service)
			require.ErrorIs(t, got.err, waiter.ErrJobFailed)
			require.Equal(t, failed, got.job)
			var folded status.Job
			for _, transition := range got.delivered {
				folded = status.Apply(folded, transition)
			}
			require.Equal(t, failed, folded)
		}
	})

	specify(t, "leave a sub-job that a response lacks as it was last seen", func(t *testing.T, d driver) {
		got := d.wait(t.Context(), t, responses(job("running", sub("a", "running")), job("success", sub("b", "success"))))
		require.NoError(t, got.err)
		require.ElementsMatch(t, []status.Job{sub("b", "success"), sub("a", "running")}, got.job.SubJobs)
	})

	specify(t, "leave a status that a response lacks: a failed sub-job stays one", func(t *testing.T, d driver) {
		got := d.wait(t.Context(), t, responses(
			job("running", sub("a", "failed"), sub("b", "running")),
			job("running", sub("a", ""), sub("b", "success")),
			job("success", sub("a", ""), sub("b", "")),
		), waiter.WithStrictSubJobs())
		require.ErrorIs(t, got.err, waiter.ErrJobFailed)
		require.Equal(t, []string{"->running", "a ->failed", "b ->running", "b running->success", "running->success"}, got.lines())
		require.Equal(t, job("success", sub("a", "failed"), sub("b", "success")), got.job)
	})

	specify(t, "leave the type where a response lacks it", func(t *testing.T, d driver) {
		got := d.wait(t.Context(), t, responses(job("running"), status.Job{Status: "failed"}))
		failed, ok := errors.AsType[*waiter.FailedError](got.err)
		require.True(t, ok)
		require.Equal(t, "bind_ldap", failed.Job.Type)
	})

	specify(t, "are delivered on the caller's goroutine", func(t *testing.T, d driver) {
		var on []string
		where := waiter.OnTransition(func(status.Transition) { on = append(on, goroutine()) })
		got := d.wait(t.Context(), t, responses(job("running", sub("a", "running")), job("success")), where)
		require.NoError(t, got.err)
		require.GreaterOrEqual(t, len(on), 3)
		require.Equal(t, slices.Repeat([]string{goroutine()}, len(on)), on)
	}, own)

	specify(t, "are each receiver's own copy", func(t *testing.T, d driver) {
		own := job("RUNNING", sub("a", "RUNNING"))
		spoil := waiter.OnTransition(func(t status.Transition) {
			for i := range t.Job.SubJobs {
				t.Job.SubJobs[i].Status = "spoiled"
			}
		})
		got := d.wait(t.Context(), t, responses(own, job("success", sub("a", "success"))), spoil)
		require.NoError(t, got.err)
		require.Equal(t, []string{"->running", "a ->running", "a running->success", "running->success"}, got.lines())
		require.Equal(t, status.Running, got.delivered[0].Job.SubJobs[0].Status)
		require.Equal(t, status.Success, got.job.SubJobs[0].Status)
		require.Equal(t, job("RUNNING", sub("a", "RUNNING")), own, "the Poller's job is the Poller's")
	})

	specify(t, "follow the rules whatever the service sends", func(t *testing.T, d driver) {
		for seed := range seeds(700) {
			list := randomResponses(rand.New(rand.NewPCG(seed, 0)))
			want := oracle{statuses: map[string]status.Status{}, lines: []string{}}
			for _, response := range list {
				if j, ok := response.(status.Job); ok && want.observe(j) {
					break
				}
			}
			got := d.wait(t.Context(), t, responses(list...))
			require.Equal(t, want.lines, got.lines(), "seed %d: %v", seed, list)
			require.Equal(t, want.statuses[""], got.job.Status, "seed %d", seed)
			require.Equal(t, want.statuses[""] == status.Failed, got.err != nil, "seed %d", seed)

			kept := map[string]int{}
			for name, s := range want.statuses {
				if name != "" {
					kept[string(s)]++
				}
			}
			for _, sub := range got.job.SubJobs {
				kept[string(sub.Status)]--
			}
			maps.DeleteFunc(kept, func(_ string, n int) bool { return n == 0 })
			require.Empty(t, kept, "seed %d: sub-jobs kept or lost", seed)
		}
	})
}

// An oracle applies the documented rules to the same responses, in the order in which they are
// written. It uses nothing of package status but its types.
type oracle struct {
	statuses map[string]status.Status // by name; "" is the job
	lines    []string
}

func (o *oracle) deliver(name string, now status.Status) {
	if was := o.statuses[name]; was != now {
		o.lines = append(o.lines, strings.TrimSpace(fmt.Sprintf("%s %s->%s", name, was, now)))
		o.statuses[name] = now
	}
}

func (o *oracle) observe(response status.Job) (ended bool) {
	lower := func(s status.Status) status.Status {
		switch l := strings.ToLower(string(s)); l {
		case "waiting", "running", "success", "failed":
			return status.Status(l)
		}
		return s
	}
	bare := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	if response.Status == "" || response.ID != "" && bare(response.ID) != bare(id) {
		return false // a bad response
	}
	now := lower(response.Status)
	ended = now == "success" || now == "failed"
	if !ended {
		o.deliver("", now)
	}
	used := map[string]bool{}
	for _, sub := range response.SubJobs {
		label := sub.ID
		if label == "" {
			label = sub.Type
		}
		name := label
		if label == "" {
			name = "#1"
		}
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s#%d", label, n)
		}
		used[name] = true
		o.deliver(name, lower(sub.Status))
	}
	if ended {
		o.deliver("", now)
	}
	return ended
}

func randomResponses(r *rand.Rand) []any {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var list []any
	for range r.IntN(20) {
		if r.IntN(5) == 0 {
			list = append(list, httpError([]int{429, 500, 502, 503, 200}[r.IntN(5)]))
			continue
		}
		j := status.Job{
			ID:     pick(id, id, "", strings.ToUpper(id), strings.ReplaceAll(id, "-", ""), "another"),
			Status: status.Status(pick("waiting", "running", "running", "RUNNING", "paused", "")),
		}
		for range r.IntN(6) {
			j.SubJobs = append(j.SubJobs, status.Job{
				ID:     pick("a", "b", "c", "a#2", "", "", id),
				Type:   pick("mount", "check", "a", ""),
				Status: status.Status(pick("waiting", "running", "success", "failed", "Success", "paused")),
			})
		}
		list = append(list, j)
	}
	end := job(status.Status(pick("success", "failed", "SUCCESS")))
	if r.IntN(2) == 0 {
		end.SubJobs = []status.Job{sub("a", "success"), {Type: "mount", Status: "success"}}
	}
	return append(list, end)
}

func TestSchedule(t *testing.T) {
	retryAfter := func(s status.Status, d time.Duration) poller.Reply {
		return poller.Reply{Job: job(s), RetryAfter: d}
	}
	throttled := &poller.Error{StatusCode: 429, RetryAfter: 7 * time.Second}
	for _, test := range []struct {
		behavior  string
		responses []any
		want      []time.Duration
	}{
		{
			"is for the polls after the first, which is at once",
			[]any{job("running"), job("running"), job("running"), job("success")},
			seconds(0, 1, 3, 6),
		},
		{
			"is reset by a new status, of a sub-job too",
			[]any{job("waiting"), job("waiting"), job("running"), job("running"), job("running", sub("a", "running")), job("success")},
			seconds(0, 1, 3, 4, 6, 7),
		},
		{
			"is not reset by a status that goes back and forth",
			[]any{job("waiting"), job("running"), job("waiting"), job("running"), job("waiting"), job("success")},
			seconds(0, 1, 2, 4, 7, 11),
		},
		{
			"after failures is another one, which a good response resets",
			[]any{job("running"), httpError(503), httpError(503), job("running"), httpError(503), job("success")},
			seconds(0, 1, 2, 4, 6, 7),
		},
		{
			"is never faster than Retry-After, which a good response may have too",
			[]any{retryAfter("running", 5*time.Second), retryAfter("running", time.Second), throttled, job("success")},
			seconds(0, 5, 7, 14),
		},
		{
			"while throttled is no faster than before",
			[]any{
				job("running"), job("running"), job("running"), job("running"),
				httpError(429), httpError(503), httpError(429), httpError(429), job("success"),
			},
			seconds(0, 1, 3, 6, 10, 14, 16, 20, 24),
		},
		{
			"respects two minutes of Retry-After at most",
			[]any{retryAfter("running", time.Hour), &poller.Error{StatusCode: 503, RetryAfter: time.Hour}, job("success")},
			seconds(0, 120, 240),
		},
	} {
		specify(t, test.behavior, func(t *testing.T, d driver) {
			s := responses(test.responses...)
			got := d.wait(t.Context(), t, s, waiter.WithBackOff(byCounting), waiter.WithFailureBackOff(byCounting))
			require.NoError(t, got.err)
			require.Equal(t, test.want, s.polls)
		})
	}

	specify(t, "by default is 12 to 18 s in the end, also after two days", func(t *testing.T, d driver) {
		s := timeline(48*time.Hour, 0)
		require.NoError(t, d.wait(t.Context(), t, s).err)
		last := s.polls[len(s.polls)-100:]
		for i := range last[1:] {
			gap := last[i+1] - last[i]
			require.True(t, 12*time.Second <= gap && gap <= 18*time.Second, gap)
		}
	}, blocking)

	specify(t, "by default is jittered", func(t *testing.T, d driver) {
		first := map[time.Duration]bool{}
		for range 10 {
			s := timeline(time.Minute, 0)
			require.NoError(t, d.wait(t.Context(), t, s).err)
			first[s.polls[1]] = true
		}
		require.Greater(t, len(first), 5)
	})

	specify(t, "after failures is by default 1 s, doubled up to 30 s, each +-50 %, without end", func(t *testing.T, d driver) {
		s := responses(httpError(503))
		require.ErrorIs(t, d.wait(withDeadline(t, 24*time.Hour), t, s).err, context.DeadlineExceeded)
		middle := time.Second
		for i := range s.polls[:len(s.polls)-2] { // the last gap is cut for the last look
			require.InDelta(t, middle, s.polls[i+1]-s.polls[i], float64(middle)/2+1, "poll %d", i)
			middle = min(2*middle, 30*time.Second)
		}
		require.Greater(t, len(s.polls), 24*60)
		least, most := time.Hour, time.Duration(0)
		for i := range s.polls[10 : len(s.polls)-2] {
			gap := s.polls[i+11] - s.polls[i+10]
			least, most = min(least, gap), max(most, gap)
		}
		require.Less(t, least, 16*time.Second)
		require.Greater(t, most, 44*time.Second)
	}, blocking)

	specify(t, "does not speed up when replicas disagree", func(t *testing.T, d driver) {
		s := &service{respond: func(n int, age time.Duration) (poller.Reply, error) {
			if age > time.Hour {
				return reply(job("success"))
			}
			return reply(job([]status.Status{"waiting", "running"}[n%2]))
		}}
		require.NoError(t, d.wait(t.Context(), t, s).err)
		require.Less(t, len(s.polls), 300, "an hour at 15 s is 240 polls")
	})

	specify(t, "after failures survives an outage of an hour", func(t *testing.T, d driver) {
		s := byAge(func(age time.Duration) (poller.Reply, error) {
			if age < time.Hour {
				return failure(httpError(503))
			}
			return reply(job("success"))
		})
		require.NoError(t, d.wait(t.Context(), t, s).err)
		require.Less(t, len(s.polls), 260, "an hour at 15 to 45 s")
		require.Greater(t, len(s.polls), 80)
	})

	stop := func() backoff.BackOff { return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2) }
	specify(t, "ends the wait with backoff.Stop", func(t *testing.T, d driver) {
		s := responses(job("running"))
		require.ErrorIs(t, d.wait(t.Context(), t, s, waiter.WithBackOff(stop)).err, waiter.ErrUnfinished)
		require.Equal(t, seconds(0, 1, 2), s.polls)

		s = responses(httpError(500))
		require.ErrorIs(t, d.wait(t.Context(), t, s, waiter.WithFailureBackOff(stop)).err, waiter.ErrUnfinished)
		require.Equal(t, seconds(0, 1, 2), s.polls)
	})

	specify(t, "that stops because the context has ended ends the wait as the context does", func(t *testing.T, d driver) {
		ctx, cancel := context.WithCancel(t.Context())
		p := fn(func(context.Context, string) (poller.Reply, error) {
			cancel()
			return reply(job("running"))
		})
		bound := waiter.WithBackOff(func() backoff.BackOff {
			return backoff.WithContext(backoff.NewConstantBackOff(time.Second), ctx)
		})
		require.ErrorIs(t, d.wait(ctx, t, p, bound).err, context.Canceled)
	}, own)

	specify(t, "is reset before its first use", func(t *testing.T, d driver) {
		s := responses(job("running"), job("running"), job("success"))
		used := waiter.WithBackOff(func() backoff.BackOff { return &counting{n: 10} })
		require.NoError(t, d.resume(t.Context(), t, s, job("running"), used).err) // so that no status is new
		require.Equal(t, seconds(0, 1, 3), s.polls)
	}, resuming)
}

func TestPoll(t *testing.T) {
	specify(t, "has 15 s unless set", func(t *testing.T, d driver) {
		var limit time.Duration
		p := fn(func(ctx context.Context, _ string) (poller.Reply, error) {
			deadline, _ := ctx.Deadline()
			limit = time.Until(deadline)
			return reply(job("success"))
		})
		require.NoError(t, d.wait(t.Context(), t, p).err)
		require.Equal(t, 15*time.Second, limit)
	})

	specify(t, "that hangs is cut and counts as a failure", func(t *testing.T, d driver) {
		n, start := 0, time.Now()
		p := fn(func(ctx context.Context, jobID string) (poller.Reply, error) {
			if n++; n == 2 {
				return hang(context.Canceled)(ctx, jobID) // an SDK may return any error
			}
			return reply(job([]status.Status{"running", "", "success"}[n-1]))
		})
		var failed error
		trace := traced(waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) {
			if e.Err != nil {
				failed = e.Err
			}
		}})
		got := d.wait(t.Context(), t, p, append(every(time.Second), waiter.WithPollTimeout(20*time.Second), trace)...)
		require.NoError(t, got.err)
		require.ErrorIs(t, failed, context.Canceled)
		require.Equal(t, 22*time.Second, time.Since(start))
	})

	specify(t, "that is cut is a timeout whatever its error says", func(t *testing.T, d driver) {
		got := d.wait(withDeadline(t, time.Minute), t, hang(errors.New("interrupted")),
			append(every(time.Second), waiter.WithPollTimeout(25*time.Second))...)
		require.Equal(t, map[string]int{"timeout": 3}, unfinished(t, got.err).Failures, "the deadline cuts the third")
	})

	specify(t, "that is canceled counts, but not as a failure", func(t *testing.T, d driver) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		got := d.wait(ctx, t, hang(context.DeadlineExceeded))
		require.Empty(t, unfinished(t, got.err).Failures)
		require.NoError(t, unfinished(t, got.err).LastFailure)
		require.Equal(t, 1, unfinished(t, got.err).Polls)
	})

	specify(t, "that a hook cancels is no timeout", func(t *testing.T, d driver) {
		p := fn(func(ctx context.Context, _ string) (poller.Reply, error) { return failure(ctx.Err()) })
		hook := traced(waiter.Trace{PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}})
		got := d.wait(withDeadline(t, time.Second/2), t, p, hook)
		require.Equal(t, map[string]int{"other": unfinished(t, got.err).Polls}, unfinished(t, got.err).Failures)
	})

	specify(t, "that a hook times out is a timeout", func(t *testing.T, d driver) {
		hook := traced(waiter.Trace{PollStart: func(ctx context.Context, _ waiter.PollStart) context.Context {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			context.AfterFunc(ctx, cancel)
			return ctx
		}})
		once := waiter.WithClassifier(func(error, poller.Verdict) poller.Verdict { return poller.Permanent })
		for _, limit := range []time.Duration{0, 15 * time.Second} {
			got := d.wait(t.Context(), t, hang(context.DeadlineExceeded), hook, once, waiter.WithPollTimeout(limit))
			require.Equal(t, map[string]int{"timeout": 1}, unfinished(t, got.err).Failures)
		}
	})

	specify(t, "releases its context", func(t *testing.T, d driver) {
		var polls []context.Context
		p := fn(func(ctx context.Context, _ string) (poller.Reply, error) {
			polls = append(polls, ctx)
			return reply(job([]status.Status{"running", "success"}[len(polls)-1]))
		})
		require.NoError(t, d.wait(t.Context(), t, p).err)
		require.Len(t, polls, 2)
		for _, ctx := range polls {
			require.ErrorIs(t, ctx.Err(), context.Canceled)
		}
	})
}

func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		behavior     string
		before, took time.Duration
		opts         func() []waiter.Option
	}{
		{behavior: "a job that ends shortly before is seen", before: 400 * time.Millisecond, took: 5 * time.Millisecond},
		{behavior: "a job that ends two responses before is seen", before: 4 * time.Second, took: 2 * time.Second},
		{
			behavior: "a job that ends shortly before is seen though the schedule is later", before: 400 * time.Millisecond,
			opts: func() []waiter.Option { return every(time.Hour) },
		},
		{
			behavior: "a job that ends shortly before is seen though a limiter slows polling", before: 400 * time.Millisecond,
			opts: func() []waiter.Option {
				return []waiter.Option{waiter.WithLimiter(rate.NewLimiter(rate.Every(time.Second), 5))}
			},
		},
	} {
		specify(t, test.behavior, func(t *testing.T, d driver) {
			var opts []waiter.Option
			if test.opts != nil {
				opts = test.opts()
			}
			start := time.Now()
			got := d.wait(withDeadline(t, limit), t, timeline(limit-test.before, test.took), opts...)
			require.NoError(t, got.err)
			require.Equal(t, status.Success, got.job.Status)
			require.LessOrEqual(t, time.Since(start), limit)
		}, blocking)
	}

	specify(t, "a Retry-After that reaches beyond does not prevent the last look", func(t *testing.T, d driver) {
		s := timeline(limit-200*time.Millisecond, 0)
		respond := s.respond
		s.respond = func(n int, age time.Duration) (poller.Reply, error) {
			reply, err := respond(n, age)
			reply.RetryAfter = 45 * time.Second
			return reply, err
		}
		require.NoError(t, d.wait(withDeadline(t, limit), t, s).err)
		require.Equal(t, limit-100*time.Millisecond, s.last())
	}, blocking)

	specify(t, "a poll that hangs is cut in time for the last look", func(t *testing.T, d driver) {
		hangs, start := 0, time.Now()
		p := fn(func(ctx context.Context, jobID string) (poller.Reply, error) {
			switch age := time.Since(start); {
			case age >= limit-time.Second:
				return reply(job("success"))
			case age > limit-20*time.Second:
				hangs++
				return hang(context.DeadlineExceeded)(ctx, jobID)
			}
			return reply(job("running"))
		})
		require.NoError(t, d.wait(withDeadline(t, limit), t, p, waiter.WithPollTimeout(0)).err)
		require.Equal(t, 1, hangs)
	}, blocking)

	specify(t, "a last look that comes early, after a slow response, does not end the polling", func(t *testing.T, d driver) {
		start := time.Now()
		p := fn(func(context.Context, string) (poller.Reply, error) {
			age := time.Since(start)
			if age > limit-40*time.Second && age < limit-30*time.Second {
				time.Sleep(8 * time.Second)
			}
			if age >= limit-5*time.Second {
				return reply(job("success"))
			}
			return reply(job("running"))
		})
		got := d.wait(withDeadline(t, limit), t, p, waiter.WithBackOff(constant(3*time.Second)))
		require.NoError(t, got.err, "it came 12 s before the deadline")
	}, blocking)

	for _, test := range []struct {
		behavior string
		poller   func() poller.Poller
		opts     func() []waiter.Option
		polls    int
	}{
		{
			"an unfinished wait lasts until then, with one last look",
			func() poller.Poller { return responses(job("running")) },
			func() []waiter.Option { return every(time.Hour) },
			2,
		},
		{
			"a wait without any response lasts until then",
			func() poller.Poller { return hang(errors.New("interrupted")) },
			func() []waiter.Option { return []waiter.Option{waiter.WithPollTimeout(0)} },
			1,
		},
	} {
		specify(t, test.behavior, func(t *testing.T, d driver) {
			start := time.Now()
			got := d.wait(withDeadline(t, limit), t, test.poller(), test.opts()...)
			require.ErrorIs(t, got.err, context.DeadlineExceeded)
			require.NotErrorIs(t, got.err, context.Canceled)
			require.Equal(t, limit, time.Since(start))
			require.Equal(t, test.polls, unfinished(t, got.err).Polls)
		}, blocking)
	}
}

func TestContext(t *testing.T) {
	why := errors.New("the shift is over")
	late := fmt.Errorf("the shift is over: %w", context.DeadlineExceeded)
	ends := []struct {
		how  string
		end  func(context.Context) (context.Context, context.CancelFunc)
		is   error
		not  error
		also error
	}{
		{
			how: "reaches its deadline",
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Minute)
			},
			is: context.DeadlineExceeded, not: context.Canceled,
		},
		{
			how: "reaches its deadline with a cause",
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Minute, why)
			},
			is: context.DeadlineExceeded, not: context.Canceled, also: why,
		},
		{
			how: "reaches its deadline with a cause that wraps the same error",
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Minute, late)
			},
			is: context.DeadlineExceeded, not: context.Canceled, also: late,
		},
		{
			how: "is canceled",
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Minute, cancel)
				return ctx, cancel
			},
			is: context.Canceled, not: context.DeadlineExceeded,
		},
		{
			how: "is canceled with a cause",
			end: func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Minute, func() { cancel(why) })
				return ctx, func() { cancel(nil) }
			},
			is: context.Canceled, not: context.DeadlineExceeded, also: why,
		},
	}
	moments := []struct {
		when string
		p    func() poller.Poller
	}{
		{"while the wait sleeps", func() poller.Poller { return responses(job("running", sub("a", "running"))) }},
		{"during a poll", func() poller.Poller {
			return fn(func(ctx context.Context, _ string) (poller.Reply, error) {
				<-ctx.Done()
				return failure(context.Cause(ctx)) // as the HTTP transport does
			})
		}},
		{"after polls that timed out", func() poller.Poller { return responses(context.DeadlineExceeded) }},
		{"after polls that were canceled", func() poller.Poller { return responses(context.Canceled) }},
	}
	for _, end := range ends {
		for _, moment := range moments {
			specify(t, "that "+end.how+" "+moment.when+" is the error, with its cause", func(t *testing.T, d driver) {
				ctx, cancel := end.end(t.Context())
				defer cancel()
				got := d.wait(ctx, t, moment.p())
				require.ErrorIs(t, got.err, waiter.ErrUnfinished)
				require.ErrorIs(t, got.err, end.is)
				require.NotErrorIs(t, got.err, end.not)
				if end.also != nil {
					require.ErrorIs(t, got.err, end.also)
					require.ErrorContains(t, got.err, end.also.Error())
				}
			})
		}
	}

	// In an errgroup the first error of a wait is the cause of the others' ends.
	mine := errors.New("the group gave up")
	theirs := map[string]error{
		"a failed one":      fmt.Errorf("%w: %w", mine, &waiter.FailedError{Job: status.Job{ID: "another", Status: "failed", ErrorCode: "SFS.TURBO.0100"}}),
		"an unfinished one": fmt.Errorf("%w: %w", mine, &waiter.UnfinishedError{JobID: "another", Outcome: "timeout", Cause: httpError(403)}),
		"joined ones": errors.Join(mine, &waiter.UnfinishedError{JobID: "another", Outcome: "stalled"},
			&waiter.FailedError{Job: status.Job{ID: "another", Status: "failed"}}),
		"one that only wraps what this package names": fmt.Errorf("%w: another: %w", mine, waiter.ErrJobFailed),
	}
	strange := func(t *testing.T, err, cause error) {
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cause, "the value itself")
		require.ErrorIs(t, err, mine)
		require.ErrorContains(t, err, mine.Error())
		require.ErrorContains(t, err, "another")
		for _, not := range []error{
			waiter.ErrJobFailed, waiter.ErrStalled, waiter.ErrNotFound, waiter.ErrDisappeared, waiter.ErrUnauthorized,
			waiter.ErrSubJobFailed, context.DeadlineExceeded,
		} {
			require.NotErrorIs(t, err, not)
		}
		_, found := errors.AsType[*waiter.FailedError](err)
		require.False(t, found, "FailedError")
		_, found = errors.AsType[*poller.Error](err)
		require.False(t, found, "poller.Error")
	}
	for what, cause := range theirs {
		specify(t, "whose cause is another wait's error says nothing of this job's end: "+what, func(t *testing.T, d driver) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(cause) })
			got := d.wait(ctx, t, responses(job("running")))
			strange(t, got.err, cause)
			require.Equal(t, id, unfinished(t, got.err).JobID)
			require.Equal(t, "canceled", waiter.Outcome(got.err))
		})
		t.Run("whose cause is another wait's error says nothing of a job that was not submitted: "+what, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			_, err := newWaiter(t, responses()).Run(ctx, submits(id, nil))
			strange(t, err, cause)
			require.NotErrorIs(t, err, waiter.ErrUnfinished)
			_, found := errors.AsType[*waiter.UnfinishedError](err)
			require.False(t, found)
			require.Equal(t, "canceled", waiter.Outcome(err))
		})
	}

	specify(t, "that has ended before the call means no request", func(t *testing.T, d driver) {
		s := responses(job("success"))
		require.ErrorIs(t, d.wait(canceled(t), t, s).err, context.Canceled)
		require.Empty(t, s.polls)
	})

	specify(t, "that ends during a poll does not void its response", func(t *testing.T, d driver) {
		ctx, cancel := context.WithCancel(t.Context())
		p := fn(func(context.Context, string) (poller.Reply, error) {
			cancel()
			return reply(job("success"))
		})
		got := d.wait(ctx, t, p)
		require.NoError(t, got.err)
		require.Equal(t, []string{"->success"}, got.lines())
	}, alone, own) // a second job may not have been polled yet

	specify(t, "that ends in a callback does not void the transitions of that response", func(t *testing.T, d driver) {
		ctx, cancel := context.WithCancelCause(t.Context())
		got := d.wait(ctx, t, responses(job("running", sub("a", "running"))), waiter.OnTransition(func(status.Transition) { cancel(why) }))
		require.ErrorIs(t, got.err, context.Canceled)
		require.ErrorIs(t, got.err, why)
		require.Equal(t, []string{"->running", "a ->running"}, got.lines())
		require.Equal(t, status.Running, got.job.Status)
	}, alone)
}

func TestFailures(t *testing.T) {
	for name, err := range map[string]error{
		"HTTP 500":                      httpError(500),
		"HTTP 502":                      httpError(502),
		"HTTP 504":                      httpError(504),
		"HTTP 408":                      httpError(408),
		"HTTP 425":                      httpError(425),
		"HTTP 429":                      httpError(429),
		"HTTP 400 SFS.TURBO.0005":       &poller.Error{StatusCode: 400, Code: "SFS.TURBO.0005"},
		"HTTP 200 without a job":        &poller.Error{StatusCode: 200, Err: errors.New("HTML")},
		"a reset connection":            errors.New("connection reset by peer"),
		"a timeout":                     context.DeadlineExceeded,
		"a name server that misbehaves": &net.DNSError{Err: "server misbehaving", IsTemporary: true},
	} {
		specify(t, "like "+name+" pass", func(t *testing.T, d driver) {
			outage := responses(err, err, job("running"), err, err, err, job("success"))
			got := d.wait(t.Context(), t, outage, every(time.Minute)...)
			require.NoError(t, got.err)
			require.Equal(t, []string{"->running", "running->success"}, got.lines())
		})
	}

	specify(t, "that pass, or throttle, end no wait however many there are", func(t *testing.T, d driver) {
		s := &service{respond: func(n int, _ time.Duration) (poller.Reply, error) {
			switch {
			case n > 3000:
				return reply(job("success"))
			case n > 2000:
				return failure(httpError([]int{429, 503, 200}[n%3]))
			}
			return failure(httpError(429))
		}}
		require.NoError(t, d.wait(t.Context(), t, s, every(time.Minute)...).err)
	})

	for name, test := range map[string]struct {
		err error
		is  error
	}{
		"HTTP 401":                           {httpError(401), waiter.ErrUnauthorized},
		"HTTP 403":                           {httpError(403), waiter.ErrUnfinished},
		"HTTP 302":                           {httpError(302), waiter.ErrUnfinished},
		"an address where nothing is served": {&poller.Error{StatusCode: 404, Code: "APIGW.0101"}, waiter.ErrUnfinished},
		"a certificate of unknown authority": {x509.UnknownAuthorityError{}, waiter.ErrUnfinished},
		"backoff.Permanent":                  {backoff.Permanent(errors.New("no")), waiter.ErrUnfinished},
		"not found without a grace":          {noJob, waiter.ErrNotFound},
	} {
		specify(t, "like "+name+" end the wait at once", func(t *testing.T, d driver) {
			s := responses(test.err)
			got := d.wait(t.Context(), t, s, waiter.WithNotFoundGrace(0))
			require.ErrorIs(t, got.err, waiter.ErrUnfinished)
			require.ErrorIs(t, got.err, test.is)
			require.ErrorIs(t, got.err, test.err)
			require.Len(t, s.polls, 1)
		})
	}

	specify(t, "are what a classifier says", func(t *testing.T, d driver) {
		s := responses(httpError(403), httpError(503))
		got := d.wait(t.Context(), t, s, waiter.WithClassifier(func(err error, byDefault poller.Verdict) poller.Verdict {
			if byDefault == poller.Permanent {
				return poller.Passing
			}
			return poller.Permanent
		}))
		require.Equal(t, 503, statusCode(t, got.err))
		require.Len(t, s.polls, 2)
	})

	specify(t, "are counted by kind in the error", func(t *testing.T, d driver) {
		s := responses(poller.Reply{Job: job("running", sub("s1", "running"), sub("s2", "success")), RequestID: "req-1"},
			httpError(503), httpError(503), context.DeadlineExceeded, &poller.Error{StatusCode: 200, Err: errors.New("HTML")}, httpError(429))
		got := d.wait(withDeadline(t, 10*time.Second-1), t, s, every(time.Second)...)
		unfinished := unfinished(t, got.err)
		require.Equal(t, id, unfinished.JobID)
		require.Equal(t, status.Running, unfinished.Last.Status)
		require.Len(t, unfinished.Last.SubJobs, 2)
		require.Equal(t, "req-1", unfinished.RequestID)
		require.Equal(t, len(s.polls), unfinished.Polls)
		require.Equal(t, 10*time.Second-1, unfinished.Elapsed)
		require.Equal(t, unfinished.Elapsed, unfinished.Age)
		require.Equal(t, map[string]int{"503": 2, "timeout": 1, "bad answer": 1, "429": len(s.polls) - 5}, unfinished.Failures)
		require.ErrorContains(t, unfinished.LastFailure, "429")
	})

	specify(t, "stay in the error though good polls follow", func(t *testing.T, d driver) {
		got := d.wait(withDeadline(t, 10*time.Second), t, responses(httpError(503), job("running")), every(time.Second)...)
		require.ErrorContains(t, unfinished(t, got.err).LastFailure, "503")
		require.Equal(t, map[string]int{"503": 1}, unfinished(t, got.err).Failures)
	})

	specify(t, "that end the wait come with a copy of the job", func(t *testing.T, d driver) {
		shared := job("running", sub("a", "running"))
		got := d.wait(t.Context(), t, responses(shared, httpError(403)), every(time.Second)...)
		unfinished := unfinished(t, got.err)
		got.job.SubJobs[0].Status = "spoiled"
		require.Equal(t, status.Running, unfinished.Last.SubJobs[0].Status)
		require.Equal(t, status.Running, shared.SubJobs[0].Status)
	})
}

func TestNotFound(t *testing.T) {
	for _, test := range []struct {
		behavior  string
		responses []any
		is        error
		polls     []time.Duration
	}{
		{
			"ends the wait for a job that was never seen when the grace is over",
			[]any{noJob}, waiter.ErrNotFound, seconds(0, 4, 8, 10),
		},
		{
			"is forgotten when the job is seen within the grace",
			[]any{noJob, noJob, job("success")}, nil, seconds(0, 4, 8),
		},
		{
			"once, by a stale replica, does not end the wait for a job that was seen",
			[]any{job("running"), noJob, job("running"), noJob, job("success")}, nil, seconds(0, 4, 8, 12, 16),
		},
		{
			"twice means that a job that was seen has disappeared",
			[]any{job("running"), noJob, noJob}, waiter.ErrDisappeared, seconds(0, 4, 8),
		},
		{
			"twice means so across an outage too",
			[]any{job("running"), noJob, httpError(503), noJob}, waiter.ErrDisappeared, seconds(0, 4, 8, 12),
		},
		{
			"is confirmed no sooner than the service asks",
			[]any{job("running"), &poller.Error{StatusCode: 404, RetryAfter: 20 * time.Second}, noJob}, waiter.ErrDisappeared, seconds(0, 4, 24),
		},
		{
			"has a grace that does not shorten Retry-After",
			[]any{&poller.Error{StatusCode: 404, RetryAfter: 20 * time.Second}}, waiter.ErrNotFound, seconds(0, 20),
		},
		{
			"has the grace if it is the host's name",
			[]any{noHost}, waiter.ErrUnfinished, seconds(0, 4, 8, 10),
		},
		{
			"passes if it is the name of a host that has responded",
			[]any{job("running"), noHost, noHost, noHost, noHost, job("success")}, nil, seconds(0, 4, 8, 12, 16, 20),
		},
	} {
		specify(t, test.behavior, func(t *testing.T, d driver) {
			s := responses(test.responses...)
			got := d.wait(t.Context(), t, s, every(4*time.Second)...)
			require.ErrorIs(t, got.err, test.is)
			require.Equal(t, test.polls, s.polls)
		})
	}

	specify(t, "is confirmed at least a second later", func(t *testing.T, d driver) {
		s := responses(job("running"), noJob, noJob)
		got := d.wait(t.Context(), t, s, waiter.WithBackOff(constant(time.Second)), waiter.WithFailureBackOff(constant(time.Millisecond)))
		require.ErrorIs(t, got.err, waiter.ErrDisappeared)
		require.Equal(t, seconds(0, 1, 2), s.polls)
	})

	for name, fail := range map[string]error{"a host": noHost, "a job": noJob} {
		specify(t, name+" has the grace from the first poll, when that was planned", func(t *testing.T, d driver) {
			learned := []waiter.Option{waiter.WithBackOff(taughtOf(30, 20*time.Second).BackOff), waiter.WithJobType("bind_ldap")}
			s := &service{began: time.Now(), respond: func(n int, age time.Duration) (poller.Reply, error) {
				switch {
				case n == 0:
					return failure(fail)
				case age < 20*time.Second:
					return reply(job("running"))
				}
				return reply(job("success"))
			}}
			require.NoError(t, d.wait(t.Context(), t, s, learned...).err)
			require.Greater(t, s.polls[0], 15*time.Second, "it was not planned")

			gone := responses(fail)
			gone.began = time.Now()
			require.ErrorIs(t, d.wait(t.Context(), t, gone, learned...).err, waiter.ErrUnfinished)
			require.Equal(t, 10*time.Second, gone.last()-gone.polls[0])
		}, blocking, alone)
	}
}

func TestStall(t *testing.T) {
	stall := append(every(time.Second), waiter.WithStallLimit(30*time.Minute))

	specify(t, "is judged at good responses, and a status that goes back and forth is no progress", func(t *testing.T, d driver) {
		s := &service{respond: func(n int, age time.Duration) (poller.Reply, error) {
			switch {
			case age < 10*time.Minute:
				return reply(job([]status.Status{"waiting", "running"}[n%2]))
			case age < time.Hour:
				return failure(httpError(503))
			}
			return reply(job("running", sub("late", "running"))) // which is progress
		}}
		start := time.Now()
		require.ErrorIs(t, d.wait(t.Context(), t, s, stall...).err, waiter.ErrStalled)
		require.Equal(t, 90*time.Minute, time.Since(start))
	})

	specify(t, "is none of a job that was not seen yet", func(t *testing.T, d driver) {
		s := byAge(func(age time.Duration) (poller.Reply, error) {
			if age < time.Hour {
				return failure(httpError(503))
			}
			return reply(job("success"))
		})
		require.NoError(t, d.wait(t.Context(), t, s, stall...).err)
	})

	specify(t, "is seen in the first good response after an outage", func(t *testing.T, d driver) {
		s := byAge(func(age time.Duration) (poller.Reply, error) {
			if age > time.Second && age < time.Hour {
				return failure(httpError(503))
			}
			return reply(job("running"))
		})
		start := time.Now()
		require.ErrorIs(t, d.wait(t.Context(), t, s, stall...).err, waiter.ErrStalled)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

func TestFailedJob(t *testing.T) {
	parts := func(s status.Status) status.Job {
		return status.Job{ID: id, Type: "bind_ldap", Status: s, SubJobs: []status.Job{
			{ID: "s1", Type: "check", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no route to host"},
			{ID: "s2", Type: "mount", Status: "success"},
		}}
	}
	for behavior, failed := range map[string]status.Job{
		"is an error with the job": parts("failed"),
		"is also one that succeeds with a failed sub-job, if sub-jobs are strict": parts("success"),
	} {
		specify(t, behavior, func(t *testing.T, d driver) {
			s := responses(job("running"), poller.Reply{Job: failed, RequestID: "req-9"})
			got := d.wait(t.Context(), t, s, append(every(time.Minute), waiter.WithStrictSubJobs())...)
			require.ErrorIs(t, got.err, waiter.ErrJobFailed)
			require.NotErrorIs(t, got.err, waiter.ErrUnfinished)
			e, ok := errors.AsType[*waiter.FailedError](got.err)
			require.True(t, ok)
			require.Equal(t, failed, e.Job)
			require.Equal(t, "req-9", e.RequestID)
			require.Equal(t, time.Minute, e.Elapsed)
		})
	}

	specify(t, "is not one that succeeds with a failed sub-job, unless sub-jobs are strict", func(t *testing.T, d driver) {
		require.NoError(t, d.wait(t.Context(), t, responses(parts("success"))).err)
	})
}

func TestFailFast(t *testing.T) {
	broken := job("running", sub("a", "failed"), sub("b", "running"))
	lines := []string{"->running", "a ->failed", "b ->running"}

	specify(t, "ends the wait at a failed sub-job, once all of its response was delivered", func(t *testing.T, d driver) {
		s := responses(job("running"), broken, job("failed"))
		got := d.wait(t.Context(), t, s, append(every(time.Second), waiter.WithFailFast())...)
		require.ErrorIs(t, got.err, waiter.ErrSubJobFailed)
		require.ErrorIs(t, got.err, waiter.ErrUnfinished)
		require.NotErrorIs(t, got.err, waiter.ErrJobFailed)
		require.Equal(t, "sub_job_failed", waiter.Outcome(got.err))
		require.Equal(t, broken, unfinished(t, got.err).Last)
		require.Equal(t, broken, got.job)
		require.Equal(t, lines, got.lines())
		require.Len(t, s.polls, 2)
	})

	for behavior, test := range map[string]struct {
		ended status.Job
		opts  []waiter.Option
		is    error
	}{
		"ends as usual with a job that succeeds although a sub-job failed": {job("success", sub("a", "failed")), nil, nil},
		"ends as usual with a job that fails together with a sub-job":      {job("failed", sub("a", "failed")), nil, waiter.ErrJobFailed},
		"ends as usual with a job that succeeds, where sub-jobs are strict": {
			job("success", sub("a", "failed")), []waiter.Option{waiter.WithStrictSubJobs()}, waiter.ErrJobFailed,
		},
	} {
		specify(t, behavior, func(t *testing.T, d driver) {
			got := d.wait(t.Context(), t, responses(job("running"), test.ended), append(test.opts, waiter.WithFailFast())...)
			require.ErrorIs(t, got.err, test.is)
			require.NotErrorIs(t, got.err, waiter.ErrSubJobFailed)
			require.NotErrorIs(t, got.err, waiter.ErrUnfinished)
		})
	}

	specify(t, "is off unless set", func(t *testing.T, d driver) {
		require.NoError(t, d.wait(t.Context(), t, responses(broken, job("success"))).err)
	})

	specify(t, "ends at a checkpoint that shows it, without a request, and without it the wait reaches the job's end", func(t *testing.T, d driver) {
		s := responses(broken, job("success", sub("b", "success")))
		first := d.resume(t.Context(), t, s, job("running"), waiter.WithFailFast())
		require.ErrorIs(t, first.err, waiter.ErrSubJobFailed)
		last := unfinished(t, first.err).Last
		again := d.resume(t.Context(), t, s, last, waiter.WithFailFast())
		require.ErrorIs(t, again.err, waiter.ErrSubJobFailed)
		require.NotErrorIs(t, again.err, waiter.ErrJobFailed)
		require.Empty(t, again.delivered)
		require.Len(t, s.polls, 1)
		whole := d.resume(t.Context(), t, s, last)
		require.NoError(t, whole.err)
		require.Equal(t, []string{"b running->success", "running->success"}, whole.lines())
	}, resuming)
}

func TestLimiter(t *testing.T) {
	down := errors.New("redis is down")

	specify(t, "is asked before each poll, and its time is not the poll's", func(t *testing.T, d driver) {
		s := responses(job("running"), job("running"), job("success"))
		slow := waiter.WithLimiter(limiterFunc(func(context.Context) error {
			time.Sleep(30 * time.Second) // a poll has 15 s
			return nil
		}))
		var took []time.Duration
		trace := traced(waiter.Trace{PollEnd: func(_ context.Context, e waiter.PollEnd) { took = append(took, e.Took) }})
		s.took = time.Second
		require.NoError(t, d.wait(t.Context(), t, s, append(every(time.Second), slow, trace)...).err)
		require.Equal(t, seconds(0, 32, 64), s.polls)
		require.Equal(t, seconds(1, 1, 1), took)
	}, alone)

	specify(t, "that refuses ends a wait without a deadline", func(t *testing.T, d driver) {
		s := responses(job("running"))
		got := d.wait(t.Context(), t, s, waiter.WithLimiter(limiterFunc(func(context.Context) error { return down })))
		require.ErrorIs(t, got.err, waiter.ErrUnfinished)
		require.ErrorIs(t, got.err, down)
		require.Empty(t, s.polls)
	})

	specify(t, "that refuses for a while is asked again every 5 s", func(t *testing.T, d driver) {
		start := time.Now()
		var asked []time.Duration
		limiter := limiterFunc(func(context.Context) error {
			if asked = append(asked, time.Since(start)); len(asked) < 4 {
				return down
			}
			return nil
		})
		require.NoError(t, d.wait(withDeadline(t, limit), t, responses(job("success")), waiter.WithLimiter(limiter)).err)
		require.Equal(t, seconds(0, 5, 10, 15), asked)
	}, blocking, alone)

	specify(t, "that refuses in the middle does not end the wait", func(t *testing.T, d driver) {
		start := time.Now()
		limiter := waiter.WithLimiter(limiterFunc(func(context.Context) error {
			if age := time.Since(start); age > 10*time.Second && age < time.Minute {
				return down
			}
			return nil
		}))
		require.NoError(t, d.wait(withDeadline(t, limit), t, timeline(2*time.Minute, 0), limiter).err)
	}, blocking)

	specify(t, "that refuses to the end is named in the error, which is the deadline's", func(t *testing.T, d driver) {
		s, start := responses(job("running")), time.Now()
		got := d.wait(withDeadline(t, limit), t, s, waiter.WithLimiter(limiterFunc(func(context.Context) error { return down })))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.NotErrorIs(t, got.err, down)
		require.ErrorIs(t, unfinished(t, got.err).LastFailure, down)
		require.ErrorContains(t, got.err, down.Error())
		require.Equal(t, limit, time.Since(start))
		require.Empty(t, s.polls)
	}, blocking)

	specify(t, "that refuses because of the deadline means no more polls, and uses up no schedule", func(t *testing.T, d driver) {
		s, start := responses(job("running")), time.Now()
		got := d.wait(withDeadline(t, limit), t, s,
			waiter.WithLimiter(rate.NewLimiter(rate.Every(time.Hour), 1)), waiter.WithFailureBackOff(func() backoff.BackOff {
				return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 3)
			}))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.NotErrorIs(t, got.err, context.Canceled)
		require.Equal(t, limit, time.Since(start))
		require.Equal(t, 1, unfinished(t, got.err).Polls)
		require.Equal(t, seconds(0), s.polls)
	}, blocking, alone)

	specify(t, "that holds a poll back until it is time for the last look makes it the last look", func(t *testing.T, d driver) {
		s, asked := responses(job("running")), 0
		limiter := limiterFunc(func(context.Context) error {
			if asked++; asked == 2 {
				time.Sleep(950 * time.Millisecond)
			}
			return nil
		})
		got := d.wait(withDeadline(t, limit), t, s, waiter.WithBackOff(constant(limit-time.Second)), waiter.WithLimiter(limiter))
		require.ErrorIs(t, got.err, context.DeadlineExceeded)
		require.Equal(t, seconds(0, limit.Seconds()-0.05), s.polls)
	}, blocking, alone)
}

func TestFrom(t *testing.T) {
	begun := job("running", sub("a", "running"))

	specify(t, "goes on: what the checkpoint shows is not delivered again", func(t *testing.T, d driver) {
		for _, from := range []status.Job{begun, job("RUNNING", sub("a", "RUNNING"))} {
			got := d.resume(t.Context(), t, responses(begun, job("success", sub("a", "success"))), from)
			require.NoError(t, got.err)
			require.Equal(t, []string{"a running->success", "running->success"}, got.lines())
		}
	}, resuming)

	specify(t, "a terminal checkpoint returns its outcome, without a request", func(t *testing.T, d driver) {
		s := responses(httpError(500))
		for from, is := range map[status.Status]error{"FAILED": waiter.ErrJobFailed, "failed": waiter.ErrJobFailed, "success": nil} {
			got := d.resume(t.Context(), t, s, job(from))
			require.ErrorIs(t, got.err, is)
			require.Empty(t, got.delivered)
		}
		strict := d.resume(t.Context(), t, s, job("success", sub("a", "failed")), waiter.WithStrictSubJobs())
		require.ErrorIs(t, strict.err, waiter.ErrJobFailed)
		require.Empty(t, s.polls)
	}, resuming)

	specify(t, "a checkpoint goes on with a job that can disappear", func(t *testing.T, d driver) {
		require.ErrorIs(t, d.resume(t.Context(), t, responses(noJob), begun).err, waiter.ErrDisappeared)
	}, resuming)

	specify(t, "a checkpoint goes on with statuses that are not new to the schedule", func(t *testing.T, d driver) {
		s := responses(job("running"), job("waiting"), job("running"), job("success"))
		require.NoError(t, d.resume(t.Context(), t, s, job("running"), waiter.WithBackOff(byCounting)).err)
		require.Equal(t, seconds(0, 1, 2, 4), s.polls)
	}, resuming)

	specify(t, "a checkpoint may lack the id", func(t *testing.T, d driver) {
		got := d.resume(t.Context(), t, responses(status.Job{Status: "success"}), status.Job{Status: "running"})
		require.NoError(t, got.err)
		require.Equal(t, []string{"running->success"}, got.lines())
	}, resuming)

	specify(t, "a checkpoint may spell the id in another way than the call, which is asked with", func(t *testing.T, d driver) {
		from := begun
		from.ID = strings.ToUpper(strings.ReplaceAll(id, "-", ""))
		p := fn(func(_ context.Context, jobID string) (poller.Reply, error) {
			require.Equal(t, id, jobID)
			return reply(status.Job{Status: "success"})
		})
		got := d.resume(t.Context(), t, p, from)
		require.NoError(t, got.err)
		require.Equal(t, id, got.delivered[0].JobID)
		require.Equal(t, id, got.job.ID)
	}, resuming)

	specify(t, "a checkpoint of any moment loses and repeats nothing", func(t *testing.T, d driver) {
		for seed := range seeds(150) {
			list := randomResponses(rand.New(rand.NewPCG(seed, 1)))
			whole := watch(t.Context(), t, responses(list...), status.Job{}, nil).lines()
			for crash := range whole {
				first, folded, left := responses(list...), status.Job{}, crash
				for transition := range newWaiter(t, first).Watch(t.Context(), id) {
					folded = status.Apply(folded, transition)
					if left--; left < 0 {
						break
					}
				}
				again := responses(list[len(first.polls)-1:]...) // the response in which it crashed comes again
				require.Equal(t, whole[crash+1:], d.resume(t.Context(), t, again, folded).lines(), "seed %d, crash %d: %v", seed, crash, list)
			}
		}
	}, resuming)
}

func TestCheckpoints(t *testing.T) {
	full := errors.New("no space left on device")
	list := []any{job("running", sub("a", "running")), job("success", sub("a", "success"))}
	want := []string{"->running", "a ->running", "a running->success", "running->success"}

	specify(t, "are saved after the callbacks of each transition, as the fold of what was delivered", func(t *testing.T, d driver) {
		var order []string
		var folded status.Job
		caller := goroutine()
		got := d.wait(t.Context(), t, responses(list...),
			waiter.OnTransition(func(t status.Transition) {
				if t.JobID == id {
					order = append(order, "callback "+t.String())
				}
			}),
			waiter.WithCheckpoints(func(ctx context.Context, checkpoint status.Job, transition status.Transition) error {
				if transition.JobID != id {
					return nil
				}
				require.NoError(t, ctx.Err())
				require.True(t, d.shared || caller == goroutine())
				order = append(order, "save "+transition.String())
				folded = status.Apply(folded, transition)
				require.Equal(t, folded, checkpoint)
				return nil
			}))
		require.NoError(t, got.err)
		require.Equal(t, want, got.lines())
		require.Equal(t, got.job, folded)
		require.Equal(t, []string{
			"callback job: running", "save job: running", "callback a: running", "save a: running",
			"callback a: running -> success", "save a: running -> success",
			"callback job: running -> success", "save job: running -> success",
		}, order)
	})

	specify(t, "are the receiver's own copy", func(t *testing.T, d driver) {
		var folded status.Job
		spoil := waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, transition status.Transition) error {
			if transition.JobID == id {
				folded = status.Apply(folded, transition)
				require.Equal(t, folded, checkpoint)
			}
			for _, subs := range [][]status.Job{checkpoint.SubJobs, transition.Job.SubJobs} {
				for i := range subs {
					subs[i].Status = "spoiled"
				}
			}
			return nil
		})
		subs := []status.Job{sub("a", "running"), sub("b", "running")}
		got := d.wait(t.Context(), t, responses(job("running", subs...), job("success", subs...)), spoil)
		require.NoError(t, got.err)
		require.Equal(t, []string{"->running", "a ->running", "b ->running", "running->success"}, got.lines())
		require.Equal(t, job("success", subs...), got.job)
		for _, transition := range got.delivered {
			require.NotContains(t, statuses(transition.Job), "spoiled")
		}
	})

	for fails := range want {
		specify(t, fmt.Sprintf("that cannot be saved end the wait: the one of transition %d", fails+1), func(t *testing.T, d driver) {
			var heard []string
			var saved status.Job
			s := responses(list[0], job("failed", sub("a", "success"))) // a job that fails must not look like one that was seen to
			got := d.wait(t.Context(), t, s,
				waiter.OnTransition(func(t status.Transition) {
					if t.JobID == id {
						heard = append(heard, t.String())
					}
				}),
				waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, t status.Transition) error {
					if t.JobID == id && len(heard) > fails {
						return full
					}
					if t.JobID == id {
						saved = checkpoint
					}
					return nil
				}))
			require.ErrorIs(t, got.err, waiter.ErrUnfinished)
			require.ErrorIs(t, got.err, full)
			require.NotErrorIs(t, got.err, waiter.ErrJobFailed)
			require.ErrorContains(t, got.err, full.Error())
			require.Equal(t, "checkpoint", waiter.Outcome(got.err))
			require.Len(t, heard, fails+1, "delivered after a checkpoint was not saved")
			saved.ID = id // the first one may not have been saved
			require.Equal(t, saved.Status, unfinished(t, got.err).Last.Status)
			require.Equal(t, saved.SubJobs, unfinished(t, got.err).Last.SubJobs)
			require.Equal(t, id, unfinished(t, got.err).Last.ID)
			require.Len(t, s.polls, 1+fails/2)
		})
	}

	specify(t, "that fail and crash at random lose nothing, and repeat nothing of what was saved", func(t *testing.T, d driver) {
		for seed := range seeds(120) {
			r := rand.New(rand.NewPCG(seed, 2))
			list := randomResponses(r)
			whole := wait(t.Context(), t, responses(list...), status.Job{}, nil)
			store := &disk{rand: r, full: full}
			for tries := 0; ; tries++ {
				require.Less(t, tries, 1000, "seed %d: it does not end", seed)
				s := responses(list...)
				got, crashed := store.drive(t, d, s)
				list = list[max(0, min(len(s.polls), len(list))-1):] // the last response comes again
				if crashed {
					continue
				}
				if errors.Is(got.err, full) {
					require.NotErrorIs(t, got.err, waiter.ErrJobFailed)
					last := unfinished(t, got.err).Last
					require.Equal(t, store.checkpoint.Status, last.Status, "seed %d", seed)
					require.ElementsMatch(t, statuses(store.checkpoint), statuses(last), "seed %d", seed)
					store.checkpoint = last
					continue
				}
				require.Equal(t, whole.err == nil, got.err == nil, "seed %d: %v", seed, got.err)
				break
			}
			require.Equal(t, whole.lines(), store.committed, "seed %d: %v", seed, list)
			for _, line := range whole.lines() {
				require.Contains(t, store.heard, line, "seed %d", seed)
			}
			require.Equal(t, whole.job.Status, store.checkpoint.Status, "seed %d", seed)
			require.ElementsMatch(t, statuses(whole.job), statuses(store.checkpoint), "seed %d", seed)
		}
	}, resuming)
}

// A disk stores checkpoints, and the lines of the transitions with them. It is full, and the
// process crashes, at random.
type disk struct {
	rand       *rand.Rand
	full       error
	checkpoint status.Job
	committed  []string // together with the checkpoint
	heard      []string // by a callback
}

func (k *disk) save(_ context.Context, checkpoint status.Job, t status.Transition) error {
	switch k.rand.IntN(6) {
	case 0:
		return k.full
	case 1:
		panic(k) // before it is stored
	}
	k.checkpoint = checkpoint
	k.committed = append(k.committed, outcome{delivered: []status.Transition{t}}.lines()...)
	if k.rand.IntN(6) == 0 {
		panic(k) // after
	}
	return nil
}

// drive waits once, from what is stored, until it ends or crashes.
func (k *disk) drive(t *testing.T, d driver, s *service) (got outcome, crashed bool) {
	defer func() {
		if r := recover(); r != nil {
			require.Equal(t, any(k), r)
			crashed = true
		}
	}()
	hear := waiter.OnTransition(func(t status.Transition) {
		k.heard = append(k.heard, outcome{delivered: []status.Transition{t}}.lines()...)
	})
	return d.resume(t.Context(), t, s, k.checkpoint, hear, waiter.WithCheckpoints(k.save)), false
}

func statuses(j status.Job) []string {
	list := []string{}
	for _, sub := range j.SubJobs {
		if sub.Status != "" {
			list = append(list, string(sub.Status))
		}
	}
	return list
}

func TestPanics(t *testing.T) {
	specify(t, "of a callback pass through to the caller", func(t *testing.T, d driver) {
		ouch := waiter.OnTransition(func(status.Transition) { panic("ouch") })
		require.PanicsWithValue(t, "ouch", func() { d.wait(t.Context(), t, responses(job("running")), ouch) })
	})

	specify(t, "of a Poller pass through to the caller", func(t *testing.T, d driver) {
		ouch := fn(func(context.Context, string) (poller.Reply, error) { panic("ouch") })
		require.PanicsWithValue(t, "ouch", func() { d.wait(t.Context(), t, ouch) })
	}, inline)
}

// A schedule that learns hears of every good poll, and of the end.
func TestObserver(t *testing.T) {
	listen := func(heard *[]pace.Observation) []waiter.Option {
		return append(every(time.Second), waiter.WithBackOff(func() backoff.BackOff {
			return &ear{backoff.ConstantBackOff{Interval: time.Second}, heard}
		}))
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	specify(t, "hears of each good poll", func(t *testing.T, d driver) {
		var heard []pace.Observation
		require.NoError(t, d.wait(t.Context(), t, responses(
			job("running"), httpError(503), job(""), job("running"),
			poller.Reply{Job: job("running", sub("a", "running")), ServerTime: at}, job("success"),
		), listen(&heard)...).err)
		running := job("running", sub("a", "running"))
		ended := job("success", sub("a", "running"))
		require.Equal(t, []pace.Observation{
			{Job: job("running"), Changed: true},
			{Job: job("running"), Age: 3 * time.Second},
			{Job: running, Age: 4 * time.Second, ServerTime: at, Changed: true},
			{Job: ended, Age: 5 * time.Second, Changed: true},
		}, heard)
	}, blocking, alone)

	bubble(t, "of a Step hears that it is abandoned, since the next Step has another", func(t *testing.T) {
		var heard []pace.Observation
		require.NoError(t, step(t.Context(), t, responses(job("running"), job("success")), status.Job{}, listen(&heard)).err)
		require.Equal(t, []pace.Observation{
			{Job: job("running"), Changed: true},
			{Job: job("running"), Abandoned: true},
			{Job: job("success"), Age: time.Second, Changed: true},
		}, heard)
	})

	for behavior, test := range map[string]struct {
		list []any
		want error
	}{
		"hears that the wait was abandoned at its deadline":         {[]any{job("running")}, context.DeadlineExceeded},
		"hears that the wait was abandoned in an outage":            {[]any{httpError(503)}, context.DeadlineExceeded},
		"hears that the wait was abandoned for a permanent failure": {[]any{job("running"), httpError(403)}, waiter.ErrUnfinished},
		"hears that the wait was abandoned in a panic":              {[]any{job("running"), nil}, nil},
	} {
		specify(t, behavior, func(t *testing.T, d driver) {
			var heard []pace.Observation
			func() {
				defer func() { require.Equal(t, test.want == nil, recover() != nil) }()
				err := d.wait(withDeadline(t, 10*time.Second), t, responses(test.list...), listen(&heard)...).err
				require.ErrorIs(t, err, test.want)
			}()
			require.NotEmpty(t, heard)
			for i, o := range heard {
				require.Equal(t, i == len(heard)-1, o.Abandoned)
			}
		}, blocking, inline)
	}

	specify(t, "hears nothing where nothing is polled", func(t *testing.T, d driver) {
		var heard []pace.Observation
		require.NoError(t, d.resume(t.Context(), t, responses(), job("success"), listen(&heard)...).err)
		require.Empty(t, heard)
	}, resuming)
}

type ear struct {
	backoff.ConstantBackOff
	heard *[]pace.Observation
}

func (e *ear) Observe(o pace.Observation) { *e.heard = append(*e.heard, o) }
