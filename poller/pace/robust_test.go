package pace

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
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

func TestWhateverIsObservedTheNextPollIsSoonEnough(t *testing.T) {
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
			require.LessOrEqual(t, next, max(guard(from), 18*time.Second)+time.Microsecond)
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
}
