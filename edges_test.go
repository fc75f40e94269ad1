package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestTheDefaultsAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		s := answers(httpError(503))
		require.ErrorIs(t, wait(ctx, t, newWaiter(t, s)).err, context.DeadlineExceeded)
		middle := time.Second
		for i := range s.polls[:len(s.polls)-2] { // the last gap is cut for the last look
			require.InDelta(t, middle, s.polls[i+1]-s.polls[i], float64(middle)/2+1, "poll %d", i)
			middle = min(2*middle, 30*time.Second)
		}
		require.Greater(t, len(s.polls), 24*60, "and it never stops")
		least, most := time.Hour, time.Duration(0)
		for i := range s.polls[10 : len(s.polls)-2] {
			gap := s.polls[i+11] - s.polls[i+10]
			least, most = min(least, gap), max(most, gap)
		}
		require.Less(t, least, 16*time.Second)
		require.Greater(t, most, 44*time.Second)
	})
}

func TestASlowAnswerDoesNotBlindTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			age := time.Since(start)
			if age > limit-40*time.Second && age < limit-30*time.Second {
				time.Sleep(8 * time.Second)
			}
			if age >= limit-5*time.Second {
				return poller.Reply{Job: job("success")}, nil
			}
			return poller.Reply{Job: job("running")}, nil
		})
		got := wait(withDeadline(t), t, newWaiter(t, p, waiter.WithBackOff(constant(3*time.Second))))
		require.NoError(t, got.err, "the last look came 12 s before the deadline, and the schedule goes on")
	})
}

func TestWhatWasSeenJustNow(t *testing.T) {
	_, err := newWaiter(t, answers(job("running"))).Wait(t.Context(), id, // on a real clock
		waiter.WithBackOff(func() backoff.BackOff { return &backoff.StopBackOff{} }))
	require.ErrorContains(t, err, "Last seen running just now")
}

func TestOneFromServesManyWaits(t *testing.T) {
	checkpoint := job("running", sub("a", "running"))
	from := waiter.From(checkpoint)
	checkpoint.SubJobs[0].Status = "spoiled"
	var waits sync.WaitGroup
	for range 8 {
		waits.Go(func() {
			var told []string
			_, err := newWaiter(t, answers(job("success", sub("a", "success")))).Wait(t.Context(), strings.ToUpper(id), from,
				waiter.OnTransition(func(t status.Transition) { told = append(told, t.String()) }))
			if err != nil || len(told) != 2 || told[0] != "a: running -> success" {
				t.Error(told, err)
			}
		})
	}
	waits.Wait()
}

func TestStatusesOfACheckpointAreNotNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running"), job("waiting"), job("running"), job("success"))
		got := wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(byCounting)), waiter.From(job("running")))
		require.NoError(t, got.err)
		require.Equal(t, seconds(0, 1, 2, 4), s.polls, "waiting is new, running is not")
	})
}

func TestStepSurvivesAMadProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiter(t, answers(job("running"), noJob, noJob))
		p, err := w.Step(t.Context(), waiter.Progress{Job: status.Job{ID: id}}, waiter.WithBackOff(byCounting))
		require.NoError(t, err)
		require.Equal(t, id, p.JobID)
		p.Memory.Asked = [2]int{1e12, -3}
		p.Memory.MissingSince = time.Now().Add(time.Hour) // another machine's clock
		p, err = w.Step(t.Context(), p)
		require.NoError(t, err)
		require.LessOrEqual(t, p.Next, 2*time.Second)
		for _, stored := range []string{`{"job_id":"a","memory":null}`, `{"job_id":"a","started":"2020-01-01T00:00:00Z"}`, `{"job":{"job_id":"a"}}`} {
			var p waiter.Progress
			require.NoError(t, json.Unmarshal([]byte(stored), &p))
			_, err := newWaiter(t, answers(status.Job{Status: "running"})).Step(t.Context(), p)
			require.NoError(t, err, stored)
		}
	})
}

func TestTheTypeIsKeptWhereAnAnswerLacksIt(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		got := v(t.Context(), t, newWaiter(t, answers(job("running"), status.Job{Status: "failed"})))
		require.EqualError(t, got.err, "bind_ldap job "+id+" failed (seen "+durationOf(got)+" after the wait began). The job has ended: mend the cause, then submit it anew")
	})
}

func durationOf(got outcome) string {
	failed, _ := errors.AsType[*waiter.FailedError](got.err)
	if failed.Elapsed >= time.Second {
		return failed.Elapsed.Round(100 * time.Millisecond).String()
	}
	return failed.Elapsed.Round(time.Millisecond).String()
}

func TestAJobThatBeganAndEndedInTheSameSecond(t *testing.T) {
	at := status.Timestamp("2023-07-26 09:33:58")
	_, err := newWaiter(t, answers(status.Job{Status: "failed", FailReason: "no", BeginTime: at, EndTime: at})).Wait(t.Context(), id)
	require.ErrorContains(t, err, "failed within a second: no")
}

