package pace

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// within fails the test if an interval is longer than the guard allows.
func within(t *testing.T) func(from, to time.Duration) {
	return func(from, to time.Duration) {
		require.LessOrEqual(t, to-from, guard(from)+time.Microsecond, "after %v", from)
	}
}

func TestALawThatChangesIsLearnedAnew(t *testing.T) {
	for name, test := range map[string]struct {
		before, after func(*rand.Rand) float64
		jobs          int     // after which the new law is known
		cost          float64 // of a job then
	}{
		"60 s become 5 s": {around(60, 3), around(5, 0.25), 10, 2},
		"5 s become 60 s": {around(5, 0.25), around(60, 3), 10, 6},
		"a second hump": {around(20, 1), func(r *rand.Rand) float64 {
			if r.IntN(2) == 0 {
				return around(20, 1)(r)
			}
			return around(200, 10)(r)
		}, 40, 10},
	} {
		t.Run(name, func(t *testing.T) {
			h, r := new(History), random()
			fleet(h, honest, r, 1000, test.before, within(t))
			fleet(h, honest, r, test.jobs, test.after, within(t))
			polls, delay := fleet(h, honest, r, 200, test.after, within(t))
			t.Logf("%.2f polls, %.2f s", polls, delay)
			require.Less(t, polls+delay, test.cost)
		})
	}
}

func TestNoClockOfTheServiceMakesAWaitLate(t *testing.T) {
	r := random()
	for name, s := range map[string]service{
		"nothing said":          {},
		"an hour ahead":         {clock: time.Now().Add(time.Hour), stamps: true, dates: true},
		"a day behind":          {clock: time.Now().Add(-24 * time.Hour), stamps: true, dates: true},
		"the time only":         {clock: time.Now(), dates: true},
		"end before begin":      {clock: time.Now(), stamps: true, dates: true, queue: time.Hour},
		"began an hour earlier": {clock: time.Now(), stamps: true, dates: true, queue: -time.Hour},
		"it queued for 20 s":    {clock: time.Now(), stamps: true, dates: true, queue: 20 * time.Second},
		"at no time":            {clock: time.Unix(-1<<40, 0), stamps: true, dates: true},
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
}

func TestAClockThatIsSetBackIsSurvived(t *testing.T) {
	h := taught(30, around(5, 1))
	s := h.BackOff().(*schedule)
	for _, age := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second, 0} {
		s.Observe(honest.answer("bind_ldap", time.Hour*24, age))
		next := s.NextBackOff()
		require.Positive(t, next)
		require.LessOrEqual(t, next, guard(max(age, 0)))
	}
}
