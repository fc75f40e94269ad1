package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

func TestOdds(t *testing.T) {
	begun := func(h *History, jobType string) *schedule {
		s := h.BackOff().(*schedule)
		s.Start(status.Job{ID: "a", Type: jobType}, 0)
		return s
	}
	const second = time.Second

	t.Run("rise when jobs of the type end", func(t *testing.T) {
		s := begun(taught(100, around(60, 3)), "bind_ldap")
		require.Less(t, s.Odds(0, 45*second), 1.)
		require.Greater(t, s.Odds(0, 70*second), 5.)
		require.Less(t, s.Odds(20*second, 45*second), 1.)
	})

	t.Run("are by what is known now, not when the job was last seen", func(t *testing.T) {
		h := new(History)
		fresh, seen := begun(h, "bind_ldap"), begun(h, "bind_ldap")
		seen.Observe(honest.respond("bind_ldap", time.Hour, 0))
		before := fresh.Odds(0, 30*second)
		require.Equal(t, before, seen.Odds(0, 30*second))
		fleet(h, honest, random(), 100, around(60, 3), unchecked)
		require.Less(t, fresh.Odds(0, 30*second), before/100)
		require.Less(t, seen.Odds(0, 30*second), before/100)
	})

	t.Run("of a job of unknown type are those of all types", func(t *testing.T) {
		h := taught(100, around(60, 3))
		unknown := h.BackOff().(*schedule)
		unknown.Start(status.Job{ID: "a"}, 0)
		require.Less(t, unknown.Odds(0, 45*second), 1.)
		require.Greater(t, unknown.Odds(0, 70*second), 5.)
	})

	t.Run("count from the job's begin, not from the wait's", func(t *testing.T) {
		s := taught(100, around(60, 3)).BackOff().(*schedule)
		o := honest.respond("bind_ldap", time.Hour, 0)
		o.ServerTime = o.ServerTime.Add(50 * second)
		s.Observe(o)
		require.Greater(t, s.Odds(0, 20*second), 5.)
	})

	t.Run("of a job of unknown age are those of the exponential backoff", func(t *testing.T) {
		resumed := func(h *History) *schedule {
			s := h.BackOff().(*schedule)
			s.Start(status.Job{ID: "a", Type: "bind_ldap", Status: status.Running}, -1)
			return s
		}
		for _, last := range []time.Duration{0, 5 * second, 200 * second} {
			require.Equal(t, begun(new(History), "bind_ldap").Odds(last, last+15*second),
				resumed(taught(100, around(60, 3))).Odds(last, last+15*second))
		}
	})
}

func BenchmarkOdds(b *testing.B) {
	s := taught(100, around(60, 10)).BackOff().(*schedule)
	s.Observe(honest.respond("bind_ldap", time.Hour, 55*time.Second))
	b.ReportAllocs()
	for b.Loop() {
		s.Odds(55*time.Second, 70*time.Second)
	}
}
