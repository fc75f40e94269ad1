package tracker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

const id = "26f6b565-1111-2222-3333-03f0bd975433"

func TestNew(t *testing.T) {
	w := newWaiter(t, newService())
	for want, opts := range map[string][]tracker.Option{
		"option 1 is nil":                   {nil},
		"WithRate: 0 polls a second":        {tracker.WithRate(0, 1)},
		"WithRate: a burst of 0":            {tracker.WithRate(5, 0)},
		"WithConcurrency: 0 polls":          {tracker.WithConcurrency(0)},
		"WithHistory: the History is nil":   {tracker.WithHistory(nil)},
		"WithJournal: the Journal is nil":   {tracker.WithJournal(nil)},
		"WithRetention: -1ns, 0 jobs":       {tracker.WithRetention(-1, 0)},
		"tracker: WithRetention: 0s, -1 jo": {tracker.WithRetention(0, -1)},
	} {
		_, err := tracker.New(w, opts...)
		require.ErrorContains(t, err, want)
	}
	_, err := tracker.New(nil)
	require.ErrorContains(t, err, "the Waiter is nil")
}

func TestTrack(t *testing.T) {
	bubble(t, "follows a job once, however often and however spelled its id is given", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		const plain = "26F6B565111122223333" + "03f0bd975433"
		require.NoError(t, tr.Track(status.Job{ID: id}, status.Job{ID: plain}, status.Job{ID: id}))
		require.NoError(t, tr.Track(status.Job{ID: plain}))
		require.Len(t, snapshots(tr), 1)
		run(t, tr)
		j, err := tr.Wait(t.Context(), plain)
		require.NoError(t, err)
		require.Equal(t, id, j.ID)
		require.Len(t, s.polls, 1)
	})

	bubble(t, "knows a job by any letters that are the same to status.SameID", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		require.True(t, status.SameID("\u017f\u212a1", "sk1"))
		require.NoError(t, tr.Track(status.Job{ID: "\u017f\u212a1"}, status.Job{ID: "sk1"}))
		require.Equal(t, 1, tr.Stats().Followed)
		require.False(t, status.SameID("\u0131\u0130", "ii"))
		require.NoError(t, tr.Track(status.Job{ID: "\u0131"}, status.Job{ID: "\u0130"}, status.Job{ID: "i"}, status.Job{ID: "I"}))
		require.Equal(t, 4, tr.Stats().Followed)
		require.Error(t, tr.Track(status.Job{ID: "--"}), "an id of dashes is none")
	})

	bubble(t, "does not follow a job again that ends and leaves during its commit", func(t *testing.T) {
		s, l := newService(), &notes{}
		s.lasts["a"] = 5 * time.Second
		m := &slow{takes: 10 * time.Second}
		tr := newTracker(t, newWaiter(t, s, l.option()), tracker.WithRetention(0, 0), tracker.WithJournal(m))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(2 * time.Second)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Minute)
		require.Equal(t, []string{"a  ->running", "a  running->success"}, l.all())
		require.Empty(t, snapshots(tr))
	})

	bubble(t, "refuses ids that cannot be polled, and tracks nothing then", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		err := tr.Track(status.Job{ID: "a"}, status.Job{}, status.Job{ID: "b c"})
		require.ErrorContains(t, err, "tracker: Track: nothing is tracked: job 2 of 3: ")
		require.ErrorContains(t, err, "job 3 of 3: ")
		require.Empty(t, snapshots(tr))
		require.ErrorContains(t, tr.Track(make([]status.Job, 100)...), "and 97 more")
		require.NoError(t, tr.Track())
	})

	bubble(t, "goes on from a checkpoint", func(t *testing.T) {
		s, l := newService(), &notes{}
		tr := newTracker(t, newWaiter(t, s, l.option()))
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a", Status: status.Running}))
		_, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a  running->success"}, l.all())
	})

	bubble(t, "knows the outcome of a terminal checkpoint without a request, and without Run", func(t *testing.T) {
		s := newService()
		tr := newTracker(t, newWaiter(t, s))
		require.NoError(t, tr.Track(status.Job{ID: "a", Status: status.Failed}))
		_, err := tr.Wait(t.Context(), "a")
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		require.Zero(t, s.count())
		require.True(t, snapshots(tr)["a"].Done)
	})

	bubble(t, "follows again a job whose end was not seen, from where it was", func(t *testing.T) {
		s, l := newService(), &notes{}
		rejected := true
		s.fail = func(_ string, n int) error {
			if n > 1 && rejected {
				return &poller.Error{StatusCode: 401}
			}
			return nil
		}
		tr := newTracker(t, newWaiter(t, s, l.option()))
		run(t, tr)
		for range 2 { // Wait alone does not send the credential again
			_, err := tr.Wait(t.Context(), "a")
			require.ErrorIs(t, err, waiter.ErrUnauthorized)
		}
		require.Equal(t, 2, s.count())
		rejected = false
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		_, err := tr.Wait(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"a  ->running", "a  running->success"}, l.all())
		ended := snapshots(tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		require.Equal(t, ended, snapshots(tr), "the job itself has ended")
	})

	t.Run("takes a hundred thousand jobs at once", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		require.NoError(t, tr.Track(ids("job-", 100_000)...))
		require.Equal(t, 100_000, tr.Stats().Followed)
	})
}

