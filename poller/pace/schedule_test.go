package pace

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/survival"
	"github.com/sfsturbo/waiter/status"
)

// within fails the test if an interval is longer than the guard allows.
func within(t *testing.T) func(from, to time.Duration, jobs float64) {
	return func(from, to time.Duration, jobs float64) {
		require.LessOrEqual(t, to-from, guard(from, jobs)+time.Microsecond, "after %v and %v jobs", from, jobs)
	}
}

func TestSchedule(t *testing.T) {
	t.Run("keeps its plan when Reset for a new status", func(t *testing.T) {
		s := taught(50, always(60)).BackOff().(*schedule)
		s.Observe(honest.respond("bind_ldap", time.Hour, 40*time.Second))
		before := s.NextBackOff()
		s.Observe(honest.respond("bind_ldap", time.Hour, 40*time.Second))
		s.Reset()
		require.InDelta(t, before.Seconds(), s.NextBackOff().Seconds(), 2)
	})

	t.Run("continues from the age of a late poll", func(t *testing.T) {
		h := taught(100, always(60))
		s := h.BackOff().(*schedule)
		s.Observe(honest.respond("bind_ldap", time.Hour, 0))
		s.NextBackOff()
		s.Observe(honest.respond("bind_ldap", time.Hour, 55*time.Second)) // far later than planned
		require.InDelta(t, 60, 55+s.NextBackOff().Seconds(), 3)
	})

	t.Run("without Observe plans by all types", func(t *testing.T) {
		b := taught(100, always(20)).BackOff()
		b.Reset()
		age := b.NextBackOff()
		require.InDelta(t, 21, age.Seconds(), 2.2)
		for range 20 {
			next := b.NextBackOff()
			require.Positive(t, next)
			age += next
		}
		require.Greater(t, age, 200*time.Second, "each interval begins where the last one ended")
	})

	t.Run("moves each planned poll at random, so that jobs that began together are not polled together", func(t *testing.T) {
		h, first := taught(100, around(60, 1)), map[time.Duration]bool{}
		for range 20 {
			s := h.BackOff().(*schedule)
			s.Observe(honest.respond("bind_ldap", time.Hour, 0))
			first[s.NextBackOff()] = true
		}
		require.Greater(t, len(first), 10)
	})

	t.Run("stays within the guard whatever it observes", func(t *testing.T) {
		r := random()
		pick := func(list ...status.Timestamp) status.Timestamp { return list[r.IntN(len(list))] }
		h := new(History)
		for range 3000 {
			s := h.BackOff().(*schedule)
			age := time.Duration(0)
			for range r.IntN(6) {
				o := Observation{
					Job: status.Job{
						Type:      strings.Repeat("x", r.IntN(3)*150),
						Status:    []status.Status{"", "running", "paused", "success", "failed"}[r.IntN(5)],
						BeginTime: pick("", "2026-01-02 10:00:00", "9999-12-31 23:59:59", "0001-01-01 00:00:01", "soon", "1e13"),
						EndTime:   pick("", "2026-01-02 10:00:30", "2026-01-02 09:00:00", "9999-12-31 23:59:59", "1", "-5"),
					},
					Age:        []time.Duration{age, 0, -time.Hour, math.MaxInt64, math.MinInt64, time.Minute}[r.IntN(6)],
					ServerTime: []time.Time{{}, time.Unix(0, 0), time.Unix(1<<55, 0), time.Now()}[r.IntN(4)],
					Changed:    r.IntN(2) == 0,
					Abandoned:  r.IntN(9) == 0,
				}
				switch r.IntN(4) {
				case 0:
					require.GreaterOrEqual(t, s.Start(o.Job, o.Age), time.Duration(0))
				case 1:
					s.Reset()
				default:
					s.Observe(o)
				}
				from := duration(min(s.age, 1e9))
				next := s.NextBackOff()
				require.Positive(t, next)
				require.LessOrEqual(t, next, max(guard(from, float64(h.all.jobs)), 18*time.Second)+time.Microsecond)
				age += next
			}
			s.Observe(Observation{Abandoned: true})
		}
		for name, k := range h.types {
			require.NotNil(t, h.planFor(name))
			require.Positive(t, k.jobs)
		}
		data, err := h.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, new(History).UnmarshalJSON(data))
	})

	t.Run("from a checkpoint does not count as running", func(t *testing.T) {
		h := new(History)
		s := h.BackOff().(*schedule)
		require.Zero(t, s.Start(status.Job{Type: "a", Status: status.Running}, -1))
		s.Observe(honest.respond("a", time.Hour, 5*time.Second))
		require.Equal(t, survival.Histogram{}, h.all.Histogram)
	})

	t.Run("leaves no job counted as running", func(t *testing.T) {
		h := new(History)
		for i := range 100 {
			s := h.BackOff().(*schedule)
			typ := strconv.Itoa(i % 3)
			s.Observe(honest.respond("", time.Hour, 0))
			s.Observe(honest.respond(typ, time.Hour, 10*time.Second))
			s.Observe(honest.respond(typ, time.Hour, 30*time.Second))
			s.Observe(Observation{Job: status.Job{Type: typ, Status: status.Running}, Abandoned: true})
			s.Observe(honest.respond(typ, time.Hour, 50*time.Second)) // ignored after the end
			other := h.BackOff().(*schedule)
			other.Observe(honest.respond(typ, time.Hour, 10*time.Second))
			other.Start(status.Job{}, 0) // another wait
		}
		require.Zero(t, h.all.Running())
		require.Len(t, h.types, 4)
		for _, k := range h.types {
			require.Zero(t, k.Running())
		}

		s := h.BackOff().(*schedule)
		s.Start(status.Job{Type: "resumed", Status: status.Running}, -1)
		s.Observe(honest.respond("resumed", time.Hour, 10*time.Second))
		s.Observe(Observation{Abandoned: true})
		require.InDelta(t, 1, h.types["resumed"].Crowd().Away, 0, "somebody may go on with it")
		s.Start(status.Job{Type: "resumed", Status: status.Running}, -1)
		s.Observe(honest.respond("resumed", time.Minute, time.Minute))
		require.Zero(t, h.types["resumed"].Crowd().Away)
	})

	t.Run("follows the job's latest begin time", func(t *testing.T) {
		now := time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)
		var s schedule
		for _, c := range []struct {
			begin status.Timestamp
			older float64
		}{
			{"2026-01-02 09:59:00", 60},
			{"2026-01-02 10:00:00", 0},
		} {
			require.True(t, s.ageOf(Observation{Job: status.Job{BeginTime: c.begin}, ServerTime: now}))
			require.InDelta(t, c.older, s.older, 0)
		}
	})
}