func TestAnUnchangedStatusAfterAnOutageIsAStall(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		s := &service{answer: func(_ int, age time.Duration) (poller.Reply, error) {
			if age > time.Second && age < time.Hour {
				return poller.Reply{}, httpError(503)
			}
			return poller.Reply{Job: job("running")}, nil
		}}
		start := time.Now()
		got := v(t.Context(), t, newWaiter(t, s, append(steady, waiter.WithStallLimit(30*time.Minute))...))
		require.ErrorIs(t, got.err, waiter.ErrStalled)
		require.Equal(t, time.Hour, time.Since(start), "at the first good answer, not in the outage")
	})
}

func TestABackOffBoundToTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := poller.Func(func(context.Context, string) (poller.Reply, error) {
			cancel()
			return poller.Reply{Job: job("running")}, nil
		})
		_, err := newWaiter(t, p).Wait(ctx, id, waiter.WithBackOff(func() backoff.BackOff {
			return backoff.WithContext(backoff.NewConstantBackOff(time.Second), ctx)
		}))
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestATraceEndsHoweverTheWaitDoes(t *testing.T) {
	var ends []string
	trace := waiter.WithTrace(&waiter.Trace{WaitEnd: func(_ context.Context, _ status.Job, err error) { ends = append(ends, err.Error()) }})
	w := newWaiter(t, answers(job("running")), trace)
	require.Panics(t, func() {
		_, _ = w.Wait(t.Context(), id, waiter.OnTransition(func(status.Transition) { panic("ouch") }))
	})
	for range w.Watch(t.Context(), id) {
		break
	}
	require.Equal(t, []string{"waiter: the wait panicked", "waiter: the iteration was stopped"}, ends)
}

func TestRunKeepsTheIDOfARefusedSubmit(t *testing.T) {
	got, err := newWaiter(t, answers()).Run(t.Context(), func(context.Context) (string, error) { return id, errors.New("lost") })
	require.Error(t, err)
	require.Equal(t, id, got.ID)
	_, err = newWaiter(t, answers()).Run(t.Context(), nil)
	require.ErrorContains(t, err, "submit is nil")
}

func TestAResolverThatFailsIsNotAMistypedRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(_ int, age time.Duration) (poller.Reply, error) {
			if age < time.Minute {
				return poller.Reply{}, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
			}
			return poller.Reply{Job: job("success")}, nil
		}}
		require.NoError(t, wait(t.Context(), t, newWaiter(t, s)).err)
	})
}

func TestWhatIsHandedOutIsTheCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := job("running", sub("a", "running"))
		w := newWaiter(t, answers(shared, httpError(403)))
		got := wait(t.Context(), t, w)
		unfinished, ok := errors.AsType[*waiter.UnfinishedError](got.err)
		require.True(t, ok)
		got.job.SubJobs[0].Status = "spoiled"
		require.Equal(t, status.Running, unfinished.Last.SubJobs[0].Status)
		require.Equal(t, status.Running, shared.SubJobs[0].Status)

		p, err := newWaiter(t, answers(httpError(403))).Step(t.Context(), waiter.Progress{Job: shared})
		unfinished, ok = errors.AsType[*waiter.UnfinishedError](err)
		require.True(t, ok)
		p.Job.SubJobs[0].Status, p.Failures["403"] = "spoiled", 9
		require.Equal(t, status.Running, unfinished.Last.SubJobs[0].Status)
		require.Equal(t, 1, unfinished.Failures["403"])

		jobs, err := newWaiter(t, answers(job("success", sub("a", "success")))).WaitAll(t.Context(), id, id)
		require.NoError(t, err)
		jobs[0].SubJobs[0].Status = "spoiled"
		require.Equal(t, status.Success, jobs[1].SubJobs[0].Status)
	})
}

func TestCallsDoNotShareTheirCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w *waiter.Waiter
		var told []string
		say := func(what string) waiter.Option {
			return waiter.OnTransition(func(status.Transition) { told = append(told, what) })
		}
		nothing := waiter.OnTransition(func(status.Transition) {})
		w = newWaiter(t, answers(job("success")), nothing, nothing, nothing) // with room for a fourth
		for range w.Watch(t.Context(), id, say("outer")) {
			_, err := w.Wait(t.Context(), id, say("inner"))
			require.NoError(t, err)
		}
		require.Equal(t, []string{"outer", "inner"}, told)
		told = nil
		w = newWaiter(t, answers(job("running"), job("running"), job("success")), nothing, nothing, nothing)
		for range w.Watch(t.Context(), id, say("outer")) {
			if len(told) == 1 {
				_, err := w.Wait(t.Context(), id, say("inner"))
				require.NoError(t, err)
			}
		}
		require.Equal(t, "outer", told[len(told)-1])
	})
}

func TestAScheduleIsResetBeforeItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(job("running"), job("running"), job("success"))
		used := func() backoff.BackOff { return &counting{n: 10} }
		got := wait(t.Context(), t, newWaiter(t, s, waiter.WithBackOff(used)), waiter.From(job("running"))) // so that no status is new
		require.NoError(t, got.err)
		require.Equal(t, seconds(0, 1, 3), s.polls)
	})
}
