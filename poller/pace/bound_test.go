package pace

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// anyHistory returns one of a random call cost, in seconds, that has learned from n jobs of a type
// whose durations change once, and perhaps from others, and that may have been saved and restored
// at another call cost.
func anyHistory(t *testing.T, r *rand.Rand) (h *History, c float64, n int) {
	create := func() *History {
		c = 0.01 * math.Pow(6000, r.Float64())
		h, err := NewHistory(WithCallCost(duration(c)))
		require.NoError(t, err)
		c = h.callCost()
		return h
	}
	h, n = create(), int(math.Pow(3000, r.Float64()))-1
	s := honest
	s.queue = []time.Duration{0, 0, 20 * time.Second, -time.Hour}[r.IntN(4)]
	for part := range 2 {
		median, sigma := math.Exp(11*r.Float64()-2), 2*r.Float64()
		for range (n + part) / 2 {
			took := median * math.Exp(sigma*r.NormFloat64())
			if r.IntN(10) > 0 {
				h.learn(h.own("bind_ldap"), 0, took*r.Float64(), took)
				continue
			}
			b := h.BackOff().(*schedule)
			b.Start(status.Job{Type: "bind_ldap"}, 0)
			b.Observe(s.respond("bind_ldap", duration(took), duration(took)))
		}
	}
	n = h.own("bind_ldap").jobs // a job whose duration made no sense taught nothing
	for range r.IntN(30) {
		h.learn(h.own("create_share"), 0, 100, 110)
	}
	for range r.IntN(30) * r.IntN(2) {
		h.BackOff().(Observer).Observe(honest.respond("bind_ldap", 1<<60, duration(math.Exp(12*r.Float64()))))
	}
	if r.IntN(2) == 0 {
		data, err := json.Marshal(h)
		require.NoError(t, err)
		h = create()
		require.NoError(t, json.Unmarshal(data, h))
	}
	return h, c, n
}

func TestBound(t *testing.T) {
	// History documents it: 300c, and after n jobs the longest of 2nc, twice the job's age and 30c.
	t.Run("of each interval by a plan is as documented", func(t *testing.T) {
		r := random()
		planned := 0
		for range 60 {
			h, c, n := anyHistory(t, r)
			check := func(s *schedule, jobAge float64, interval time.Duration) {
				most := min(300*c, max(2*float64(n)*c, 2*jobAge, 30*c)) + 1e-6
				require.Positive(t, interval)
				if s.plan == nil {
					require.LessOrEqual(t, interval, 18*time.Second)
					return
				}
				planned++
				require.LessOrEqual(t, interval.Seconds(), most, "c %v, %d jobs, at %v s", c, n, jobAge)
				for _, end := range []float64{-1, 1} { // of the jitter
					next := s.plan.Poll(jobAge, end)
					require.Greater(t, next, jobAge)
					require.LessOrEqual(t, next-jobAge, most, "c %v, %d jobs, at %v s, jitter %v", c, n, jobAge, end)
				}
			}
			for range 10 {
				from := service{clock: honest.clock, stamps: r.IntN(2) == 0, dates: r.IntN(2) == 0}
				s, age, older := h.BackOff().(*schedule), time.Duration(0), 0.
				switch r.IntN(4) {
				case 0: // it begins now, and its type is known
					if first := s.Start(status.Job{ID: "a", Type: "bind_ldap"}, 0); s.plan != nil {
						check(s, 0, max(first, 1))
						age = first
					}
				case 1: // it begins now
					require.Zero(t, s.Start(status.Job{ID: "a"}, 0))
				case 2: // a Step goes on with its wait
					age = duration(math.Exp(12 * r.Float64()))
					require.Zero(t, s.Start(status.Job{ID: "a", Type: "bind_ldap", Status: status.Running}, age))
				case 3: // from a checkpoint: the job is older, as it says if it says anything
					older = math.Exp(12 * r.Float64())
					from.queue = -duration(older)
					require.Zero(t, s.Start(status.Job{ID: "a", Type: "bind_ldap", Status: status.Running}, -1))
				}
				for range 15 {
					s.Observe(from.respond("bind_ldap", 1<<60, age))
					next := s.NextBackOff()
					check(s, age.Seconds()+older, next)
					age += next
				}
				s.Observe(Observation{Abandoned: true})
			}
		}
		require.Greater(t, planned, 6000)
	})
}
