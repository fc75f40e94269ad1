package schedule

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

var start = time.Unix(1e9, 0)

func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// next fails the test unless Next returns this job.
func next(t *testing.T, s *Schedule, now float64, want Job) {
	t.Helper()
	job, _, ok := s.Next(after(now))
	require.True(t, ok, "no job")
	require.Equal(t, want, job)
}

// none fails the test unless Next returns no job and says to ask again then; a negative time means
// that it does not say.
func none(t *testing.T, s *Schedule, now, wake float64) {
	t.Helper()
	job, at, ok := s.Next(after(now))
	require.False(t, ok, "job %d", job)
	if wake < 0 {
		require.Zero(t, at)
		return
	}
	require.WithinDuration(t, after(wake), at, time.Microsecond)
}

func done(s *Schedule, job Job, now, due float64) { s.Done(job, after(now), Outcome{Due: after(due)}) }

// byNumber ranks jobs by their numbers.
func byNumber(job Job, _ time.Time) float64 { return float64(job) }

func TestSchedule(t *testing.T) {
	t.Run("polls each job when it is due", func(t *testing.T) {
		s := New(Config{}, start)
		none(t, s, 0, -1)
		s.Add(0, after(3))
		s.Add(1, after(2))
		none(t, s, 0, 2)
		none(t, s, 1.999, 2)
		next(t, s, 2, 1)
		none(t, s, 2, 3)
		done(s, 1, 2, 2.5)
		next(t, s, 4, 1) // late: both are due, and this one has been so for longer
		next(t, s, 4, 0)
		none(t, s, 4, -1)
	})

	t.Run("moves and removes jobs", func(t *testing.T) {
		s := New(Config{}, start)
		for job := range Job(5) {
			s.Add(job, after(5+float64(job)))
		}
		s.Add(4, after(1))
		require.False(t, s.Remove(0))
		require.False(t, s.Remove(99), "it was never there")
		next(t, s, 10, 4)
		next(t, s, 10, 1)
	})

	t.Run("never polls a job twice at once", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, start)
		next(t, s, 0, 0)
		s.Add(0, start) // somebody wants it now: the poll in flight will do
		s.Look(0, start)
		none(t, s, 0, -1)
		done(s, 0, 1, 60)
		next(t, s, 1, 0) // the look
		done(s, 0, 1, 60)
		none(t, s, 1, 60)
	})

	t.Run("sets a job aside until it is added", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, start)
		next(t, s, 0, 0)
		s.Done(0, start, Outcome{})
		none(t, s, 100, -1)
		s.Add(0, after(200))
		none(t, s, 100, 200)
	})

	t.Run("ignores the outcome of a job that was removed while it was polled", func(t *testing.T) {
		s := New(Config{Concurrency: 1}, start)
		s.Add(0, start)
		s.Add(1, start.Add(1))
		next(t, s, 1, 0)
		require.True(t, s.Remove(0))
		none(t, s, 1, -1) // its poll still counts
		done(s, 0, 1, 1)
		next(t, s, 1, 1)
		done(s, 0, 1, 1) // again
		s.Done(1, after(1), Outcome{})
		none(t, s, 1, -1)
		s.Add(0, after(1)) // the number is free
		next(t, s, 1, 0)
	})

	t.Run("has a bound on the polls in flight", func(t *testing.T) {
		s := New(Config{Concurrency: 2}, start)
		for job := range Job(3) {
			s.Add(job, start.Add(time.Duration(job)))
		}
		next(t, s, 1, 0)
		next(t, s, 1, 1)
		none(t, s, 1, -1)
		require.Equal(t, 2, s.Stats(s.latest).Polled)
		done(s, 0, 1, 5)
		next(t, s, 1, 2)
	})

	t.Run("counts a time in the past as the latest one", func(t *testing.T) {
		s := New(Config{Rate: 1, Burst: 1}, start)
		s.Add(0, start)
		s.Add(1, start)
		next(t, s, 10, 0)
		none(t, s, 0, 11)
		none(t, s, 10.5, 11)
	})
}

func TestRate(t *testing.T) {
	t.Run("is never exceeded", func(t *testing.T) {
		s := New(Config{Rate: 10, Burst: 3}, start)
		for job := range Job(100) {
			s.Add(job, start)
		}
		polls := 0
		for now := start; now.Before(after(5)); {
			job, wake, ok := s.Next(now)
			if !ok {
				now = wake
				continue
			}
			polls++
			s.Done(job, now, Outcome{Due: now})
		}
		require.InDelta(t, 3+5*10, polls, 1)
	})

	// Others use the quota too: only half of the configured rate is left. Each response takes 100 ms.
	t.Run("finds what a service allows", func(t *testing.T) {
		service := rate.NewLimiter(50, 5)
		s := New(Config{Rate: 100, Burst: 10}, start)
		for job := range Job(1000) {
			s.Add(job, start)
		}
		type response struct {
			job     Job
			at      time.Time
			refused bool
		}
		var flight []response
		polls, refused := 0, 0
		for now := start; now.Before(after(600)); {
			for len(flight) > 0 && !flight[0].at.After(now) {
				s.Done(flight[0].job, now, Outcome{Due: now, Throttled: flight[0].refused})
				flight = flight[1:]
			}
			job, wake, ok := s.Next(now)
			if !ok {
				now = wake
				if len(flight) > 0 && flight[0].at.Before(now) {
					now = flight[0].at
				}
				continue
			}
			polls++
			r := response{job, now.Add(100 * time.Millisecond), !service.AllowN(now, 1)}
			if r.refused {
				refused++
			}
			flight = append(flight, r)
		}
		t.Logf("%d polls, %d refused", polls, refused)
		require.Greater(t, polls-refused, 600*50*3/4)
		require.Less(t, refused, polls/50)
	})

	t.Run("falls when a poll was throttled, for all jobs", func(t *testing.T) {
		s := New(Config{Rate: 10, Burst: 1}, start)
		for job := range Job(4) {
			s.Add(job, start.Add(time.Duration(job)))
		}
		next(t, s, 1, 0)
		s.Done(0, after(1), Outcome{Due: after(1), Throttled: true})
		require.InDelta(t, 7, float64(s.Stats(s.latest).Rate), 1e-9)
		none(t, s, 1, 1+1./7)
		next(t, s, 1.2, 1)
		next(t, s, 1.4, 2)
		s.Done(1, after(1.4), Outcome{Throttled: true})
		s.Done(2, after(1.4), Outcome{Throttled: true}) // began before the rate fell
		require.InDelta(t, 7*0.7, float64(s.Stats(s.latest).Rate), 0.1)
		next(t, s, 100, 3)
		require.InDelta(t, 10, float64(s.Stats(s.latest).Rate), 1e-9)
	})
}

