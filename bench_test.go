package waiter_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
)

// BenchmarkWait reports what each of 10,000 waits holds while it sleeps between two polls, and what
// each of as many goroutines holds in the retry loop of backoff/v4, which polls the same Poller
// and keeps nothing of its responses: heap and stacks after a collection, and goroutines. Figures
// are medians of five rounds.
func BenchmarkWait(b *testing.B) {
	const rest = `"job_type":"create_share","status":"running","begin_time":"2023-07-26 09:33:58"`
	b.Run("job", func(b *testing.B) { compareWaits(b, `{"job_id":"26f6b565",`+rest+`}`) })
	b.Run("3-sub-jobs", func(b *testing.B) {
		compareWaits(b, `{"job_id":"26f6b565",`+rest+`,"sub_jobs":[{"job_id":"1",`+rest+`},{"job_id":"2",`+rest+`},{"job_id":"3",`+rest+`}]}`)
	})
}

func compareWaits(b *testing.B, response string) {
	var polls atomic.Int64
	p := fn(func(context.Context, string) (reply poller.Reply, err error) {
		defer polls.Add(1)
		return reply, json.Unmarshal([]byte(response), &reply.Job) // its strings are its own, as over HTTP
	})
	w, err := waiter.New(p, waiter.WithBackOff(hourly))
	require.NoError(b, err)
	wait := func(ctx context.Context) error {
		_, err := w.Wait(ctx, "26f6b565")
		return err
	}
	retry := func(ctx context.Context) error {
		return backoff.Retry(func() error {
			reply, err := p.Poll(ctx, "26f6b565")
			if err == nil && !reply.Job.Status.Terminal() {
				err = errGoesOn
			}
			return err
		}, backoff.WithContext(hourly(), ctx))
	}
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
func held(b *testing.B, polls *atomic.Int64, await func(context.Context) error) (bytes, goroutines float64) {
	b.Helper()
	const n = 10_000
	ctx, cancel := context.WithCancel(b.Context())
	var waits sync.WaitGroup
	polls.Store(0)
	bytesBefore, goroutinesBefore := inUse(), runtime.NumGoroutine()
	for range n {
		waits.Go(func() {
			if err := await(ctx); !errors.Is(err, context.Canceled) {
				b.Error(err)
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
