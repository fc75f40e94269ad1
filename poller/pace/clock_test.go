package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	t.Run("of the service never makes a poll late", func(t *testing.T) {
		r := random()
		for name, s := range map[string]service{
			"no times at all":       {},
			"an hour ahead":         {clock: time.Now().Add(time.Hour), stamps: true, dates: true},
			"a day behind":          {clock: time.Now().Add(-24 * time.Hour), stamps: true, dates: true},
			"no timestamps":         {clock: time.Now(), dates: true},
			"end before begin":      {clock: time.Now(), stamps: true, dates: true, queue: time.Hour},
			"began an hour earlier": {clock: time.Now(), stamps: true, dates: true, queue: -time.Hour},
			"queued for 20 s":       {clock: time.Now(), stamps: true, dates: true, queue: 20 * time.Second},
			"far in the past":       {clock: time.Unix(-1<<40, 0), stamps: true, dates: true},
		} {
			t.Run(name, func(t *testing.T) {
				h := new(History)
				fleet(h, s, r, 300, around(30, 5), within(t))
				polls, delay := fleet(h, s, r, 300, around(30, 5), within(t))
				t.Logf("%.2f polls, %.2f s", polls, delay)
				require.Less(t, polls+delay, 20., "no worse than the exponential backoff")
				fleet(h, s, r, 20, around(3000, 500), within(t))
				fleet(h, s, r, 20, always(0.01), within(t))
				h.Typical("bind_ldap")
			})
		}
	})

	// The service says that the jobs take an hour and half a minute, and that they begin an hour
	// before their waits, which is known only at the first poll.
	t.Run("that makes each wait late widens no guard", func(t *testing.T) {
		h := new(History)
		s := service{clock: time.Now(), stamps: true, dates: true, queue: -time.Hour}
		fleet(h, s, random(), 100, around(30, 5), unchecked)
		ages := follow(h, s, "bind_ldap", 30*time.Second)
		require.LessOrEqual(t, ages[0], 30*time.Second+time.Microsecond)
		fleet(h, honest, random(), 100, always(1000), unchecked)
		require.Greater(t, h.planFor("bind_ldap").Guard(0), 60.)
	})

	t.Run("of the wait may be set back", func(t *testing.T) {
		h := taught(30, around(5, 1))
		s := h.BackOff().(*schedule)
		for _, age := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second, 0} {
			s.Observe(honest.respond("bind_ldap", time.Hour*24, age))
			next := s.NextBackOff()
			require.Positive(t, next)
			require.LessOrEqual(t, next, guard(max(age, 0), 30))
		}
	})
}