func TestRank(t *testing.T) {
	t.Run("decides among the due jobs when the rate is limited", func(t *testing.T) {
		s := New(Config{Rate: 1, Rank: byNumber}, start)
		for job := range Job(64) {
			s.Add(job, start.Add(time.Duration(job)))
		}
		s.Add(70, after(3)) // not due
		next(t, s, 1, 63)
		next(t, s, 2, 62)
		next(t, s, 3, 70)
	})

	t.Run("does not matter without a limit: then the due times decide", func(t *testing.T) {
		s := New(Config{Rank: func(Job, time.Time) float64 { panic("not called") }}, start)
		s.Add(7, after(2))
		s.Add(3, after(1))
		next(t, s, 5, 3)
		next(t, s, 5, 7)
	})

	t.Run("decides once throttling has set a limit", func(t *testing.T) {
		s := New(Config{Rank: byNumber}, start)
		for job := range Job(10) {
			s.Add(job, start.Add(time.Duration(job)))
		}
		next(t, s, 1, 0)
		s.Done(0, after(1), Outcome{Throttled: true})
		next(t, s, 5, 9)
	})

	t.Run("is asked at most 64 times a poll, and finds one of the first", func(t *testing.T) {
		asked := 0
		s := New(Config{Rate: 1e6, Random: rand.New(rand.NewPCG(1, 2)), Rank: func(job Job, _ time.Time) float64 {
			asked++
			return float64(job)
		}}, start)
		const n, polls = 10_000, 500
		for job := range Job(n) {
			s.Add(job, start)
		}
		mean := 0.
		for i := range polls {
			now := start.Add(time.Duration(i) * time.Millisecond)
			job, _, ok := s.Next(now)
			require.True(t, ok)
			require.Equal(t, (i+1)*sample, asked)
			mean += float64(job) / polls
			s.Done(job, now, Outcome{Due: now})
		}
		// The greatest of 64 random numbers of n is n * 64/65 on average.
		require.InDelta(t, n*64./65, mean, 4*n/65./22)
	})
}

func TestLook(t *testing.T) {
	t.Run("goes before all other jobs, whenever its job is due", func(t *testing.T) {
		s := New(Config{Rate: 1, Burst: 1, Rank: byNumber}, start)
		for job := range Job(10) {
			s.Add(job, start)
		}
		s.Add(11, after(1000))
		s.Look(11, after(3))
		s.Look(4, after(2.5))
		next(t, s, 1, 9)
		next(t, s, 2, 8)
		next(t, s, 3, 4) // the earlier of two
		none(t, s, 3, 4) // but within the rate
		next(t, s, 4, 11)
		next(t, s, 5, 7)
		done(s, 11, 5, 1000)
		next(t, s, 6, 6) // it was taken
	})

	t.Run("wakes", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, after(10))
		s.Look(0, after(4))
		none(t, s, 0, 4)
		s.Look(0, after(5))
		none(t, s, 4, 5)
		s.Look(0, time.Time{})
		none(t, s, 5, 10)
	})

	t.Run("does not queue behind the polls in flight", func(t *testing.T) {
		s := New(Config{Concurrency: 1}, start)
		for job := range Job(3) {
			s.Add(job, start.Add(time.Duration(job)))
		}
		s.Look(2, after(5))
		next(t, s, 1, 0)
		none(t, s, 1, 5)
		next(t, s, 5, 2)
		none(t, s, 5, -1)
	})

	t.Run("is not taken by an earlier poll", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, after(1))
		s.Look(0, after(5))
		next(t, s, 1, 0)
		done(s, 0, 2, 30)
		none(t, s, 2, 5)
	})

	t.Run("waits while its job is polled or set aside", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, start)
		next(t, s, 0, 0)
		s.Look(0, after(5))
		none(t, s, 6, -1)
		s.Done(0, after(6), Outcome{})
		none(t, s, 7, -1)
		s.Add(0, after(100))
		next(t, s, 7, 0)
	})

	t.Run("is forgotten with its job", func(t *testing.T) {
		s := New(Config{}, start)
		s.Add(0, start)
		next(t, s, 0, 0)
		s.Look(0, after(5))
		s.Remove(0)
		s.Done(0, start, Outcome{})
		s.Add(0, after(100))
		s.Look(1, after(5)) // of a job that is not there yet
		none(t, s, 6, 100)
		s.Add(1, after(100))
		next(t, s, 6, 1)
	})
}
