package waiter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

const id = "26f6b565-1111-2222-3333-03f0bd975433"

// A service answers polls in virtual time and remembers when they came. Its zero
// clock begins at the first poll.
type service struct {
	answer func(poll int, age time.Duration) (poller.Reply, error) // polls count from 0
	took   time.Duration                                           // of each answer
	began  time.Time
	polls  []time.Duration // ages at which polls came
}

func (s *service) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	s.polls = append(s.polls, time.Since(s.began))
	n := len(s.polls) - 1
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return poller.Reply{}, ctx.Err()
	}
	return s.answer(n, time.Since(s.began))
}

// answers makes a service that gives these in turn, the last for ever: a
// status.Job, a poller.Reply or an error each.
func answers(list ...any) *service {
	return &service{answer: func(n int, _ time.Duration) (poller.Reply, error) {
		switch a := list[min(n, len(list)-1)].(type) {
		case status.Job:
			return poller.Reply{Job: a}, nil
		case poller.Reply:
			return a, nil
		case error:
			return poller.Reply{}, a
		default:
			panic(fmt.Sprintf("%T", a))
		}
	}}
}

// timeline makes a service whose job runs until the age end, and then succeeds.
func timeline(end, took time.Duration) *service {
	return &service{took: took, answer: func(_ int, age time.Duration) (poller.Reply, error) {
		if age-took >= end { // as it was when the request came
			return poller.Reply{Job: job(status.Success)}, nil
		}
		return poller.Reply{Job: job(status.Running)}, nil
	}}
}

func job(s status.Status, subs ...status.Job) status.Job {
	return status.Job{ID: id, Type: "bind_ldap", Status: s, SubJobs: subs}
}

func sub(id string, s status.Status) status.Job { return status.Job{ID: id, Status: s} }

func httpError(code int) error { return &poller.Error{StatusCode: code} }

// outcome is what a caller gets of a wait, however it waits.
type outcome struct {
	told []status.Transition
	job  status.Job
	err  error
}

func (o outcome) lines() []string {
	lines := []string{}
	for _, t := range o.told {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s->%s", t.SubJob, t.From, t.To)))
	}
	return lines
}

type verb func(ctx context.Context, t *testing.T, w *waiter.Waiter, opts ...waiter.Option) outcome

func wait(ctx context.Context, _ *testing.T, w *waiter.Waiter, opts ...waiter.Option) (o outcome) {
	opts = append(opts, waiter.OnTransition(func(t status.Transition) { o.told = append(o.told, t) }))
	o.job, o.err = w.Wait(ctx, id, opts...)
	return o
}

// step drives Step, and has each Progress survive a restart.
func step(ctx context.Context, t *testing.T, w *waiter.Waiter, opts ...waiter.Option) (o outcome) {
	p := waiter.Progress{JobID: id}
	for {
		stored, err := json.Marshal(p)
		require.NoError(t, err)
		p = waiter.Progress{}
		require.NoError(t, json.Unmarshal(stored, &p))

		p, err = w.Step(ctx, p, opts...)
		o.told, o.job, o.err = append(o.told, p.Transitions...), p.Job, err
		if err != nil || p.Done {
			return o
		}
		select {
		case <-ctx.Done():
		case <-time.After(p.Next):
		}
	}
}

func watch(ctx context.Context, _ *testing.T, w *waiter.Waiter, opts ...waiter.Option) (o outcome) {
	for t, err := range w.Watch(ctx, id, opts...) {
		if o.err = err; err == nil {
			o.told = append(o.told, t)
			o.job = status.Apply(o.job, t)
		}
	}
	return o
}

// each runs the same test over every way to wait, in virtual time.
func each(t *testing.T, f func(t *testing.T, v verb)) {
	for name, v := range map[string]verb{"Wait": wait, "Step": step, "Watch": watch} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, v) })
		})
	}
}

func newWaiter(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	w, err := waiter.New(p, append([]waiter.Option{waiter.WithLogger(logTo(&wholeRun))}, opts...)...)
	require.NoError(t, err)
	return w
}

func TestTransitionsAreToldInOrder(t *testing.T) {
	tests := map[string]struct {
		answers []any
		want    []string
	}{
		"done at first sight": {
			[]any{job("success", sub("a", "success"))},
			[]string{"a ->success", "->success"},
		},
		"the start before the sub-jobs, the end after them": {
			[]any{job("waiting"), job("running", sub("a", "waiting")), job("success", sub("a", "success"))},
			[]string{"->waiting", "waiting->running", "a ->waiting", "a waiting->success", "running->success"},
		},
		"sub-jobs come late, reordered, and go missing": {
			[]any{
				job("running", sub("a", "running")),
				job("running", sub("b", "running"), sub("a", "running")),
				job("running", sub("b", "success")),
				job("success", sub("a", "success")),
			},
			[]string{"->running", "a ->running", "b ->running", "b running->success", "a running->success", "running->success"},
		},
		"no id, the same id twice, the parent's id": {
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
		"a skipped status is not invented, one that goes back is told": {
			[]any{job("waiting"), job("running"), job("waiting"), job("success")},
			[]string{"->waiting", "waiting->running", "running->waiting", "waiting->success"},
		},
		"an unknown status is not the end": {
			[]any{job("running"), job("paused"), job("success")},
			[]string{"->running", "running->paused", "paused->success"},
		},
		"known statuses in any case": {
			[]any{job("RUNNING", sub("a", "Running")), job("Success", sub("a", "SUCCESS"))},
			[]string{"->running", "a ->running", "a running->success", "running->success"},
		},
		"bad answers in between tell nothing": {
			[]any{
				job("running"), status.Job{}, status.Job{ID: "another", Status: "failed"}, httpError(502),
				context.DeadlineExceeded, job("success"),
			},
			[]string{"->running", "running->success"},
		},
		"the id without dashes, or absent": {
			[]any{
				status.Job{ID: "26F6B565111122223333" + "03F0BD975433", Status: "running"},
				status.Job{Status: "success"},
			},
			[]string{"->running", "running->success"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, v verb) {
				got := v(t.Context(), t, newWaiter(t, answers(test.answers...)))
				require.NoError(t, got.err)
				require.Equal(t, test.want, got.lines())
				require.Equal(t, status.Success, got.job.Status)
				require.Equal(t, id, got.job.ID)
				for _, told := range got.told {
					assert.Equal(t, id, told.JobID)
					assert.False(t, told.ObservedAt.IsZero())
				}
			})
		})
	}
}

func TestAMissingSubJobIsKeptAsLastSeen(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		got := v(t.Context(), t, newWaiter(t, answers(job("running", sub("a", "running")), job("success", sub("b", "success")))))
		require.NoError(t, got.err)
		require.ElementsMatch(t, []status.Job{sub("b", "success"), sub("a", "running")}, got.job.SubJobs)
	})
}

func TestEachReceiverHasItsOwnCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spoil := waiter.OnTransition(func(t status.Transition) {
			for i := range t.Job.SubJobs {
				t.Job.SubJobs[i].Status = "spoiled"
			}
		})
		w := newWaiter(t, answers(job("running", sub("a", "running")), job("success", sub("a", "success"))), spoil)
		got := wait(t.Context(), t, w)
		require.NoError(t, got.err)
		require.Equal(t, []string{"->running", "a ->running", "a running->success", "running->success"}, got.lines())
		require.Equal(t, status.Running, got.told[0].Job.SubJobs[0].Status)
		require.Equal(t, status.Success, got.job.SubJobs[0].Status)
	})
}
