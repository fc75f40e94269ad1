package bench

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"k8s.io/client-go/util/workqueue"
	clock "k8s.io/utils/clock/testing"
)

// BenchmarkWorkqueue takes the first of a million items of Kubernetes' delaying queue, and puts it
// back at a random time, as BenchmarkTakeAndPutBack of internal/schedule does with jobs.
func BenchmarkWorkqueue(b *testing.B) {
	const million = 1_000_000
	r := rand.New(rand.NewPCG(1, 2))
	minutes := func() time.Duration { return time.Duration(r.Int64N(int64(10 * time.Minute))) }
	inUse := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := inUse()
	now := clock.NewFakeClock(time.Unix(1e9, 0))
	q := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[int32]{Clock: now})
	defer q.ShutDown()
	for item := range int32(million) {
		q.AddAfter(item, time.Nanosecond+minutes())
	}
	size := float64(inUse()-before) / million
	for b.Loop() {
		for q.Len() == 0 {
			now.Step(time.Millisecond)
			runtime.Gosched()
		}
		item, _ := q.Get()
		q.Done(item)
		q.AddAfter(item, time.Nanosecond+minutes())
	}
	b.ReportMetric(size, "B/job")
}
