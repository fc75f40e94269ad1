package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
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

// BenchmarkWait reports what each of 10,000 waits holds while it sleeps between two polls, and what
// each of as many goroutines holds in the retry loop of backoff/v4, which polls the same Poller
// and keeps nothing of its responses: heap and stacks after a collection, and goroutines. Figures
// are medians of five rounds.
func BenchmarkWait(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(atRest)) {
		b.Run(name, func(b *testing.B) { compareWaits(b, atRest[name].response) })
	}
}

const rest = `"job_type":"create_share","status":"running","begin_time":"2023-07-26 09:33:58"`

var atRest = map[string]struct {
	response string
	most     float64 // bytes of a wait
}{
	"job":        {`{"job_id":"26f6b565",` + rest + `}`, 5_500},
	"3-sub-jobs": {`{"job_id":"26f6b565",` + rest + `,"sub_jobs":[{"job_id":"1",` + rest + `},{"job_id":"2",` + rest + `},{"job_id":"3",` + rest + `}]}`, 6_200},
}

// waitAndRetry returns the two that are compared, for a Poller that gives this response.
func waitAndRetry(tb testing.TB, polls *atomic.Int64, response string) (wait, retry func(context.Context) error) {
	tb.Helper()
	p := fn(func(context.Context, string) (reply poller.Reply, err error) {
		defer polls.Add(1)
		return reply, json.Unmarshal([]byte(response), &reply.Job) // its strings are its own, as over HTTP
	})
	w, err := waiter.New(p, waiter.WithBackOff(hourly))
	require.NoError(tb, err)
	wait = func(ctx context.Context) error {
		_, err := w.Wait(ctx, "26f6b565")
		return err
	}
	retry = func(ctx context.Context) error {
		return backoff.Retry(func() error {
			reply, err := p.Poll(ctx, "26f6b565")
			if err == nil && !reply.Job.Status.Terminal() {
				err = errGoesOn
			}
			return err
		}, backoff.WithContext(hourly(), ctx))
	}
	return wait, retry
}

func compareWaits(b *testing.B, response string) {
	var polls atomic.Int64
	wait, retry := waitAndRetry(b, &polls, response)
	// The runtime keeps its record of a goroutine, about half a KB, for the next one. After this round
	// it is in neither figure.
	held(b, &polls, wait)
	samples := map[string][]float64{}
	for range 5 {
		ours, ourGoroutines := held(b, &polls, wait)
		theirs, theirGoroutines := held(b, &polls, retry)
		for unit, value := range map[string]float64{
			"wait-B": ours, "retry-B": theirs, "x-B": ours / theirs,
			"wait-goroutines": ourGoroutines, "retry-goroutines": theirGoroutines,
		} {
			samples[unit] = append(samples[unit], value)
		}
	}
	for unit, values := range samples {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], unit)
	}
	b.ReportMetric(0, "ns/op") // mostly sleeping, so that all have settled
}

var errGoesOn = errors.New("the job goes on")

// hourly is a schedule as large as the default one, and never due.
func hourly() backoff.BackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Hour), backoff.WithMaxElapsedTime(0))
}

// held returns what one of 10,000 calls of await holds once it has polled.
func held(tb testing.TB, polls *atomic.Int64, await func(context.Context) error) (bytes, goroutines float64) {
	tb.Helper()
	const n = 10_000
	ctx, cancel := context.WithCancel(tb.Context())
	var waits sync.WaitGroup
	polls.Store(0)
	bytesBefore, goroutinesBefore := inUse(), runtime.NumGoroutine()
	for range n {
		waits.Go(func() {
			if err := await(ctx); !errors.Is(err, context.Canceled) {
				tb.Error(err)
			}
		})
	}
	for polls.Load() < n {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // from the response to sleep
	bytes = float64(inUse()-bytesBefore) / n
	goroutines = float64(runtime.NumGoroutine()-goroutinesBefore) / n
	cancel()
	waits.Wait()
	return bytes, goroutines
}

// inUse is the size of heap and stacks. Each collection halves stacks that are too large.
func inUse() int64 {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// The collector halves the stack of a wait that sleeps once it uses less than 1,248 of its 8,192
// bytes. So it should, with room for a caller's frame.
func TestAWaitAtRestIsSmall(t *testing.T) {
	skipUnderRace(t)
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
	skipUnderRace(t)
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

func skipUnderRace(t *testing.T) {
	if underRace() {
		t.Skip("the race detector makes the frames of all functions larger: without it, this test runs")
	}
}
