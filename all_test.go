package waiter_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestWaitAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inFlight, most atomic.Int32
		p := poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			time.Sleep(time.Second)
			inFlight.Add(-1)
			switch id {
			case "job-3":
				return poller.Reply{Job: status.Job{ID: id, Status: status.Failed}}, nil
			case "job-5":
				return poller.Reply{}, httpError(403)
			}
			return poller.Reply{Job: status.Job{ID: id, Status: status.Success}}, nil
		})
		var told []string // no lock: on this goroutine, one at a time
		w := newWaiter(t, p, waiter.OnTransition(func(t status.Transition) {
			told = append(told, t.JobID)
			time.Sleep(time.Millisecond)
		}))
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprintf("job-%d", i))
		}
		ids = append(ids, "job-7", "", "job-3")
		jobs, err := w.WaitAll(t.Context(), ids...)
		require.Len(t, jobs, len(ids))
		for i, job := range jobs {
			require.Equal(t, ids[i], job.ID)
		}
		require.ErrorIs(t, err, waiter.ErrJobFailed)
		require.ErrorIs(t, err, waiter.ErrUnfinished)
		joined, ok := err.(interface{ Unwrap() []error })
		require.True(t, ok)
		require.Len(t, joined.Unwrap(), 3)
		for i, says := range []string{"job-3 failed", "job-5 can't be read", "the job id is empty"} { // job-3 once
			require.ErrorContains(t, joined.Unwrap()[i], says)
		}
		require.Len(t, told, 99)
		require.EqualValues(t, 16, most.Load())
	})
}

func TestWaitAllTellsWhatWasSeenBeforeTheContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		var told []status.Transition
		w := newWaiter(t, answers(job("running", sub("a", "running"))), waiter.OnTransition(func(t status.Transition) {
			told = append(told, t)
			cancel(why)
		}))
		jobs, err := w.WaitAll(ctx, id)
		require.Len(t, told, 2)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, why)
		require.Equal(t, status.Running, jobs[0].Status)
	})
	jobs, err := newWaiter(t, answers(job("running"))).WaitAll(t.Context())
	require.NoError(t, err)
	require.Empty(t, jobs)
}

func TestBelowWaitAllCallbacksRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, polls := time.Now(), map[string][]time.Duration{}
		var mu sync.Mutex
		p := poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
			mu.Lock()
			defer mu.Unlock()
			polls[id] = append(polls[id], time.Since(start))
			return poller.Reply{Job: status.Job{Status: []status.Status{"running", "running", "success"}[len(polls[id])-1]}}, nil
		})
		w := newWaiter(t, p, waiter.WithBackOff(constant(time.Second)), waiter.OnTransition(func(t status.Transition) {
			if t.JobID == "slow" {
				time.Sleep(time.Hour)
			}
		}))
		_, err := w.WaitAll(t.Context(), "slow", "quick")
		require.NoError(t, err)
		require.Equal(t, []time.Duration{0, time.Hour + time.Second, time.Hour + 2*time.Second}, polls["slow"])
		require.LessOrEqual(t, polls["quick"][1], time.Hour+time.Second, "its callbacks wait, one at a time")
	})
}

func TestAPanicBelowWaitAllWaitsForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := false
		p := poller.Func(func(ctx context.Context, id string) (poller.Reply, error) {
			if id == "slow" {
				<-ctx.Done()
				time.Sleep(time.Second)
				left = true
			}
			time.Sleep(time.Millisecond) // so that each has begun
			return poller.Reply{Job: status.Job{Status: status.Running}}, ctx.Err()
		})
		w := newWaiter(t, p, waiter.OnTransition(func(status.Transition) { panic("ouch") }))
		require.Panics(t, func() { _, _ = w.WaitAll(t.Context(), "slow", "quick") })
		require.True(t, left, "cancelled, and waited for")
	})
}
