package schedule

import (
	"container/heap"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

const million = 1_000_000

// BenchmarkTakeAndPutBack takes the first of a million jobs and puts it back at a random time.
func BenchmarkTakeAndPutBack(b *testing.B) {
	start := time.Unix(1e9, 0)
	minutes := func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(10 * time.Minute))) }

	b.Run("queue", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		before := inUse()
		var q queue
		for job := range Job(million) {
			q.put(job, int64(minutes(r)))
		}
		size := float64(inUse()-before) / million
		for b.Loop() {
			first, _ := q.first()
			q.remove(first.job)
			q.put(first.job, first.due+int64(minutes(r)))
		}
		b.ReportMetric(size, "B/job")
		runtime.KeepAlive(q)
	})

	b.Run("schedule", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		before := inUse()
		s := New(Config{}, start)
		for job := range Job(million) {
			s.Add(job, start.Add(minutes(r)))
		}
		size := float64(inUse()-before) / million
		now := start
		for b.Loop() {
			job, wake, ok := s.Next(now)
			if !ok {
				now = wake
				job, _, _ = s.Next(now)
			}
			s.Done(job, now, Outcome{Due: now.Add(minutes(r))})
		}
		b.ReportMetric(size, "B/job")
		runtime.KeepAlive(s)
	})

	b.Run("container heap", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		before := inUse()
		var p pointers
		for job := range Job(million) {
			heap.Push(&p, &pointer{entry: entry{int64(minutes(r)), job}})
		}
		size := float64(inUse()-before) / million
		for b.Loop() {
			first := heap.Pop(&p).(*pointer)
			first.due += int64(minutes(r))
			heap.Push(&p, first)
		}
		b.ReportMetric(size, "B/job")
		runtime.KeepAlive(p)
	})
}

// BenchmarkRanked takes the most urgent of 64 random jobs of 10,000 that are due, and puts it back.
func BenchmarkRanked(b *testing.B) {
	now := time.Unix(1e9, 0)
	s := New(Config{Rate: 1e9, Burst: 1, Rank: func(job Job, _ time.Time) float64 { return float64(job) }}, now)
	for job := range Job(10_000) {
		s.Add(job, now)
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(10)
		job, _, _ := s.Next(now)
		s.Done(job, now, Outcome{Due: now})
	}
}

// pointers is a heap as the example in container/heap has it, with the place of each item, so that
// an item can be moved.
type pointers []*pointer

type pointer struct {
	entry
	at int
}

func (p pointers) Len() int           { return len(p) }
func (p pointers) Less(i, j int) bool { return p[i].due < p[j].due }
func (p pointers) Swap(i, j int)      { p[i], p[j], p[i].at, p[j].at = p[j], p[i], j, i }
func (p *pointers) Push(x any)        { *p = append(*p, x.(*pointer)) }
func (p *pointers) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
