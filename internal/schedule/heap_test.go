package schedule

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// sorted is the simplest queue: a slice that is sorted when it is asked.
type sorted []entry

func (s *sorted) put(job Job, due int64) {
	s.remove(job)
	*s = append(*s, entry{due, job})
}

func (s *sorted) remove(job Job) {
	*s = slices.DeleteFunc(*s, func(e entry) bool { return e.job == job })
}

func (s *sorted) first() entry {
	return slices.MinFunc(*s, func(a, b entry) int { return cmp.Compare(a.due, b.due) })
}

// check fails the test unless q is a heap in which each job knows its place.
func check(t *testing.T, q *queue) {
	for i, e := range q.heap {
		require.Equal(t, int32(i+1), q.at[e.job])
		if i > 0 {
			require.LessOrEqual(t, q.heap[(i-1)/children].due, e.due)
		}
	}
	for i, job := range q.pool {
		require.Equal(t, int32(-i-1), q.at[job])
	}
	known := 0
	for _, at := range q.at {
		if at != 0 {
			known++
		}
	}
	require.Equal(t, q.len(), known)
}

func TestQueue(t *testing.T) {
	t.Run("agrees with a sorted slice", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			var q queue
			var model sorted
			jobs, now := 1+r.IntN(60), int64(0)
			for range 300 {
				job := Job(r.IntN(jobs))
				switch r.IntN(5) {
				case 0, 1, 2:
					due := now + r.Int64N(100)
					q.put(job, due)
					model.put(job, due)
				case 3:
					q.remove(job)
					model.remove(job)
				case 4:
					now += r.Int64N(30)
					if r.IntN(4) == 0 {
						q.gather(now)
						for _, job := range q.pool {
							model.remove(job)
						}
					}
				}
				for _, e := range model {
					due, ok := q.due(e.job)
					require.True(t, ok)
					require.Equal(t, e.due, due)
				}
				require.Len(t, q.heap, len(model))
				if first, ok := q.first(); ok {
					require.Equal(t, model.first().due, first.due)
				}
			}
			check(t, &q)
		}
	})

	t.Run("gathers all that are due, and no other", func(t *testing.T) {
		var q queue
		for job := range Job(100) {
			q.put(job, int64(job)%10)
		}
		q.gather(4)
		require.Len(t, q.pool, 50)
		for _, job := range q.pool {
			require.Less(t, job%10, Job(5))
		}
		q.remove(q.pool[7])
		q.put(q.pool[8], 3) // moved back
		require.Len(t, q.pool, 48)
		require.Equal(t, 99, q.len())
		check(t, &q)
	})

	t.Run("returns memory when most jobs are gone", func(t *testing.T) {
		var q queue
		for job := range Job(100_000) {
			q.put(job, int64(job))
		}
		q.gather(50_000)
		for job := range Job(99_990) {
			q.remove(job)
		}
		require.Less(t, cap(q.heap), 2000)
		require.Less(t, cap(q.pool), 2000)
		check(t, &q)
	})

	t.Run("needs tens of bytes a job", func(t *testing.T) {
		before := inUse()
		var q queue
		for job := range Job(200_000) {
			q.put(job, int64(job))
		}
		require.Less(t, float64(inUse()-before)/200_000, 32.)
		check(t, &q)
	})
}
