package follow_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

// many are jobs with n sub-jobs, as the i-th poll sees them.
var many = map[string]func(n, i int) status.Job{
	"known statuses": func(n, i int) status.Job {
		return with(n, func(sub int) status.Job { return status.Job{ID: fmt.Sprint(sub), Status: known[i%4]} })
	},
	"unknown statuses of their own": func(n, i int) status.Job {
		return with(n, func(sub int) status.Job {
			return status.Job{ID: fmt.Sprint(sub), Status: status.Status(fmt.Sprint(sub, "-", i))}
		})
	},
	"the same unknown status, and always another": func(n, i int) status.Job {
		return with(n, func(sub int) status.Job {
			return status.Job{ID: fmt.Sprint(sub), Status: status.Status(fmt.Sprint("status ", i))}
		})
	},
	"one type, no ids": func(n, i int) status.Job {
		return with(n, func(int) status.Job { return status.Job{Type: "a", Status: known[i%4]} })
	},
	"another order": func(n, i int) status.Job {
		return with(n, func(sub int) status.Job { return status.Job{ID: fmt.Sprint((sub + 7*i) % n), Status: known[i%4]} })
	},
	"other sub-jobs": func(n, i int) status.Job {
		return with(n, func(sub int) status.Job { return status.Job{ID: fmt.Sprint(sub, "-", i), Status: "running"} })
	},
}

var known = []status.Status{"waiting", "running", "failed", "success"}

func with(n int, sub func(int) status.Job) status.Job {
	job := status.Job{Status: "running", SubJobs: make([]status.Job, n)}
	for i := range job.SubJobs {
		job.SubJobs[i] = sub(i)
	}
	return job
}

const polls = 36 // a job may reach four known and 32 unknown statuses

// life returns a func that follows such a job for so many polls.
func life(n int, see func(n, i int) status.Job) func() {
	jobs := make([]status.Job, polls)
	for i := range jobs {
		jobs[i] = see(n, i)
	}
	return func() {
		s := begin()
		for _, job := range jobs {
			s.Observe(reply(job, 0), follow.Rules{})
		}
	}
}

func TestMemoryOfAPollGrowsLinearlyWithTheSubJobs(t *testing.T) {
	for name, see := range many {
		t.Run(name, func(t *testing.T) {
			least, most := allocated(life(200, see)), allocated(life(2_000, see))
			require.Less(t, most/least, 20., "%v bytes with ten times the sub-jobs, and %v", most, least)
		})
	}
}

func allocated(f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// BenchmarkManySubJobs reports what a poll costs for each sub-job. It should stay the same.
func BenchmarkManySubJobs(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(many)) {
		for _, n := range []int{200, 2_000, 20_000} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				follow := life(n, many[name])
				for b.Loop() {
					follow()
				}
				each := float64(b.N * n * polls)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/each, "ns/sub-job")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// A status resets the schedule when a name is first seen in it, whatever else is in the response.
func TestSeenIsASet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s, model := begin(), map[string]bool{}
	for i := range 300 {
		job, isNew := status.Job{Status: "running"}, false
		seen := func(name string, now status.Status) {
			isNew = isNew || !model[name+" "+string(now)]
			model[name+" "+string(now)] = true
		}
		seen("", "running")
		for sub := range random.IntN(1 + i/4) {
			now := known[random.IntN(4)]
			job.SubJobs = append(job.SubJobs, status.Job{ID: fmt.Sprint(sub), Status: now})
			seen(fmt.Sprint(sub), now)
		}
		require.Equal(t, isNew, s.Observe(reply(job, time.Second), follow.Rules{}).Reset)
	}
	require.Greater(t, len(model), 200)
}
