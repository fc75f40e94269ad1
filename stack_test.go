//go:build !race

package waiter_test

// The race detector makes frames larger.

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// The collector halves the stack of a wait that sleeps once it uses less than 1,248 of its 8,192
// bytes. So it should, with room for a caller's frame.
func TestAWaitAtRestIsSmall(t *testing.T) {
	for name, c := range atRest {
		t.Run(name, func(t *testing.T) {
			var polls atomic.Int64
			wait, _ := waitAndRetry(t, &polls, c.response)
			held(t, &polls, wait) // see compareWaits
			bytes, _ := held(t, &polls, func(ctx context.Context) error { return deeper(ctx, wait) })
			require.LessOrEqual(t, bytes, c.most)
			require.Greater(t, bytes, 4_096., "the stack alone has that")
		})
	}
}

// deeper has 64 bytes in its frame.
//
//go:noinline
func deeper(ctx context.Context, wait func(context.Context) error) error {
	var frame [8]int64
	for i := range frame {
		frame[i] = time.Now().Unix()
	}
	err := wait(ctx)
	if slices.Contains(frame[:], 0) {
		return errGoesOn
	}
	return err
}

// Without a collection no stack becomes smaller: each has the size that its deepest call needed.
func TestAPollThatShowsNothingNewNeeds8KBOfStack(t *testing.T) {
	const n = 5_000
	job := status.Job{ID: "26f6b565", Status: "running", SubJobs: []status.Job{{ID: "1", Status: "success"}, {ID: "2", Status: "waiting"}}}
	var polls atomic.Int64
	w, err := waiter.New(fn(func(context.Context, string) (poller.Reply, error) {
		defer polls.Add(1)
		return poller.Reply{Job: job}, nil
	}), waiter.WithBackOff(hourly))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var waits sync.WaitGroup
	inUse()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := stacks()
	for range n {
		waits.Go(func() { _, _ = w.Wait(ctx, job.ID, waiter.From(job)) })
	}
	for polls.Load() < n {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // from the response to sleep
	require.LessOrEqual(t, float64(stacks()-before)/n, 8_192*1.05)
	cancel()
	waits.Wait()
}

func stacks() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}
