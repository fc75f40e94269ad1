package schedule

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// A model says what a Schedule must do by going through all jobs each time.
type model struct {
	config Config
	jobs   map[Job]*modeled
	tokens float64
	limit  float64
	cuts   int
	at     float64 // seconds: when tokens and limit were right
}

// modeled is a job. Times are in seconds; a look of -1 is none.
type modeled struct {
	queued, polled, removed bool
	due, look               float64
	cuts                    int
}

func (m *model) job(job Job) *modeled {
	if m.jobs[job] == nil {
		m.jobs[job] = &modeled{look: -1}
	}
	return m.jobs[job]
}

func (m *model) advance(now float64) {
	now = max(now, m.at)
	limit := min(float64(m.config.Rate), m.limit*math.Pow(recovery, now-m.at))
	// In small steps, as a Schedule recovers whenever it is asked, the rate is hardly different.
	m.tokens = min(float64(m.config.Burst), m.tokens+m.limit*(now-m.at))
	m.limit, m.at = limit, now
}

// best returns the greatest of the jobs by this key, of those that have one.
func (m *model) best(key func(job Job, j *modeled) (float64, bool)) (best Job, most float64, ok bool) {
	for job, j := range m.jobs {
		if k, has := key(job, j); has && (!ok || k > most) {
			best, most, ok = job, k, true
		}
	}
	return best, most, ok
}

// next returns the key of the job that is polled, and the key of others that may be polled instead,
// or when to ask again.
func (m *model) next(now float64) (key func(Job, *modeled) (float64, bool), wake float64) {
	m.advance(now)
	look := func(_ Job, j *modeled) (float64, bool) { return -j.look, j.queued && j.look >= 0 }
	due := func(_ Job, j *modeled) (float64, bool) { return -j.due, j.queued }
	wake = math.Inf(1)
	polls := 0
	for _, j := range m.jobs {
		if j.polled {
			polls++
		}
	}
	_, first, ok := m.best(look)
	switch {
	case ok && -first <= now:
		key = look
	case m.config.Concurrency > 0 && polls >= m.config.Concurrency:
		if ok {
			wake = -first
		}
		return nil, wake
	default:
		if ok {
			wake = -first
		}
		_, earliest, ok := m.best(due)
		if !ok || -earliest > now {
			if ok {
				wake = min(wake, -earliest)
			}
			return nil, wake
		}
		key = due
		if m.config.Rank != nil && m.limit < float64(rate.Inf) {
			key = func(job Job, j *modeled) (float64, bool) {
				return m.config.Rank(job, start), j.queued && j.due <= now
			}
		}
	}
	if m.config.Rate < rate.Inf && m.tokens < 1-1e-6 {
		return nil, now + (1-m.tokens)/m.limit
	}
	return key, 0
}

// follow drives a Schedule and the model by data, and fails the test where they differ.
func follow(t *testing.T, data []byte) {
	if len(data) < 3 {
		return
	}
	config := Config{
		Rate:        []rate.Limit{rate.Inf, 4, 32, 0.5}[data[0]%4],
		Burst:       1 + int(data[0]>>2%4),
		Concurrency: int(data[1] % 4),
	}
	if data[1]>>2%2 == 1 {
		config.Rank = func(job Job, _ time.Time) float64 { return float64(job * 7 % 16) }
	}
	s := New(config, start)
	m := &model{config: config, jobs: map[Job]*modeled{}, tokens: float64(config.Burst), limit: float64(config.Rate)}
	now := 0.
	for data = data[2:]; len(data) >= 2; data = data[2:] {
		job, x := Job(data[0]>>4), float64(data[1])/16
		j := m.job(job)
		switch op := data[0] % 8; op {
		case 0, 1:
			s.Add(job, after(now+x-2))
			if !j.polled {
				j.queued, j.due = true, now+x-2
			}
		case 2:
			require.Equal(t, j.polled, s.Remove(job))
			j.queued, j.look, j.removed = false, -1, j.polled
		case 3:
			if j.removed {
				continue // a caller does not
			}
			if at := now + x - 2; at > 0 {
				s.Look(job, after(at))
				j.look = at
			} else {
				s.Look(job, time.Time{})
				j.look = -1
			}
		case 4, 5:
			o := Outcome{Throttled: config.Rate < rate.Inf && x > 14}
			if x > 1 {
				o.Due = after(now + x)
			}
			s.Done(job, after(now), o)
			if !j.polled {
				continue
			}
			m.advance(now)
			if o.Throttled && j.cuts == m.cuts {
				m.cuts++
				m.limit = max(cut*m.limit, min(lowest, float64(config.Rate)))
				m.tokens -= math.Floor(max(0, m.tokens+1e-9))
			}
			j.queued, j.polled, j.removed, j.due = !j.removed && x > 1, false, false, now+x
		default:
			now += x / 8
		}
		for {
			key, wake := m.next(now)
			job, at, ok := s.Next(after(now))
			require.Equal(t, key != nil, ok, "job %d, wake %v", job, at.Sub(start))
			if !ok {
				if math.IsInf(wake, 1) {
					require.Zero(t, at)
				} else {
					require.InDelta(t, wake, at.Sub(start).Seconds(), 1e-5+0.02*max(0, wake-now))
				}
				break
			}
			_, want, _ := m.best(key)
			got, may := key(job, m.job(job))
			require.True(t, may, "job %d", job)
			require.Equal(t, want, got, "job %d", job)
			j := m.job(job)
			if j.look >= 0 && j.look <= now {
				j.look = -1
			}
			j.queued, j.polled, j.cuts = false, true, m.cuts
			m.tokens--
		}
		queued := 0
		for _, j := range m.jobs {
			if j.queued {
				queued++
			}
		}
		require.Equal(t, queued, s.Stats(s.latest).Queued)
		check(t, &s.queue)
		check(t, &s.looks)
	}
}

func TestModel(t *testing.T) {
	t.Run("agrees with a schedule that goes through all jobs", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 400 {
			data := make([]byte, 4+r.IntN(400))
			for i := range data {
				data[i] = byte(r.IntN(256))
			}
			follow(t, data)
		}
	})
}

func FuzzSchedule(f *testing.F) {
	f.Add([]byte("\x01\x05\x00\x30\x10\x20\x06\x80\x04\x40"))
	f.Add([]byte("\x02\x01\x00\x00\x03\x40\x06\x80\x04\xf0\x06\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4096 {
			follow(t, data)
		}
	})
}
