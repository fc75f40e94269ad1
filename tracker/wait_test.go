package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// hourly leaves all but the first poll to last looks.
var hourly = waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Hour) })

func TestWait(t *testing.T) {
	bubble(t, "shares the polls of a job with other calls", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		run(t, tr)
		var waits sync.WaitGroup
		for range 20 {
			waits.Go(func() {
				j, err := tr.Wait(t.Context(), "a")
				require.NoError(t, err)
				require.Equal(t, status.Success, j.Status)
				j.Status = "the caller's own"
			})
		}
		synctest.Wait()
		require.Equal(t, 20, snapshots(tr)["a"].Waits)
		waits.Wait()
		require.Equal(t, 61, s.count())
		require.Zero(t, snapshots(tr)["a"].Waits)
	})

	bubble(t, "takes a last look before the deadline of each call", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s, hourly))
		run(t, tr)
		var waits sync.WaitGroup
		for _, limit := range []time.Duration{40 * time.Second, 20 * time.Second, 20 * time.Second, 70 * time.Second} {
			waits.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				_, err := tr.Wait(ctx, "a")
				if limit > time.Minute {
					require.NoError(t, err)
					require.Equal(t, limit-100*time.Millisecond, time.Since(start))
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, limit, time.Since(start))
			})
		}
		waits.Wait()
		require.Equal(t, []time.Duration{0, 19900 * time.Millisecond, 39900 * time.Millisecond, 69900 * time.Millisecond}, s.times())
	})

	bubble(t, "takes the last look before other jobs, though as many as may be are polled", func(t *testing.T) {
		s := newService()
		s.took = 3 * time.Second
		tr := newTracker(t, newWaiter(t, s), tracker.WithConcurrency(2), tracker.WithRate(1, 1))
		require.NoError(t, tr.Track(ids("other", 100)...))
		run(t, tr)
		sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := tr.Wait(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		polls := s.of("a")
		last := polls[len(polls)-1]
		require.GreaterOrEqual(t, last, 2*time.Minute-4600*time.Millisecond)
		require.LessOrEqual(t, last, 2*time.Minute-3*time.Second, "its response came too late")
	})

	bubble(t, "takes one last look for all deadlines that it has come to", func(t *testing.T) {
		s := newService()
		slow := waiter.OnTransition(func(status.Transition) { time.Sleep(10 * time.Second) })
		tr := newTracker(t, newWaiter(t, s, hourly, slow))
		run(t, tr)
		var waits sync.WaitGroup
		for _, limit := range []time.Duration{10050 * time.Millisecond, 10080 * time.Millisecond} {
			waits.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := tr.Wait(ctx, "a")
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		waits.Wait()
		require.Equal(t, []time.Duration{0, 10 * time.Second}, s.times())
	})

	bubble(t, "leaves the job to others at the end of its context", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		run(t, tr)
		why := errors.New("the shift is over")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(why) })
		_, err := tr.Wait(ctx, "a")
		require.ErrorIs(t, err, why)
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, snapshots(tr)["a"].Waits)
		sleep(2 * time.Minute)
		require.True(t, snapshots(tr)["a"].Done)
		require.NoError(t, snapshots(tr)["a"].Err)
	})

	bubble(t, "without Run lasts until its context ends", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := tr.Wait(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Zero(t, s.count())
		e, ok := errors.AsType[*waiter.UnfinishedError](err)
		require.True(t, ok)
		require.Zero(t, e.Polls)
	})

	bubble(t, "counts a poll in flight at its deadline as a timeout, without changing the job", func(t *testing.T) {
		s := newService()
		s.took = 10 * time.Second
		tr := newTracker(t, newWaiter(t, s, hourly))
		run(t, tr)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err := tr.Wait(ctx, "a")
		e, ok := errors.AsType[*waiter.UnfinishedError](err)
		require.True(t, ok)
		require.Equal(t, 1, e.Polls)
		require.Equal(t, map[string]int{"timeout": 1}, e.Failures)
		require.ErrorContains(t, err, "no response within 4s")
		sleep(10 * time.Second)
		require.Empty(t, snapshots(tr)["a"].Failures)
		require.Equal(t, status.Running, snapshots(tr)["a"].Job.Status)
	})
}

func TestLimiter(t *testing.T) {
	bubble(t, "that holds up a poll is not the service's silence", func(t *testing.T) {
		s := newService()
		s.took = 10 * time.Second
		limiter := rate.NewLimiter(rate.Every(time.Minute), 1)
		limiter.Allow()
		tr := newTracker(t, newWaiter(t, s, waiter.WithLimiter(limiter)))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Second)
		wait := func() *waiter.UnfinishedError {
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			_, err := tr.Wait(ctx, "a")
			e, ok := errors.AsType[*waiter.UnfinishedError](err)
			require.True(t, ok)
			return e
		}
		held := wait()
		require.Zero(t, held.Polls)
		require.Empty(t, held.Failures)
		sleep(time.Minute - 3*time.Second)
		require.Len(t, s.of("a"), 1)
		sent := wait()
		require.Equal(t, 1, sent.Polls)
		require.ErrorContains(t, sent, "no response within 6s")
	})
}