func TestForget(t *testing.T) {
	bubble(t, "of a job that is polled has the poll bring nothing", func(t *testing.T) {
		s, l := newService(), &notes{}
		s.took = 10 * time.Second
		tr := newTracker(t, newWaiter(t, s, l.option()))
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		run(t, tr)
		sleep(5 * time.Second)
		tr.Forget("a", "unknown", "a")
		require.NoError(t, tr.Track(status.Job{ID: "b"}), "the other job has a number of its own")
		sleep(20 * time.Second)
		require.Len(t, s.of("a"), 1)
		require.Equal(t, []string{"b  ->running"}, l.all())
		require.Len(t, snapshots(tr), 1)
	})

	bubble(t, "of a job that is waited for ends the wait, with an error that says so", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		run(t, tr)
		time.AfterFunc(5*time.Second+time.Millisecond, func() { tr.Forget("a") })
		start := time.Now()
		j, err := tr.Wait(t.Context(), "a")
		require.ErrorIs(t, err, tracker.ErrForgotten)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		require.NotErrorIs(t, err, context.Canceled)
		require.Equal(t, "stopped", waiter.Outcome(err))
		require.Equal(t, status.Running, j.Status)
		require.Equal(t, 5*time.Second+time.Millisecond, time.Since(start))
	})

	bubble(t, "in a callback makes this transition the last one", func(t *testing.T) {
		l := &notes{}
		var tr *tracker.Tracker
		w := newWaiter(t, poller.Func(func(context.Context, string) (poller.Reply, error) {
			return poller.Reply{Job: status.Job{Status: status.Running, SubJobs: []status.Job{{ID: "s", Status: status.Running}}}}, nil
		}), l.option(), waiter.OnTransition(func(transition status.Transition) { tr.Forget(transition.JobID) }))
		tr = newTracker(t, w)
		run(t, tr)
		require.NoError(t, tr.Track(status.Job{ID: "a"}))
		sleep(time.Minute)
		require.Equal(t, []string{"a  ->running"}, l.all())
		require.Empty(t, snapshots(tr))
	})

	bubble(t, "of a job that has ended leaves a wait its outcome", func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()), tracker.WithRetention(0, 0))
		run(t, tr)
		var waits sync.WaitGroup
		for _, j := range ids("a", 200) {
			waits.Go(func() {
				_, err := tr.Wait(t.Context(), j.ID)
				require.NoError(t, err)
			})
		}
		waits.Wait()
		synctest.Wait()
		require.Empty(t, snapshots(tr))
	})

	bubble(t, "lets the job be tracked again, from the beginning", func(t *testing.T) {
		s, l := newService(), &notes{}
		s.took = time.Second
		tr := newTracker(t, newWaiter(t, s, l.option()))
		run(t, tr)
		for range 3 {
			require.NoError(t, tr.Track(status.Job{ID: "a"}))
			sleep(10*time.Second + time.Millisecond)
			tr.Forget("a")
		}
		require.Equal(t, []string{"a  ->running", "a  ->running", "a  ->running"}, l.all())
	})
}

func TestErrorsAreThoseOfAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTracker(t, newWaiter(t, newService()))
		_, err := tr.Wait(t.Context(), "")
		require.Equal(t, "usage", waiter.Outcome(err))
		_, ok := errors.AsType[*waiter.UnfinishedError](err)
		require.True(t, ok)
		require.Empty(t, snapshots(tr))
	})
}