func TestEvents(t *testing.T) {
	events := func(tr *tracker.Tracker, ctx context.Context, each func(tracker.Event)) *sync.WaitGroup {
		var reader sync.WaitGroup
		reader.Go(func() {
			for e := range tr.Events(ctx) {
				each(e)
			}
		})
		synctest.Wait()
		return &reader
	}
	text := func(e tracker.Event) string {
		switch {
		case e.Missed > 0:
			return fmt.Sprint("missed ", e.Missed)
		case e.Done:
			return fmt.Sprint(e.JobID, " done ", waiter.Outcome(e.Err))
		}
		return line(e.Transition)
	}

	bubble(t, "are each transition, once it is delivered, and each end", func(t *testing.T) {
		l := &notes{}
		s := newService()
		s.fail = func(id string, n int) error {
			if id == "b" && n == 2 {
				return &poller.Error{StatusCode: 401}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s, waiter.OnTransition(func(status.Transition) { time.Sleep(time.Second / 4) })))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		start := time.Now()
		reader := events(tr, ctx, func(e tracker.Event) { l.add(fmt.Sprint(time.Since(start), " ", text(e))) })
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}, status.Job{ID: "b"}))
		reader.Wait()
		require.ElementsMatch(t, []string{
			"250ms a  ->running", "250ms b  ->running", "1.25s b done unauthorized",
			"1m0.5s a  running->success", "1m0.5s a done success",
		}, l.all())
	})

	bubble(t, "that a slow reader has missed are counted, and nobody waits for it", func(t *testing.T) {
		const jobs = 5000 // of which each has three events
		var got []string
		missed := 0
		s := newService()
		tr := newTracker(t, newWaiter(t, s, waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Minute) })))
		ctx, cancel := context.WithCancel(t.Context())
		reader := events(tr, ctx, func(e tracker.Event) {
			if len(got) == 0 {
				time.Sleep(10 * time.Minute)
			}
			if e.Missed == 0 {
				got = append(got, text(e))
			}
			missed += e.Missed
		})
		run(t, tr)
		require.NoError(t, tr.Track(ids("a", jobs)...))
		sleep(5 * time.Minute)
		require.Equal(t, jobs, tr.Stats().Done)
		sleep(6 * time.Minute)
		require.NoError(t, tr.Track(status.Job{ID: "b"}))
		sleep(2 * time.Minute)
		cancel()
		reader.Wait()
		require.Equal(t, 3*jobs+3, len(got)+missed)
		require.Positive(t, missed)
		require.Equal(t, []string{"b  ->running", "b  running->success", "b done success"}, got[len(got)-3:])
	})

	bubble(t, "end with a break", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		for e := range tr.Events(t.Context()) {
			require.Equal(t, "a", e.JobID)
			break
		}
		require.Zero(t, tr.Readers())
	})

	bubble(t, "come from the call on, also before the range", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		ctx, cancel := context.WithCancel(t.Context())
		list := tr.Events(ctx)
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(2 * time.Minute)
		n := 0
		for range list {
			if n++; n == 3 {
				break
			}
		}
		for range list {
			t.Error("it is for one range")
		}
		tr.Events(ctx)
		require.Equal(t, 1, tr.Readers())
		cancel()
		synctest.Wait()
		require.Zero(t, tr.Readers(), "nothing is left of a call without a range")
	})

	bubble(t, "are each reader's own", func(t *testing.T) {
		sub := status.Job{ID: "s", Status: status.Running}
		tr := newTracker(t, newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) {
			return poller.Reply{Job: status.Job{Status: status.Success, SubJobs: []status.Job{sub}}}, nil
		})))
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			events(tr, ctx, func(e tracker.Event) {
				for i := range e.Transition.Job.SubJobs {
					require.Equal(t, sub, e.Transition.Job.SubJobs[i])
					e.Transition.Job.SubJobs[i].Status = "spoiled"
				}
			})
		}
		run(t, tr)
		j, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []status.Job{sub}, j.SubJobs)
		synctest.Wait()
		cancel()
	})
}

func TestJobs(t *testing.T) {
	bubble(t, "say where each job stands", func(t *testing.T) {
		s := newService()
		s.took = time.Second / 4
		s.fail = func(id string, n int) error {
			if id == "b" {
				return &poller.Error{StatusCode: 503}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s))
		start := time.Now()
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}, status.Job{ID: "b"}, status.Job{ID: "c", Status: status.Failed}))
		sleep(time.Second / 2)
		all := snapshots(tr)
		running := status.Job{ID: "a", Type: "bind_ldap", Status: status.Running}
		require.Equal(t, tracker.Snapshot{
			Job: running, Started: start, LastSeen: start.Add(time.Second / 4), Due: start.Add(5 * time.Second / 4), Polls: 1,
		}, all["a"])
		require.Equal(t, map[string]int{"503": 1}, all["b"].Failures)
		require.ErrorContains(t, all["b"].LastFailure, "503")
		require.ErrorIs(t, all["c"].Err, waiter.ErrJobFailed)
		require.True(t, all["c"].Done)
		sleep(900 * time.Millisecond)
		require.Zero(t, snapshots(tr)["a"].Due, "it is polled")
		require.Equal(t, 2, tr.Stats().InFlight)
		for range tr.Jobs() {
			break
		}
	})
}
