package pace

import (
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/survival"
	"github.com/sfsturbo/waiter/status"
)

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func always(seconds float64) func(*rand.Rand) float64 {
	return func(*rand.Rand) float64 { return seconds }
}

func around(mean, deviation float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return max(0.01, mean+deviation*r.NormFloat64()) }
}

func taught(n int, draw func(*rand.Rand) float64) *History {
	h := new(History)
	fleet(h, honest, random(), n, draw, unchecked)
	return h
}

func TestHistory(t *testing.T) {
	t.Run("checks its options", func(t *testing.T) {
		for _, d := range []time.Duration{0, -time.Second, time.Microsecond, 2 * time.Hour} {
			_, err := NewHistory(WithCallCost(d))
			require.ErrorContains(t, err, "WithCallCost: "+d.String())
		}
		_, err := NewHistory(nil)
		require.ErrorContains(t, err, "option 1 is nil")
		h, err := NewHistory(WithCallCost(3 * time.Second))
		require.NoError(t, err)
		require.InDelta(t, 3, h.callCost(), 0)
		require.InDelta(t, 1, new(History).callCost(), 0)
	})

	t.Run("without jobs is the exponential backoff", func(t *testing.T) {
		exact := func() *backoff.ExponentialBackOff {
			b := exponential()
			b.RandomizationFactor = 0
			return b
		}
		s, want := new(History).BackOff().(*schedule), exact()
		s.unknown = exact()
		require.Zero(t, s.Start(status.Job{Type: "bind_ldap"}, 0), "the first poll is at once")
		age := time.Duration(0)
		for n := range 1000 {
			if n == 70 {
				s.Reset()
				want.Reset()
			}
			s.Observe(honest.respond("bind_ldap", time.Hour*24, age))
			next := s.NextBackOff()
			require.Equal(t, want.NextBackOff(), next)
			age += next
		}
	})

	t.Run("polls just after the typical end", func(t *testing.T) {
		ages := follow(taught(50, around(5, 0.3)), honest, "bind_ldap", 4900*time.Millisecond)
		require.Len(t, ages, 1)
		require.InDelta(t, 5.5, ages[0].Seconds(), 0.4)
	})

	// A wait sees its job only at its polls, and the guard, the jitter and forgetting cost
	// something, so this is not as good as a plan for the known distribution, but near.
	t.Run("costs little more than the optimum", func(t *testing.T) {
		for name, test := range map[string]struct {
			draw     func(*rand.Rand) float64
			survival func(age float64) float64
		}{
			"normal 5+-0.3": {around(5, 0.3), func(age float64) float64 { return math.Erfc((age-5)/0.3/math.Sqrt2) / 2 }},
			"lognormal 60/0.5": {
				func(r *rand.Rand) float64 { return 60 * math.Exp(0.5*r.NormFloat64()) },
				func(age float64) float64 { return math.Erfc(math.Log(age/60)/0.5/math.Sqrt2) / 2 },
			},
			"exponential 60": {func(r *rand.Rand) float64 { return 60 * r.ExpFloat64() }, func(age float64) float64 { return math.Exp(-age / 60) }},
		} {
			var edges []float64
			for age := 0.; test.survival(age) > 1e-12; age += 0.01 + age/500 {
				edges = append(edges, age)
			}
			plan := survival.FromSurvival(edges, func(age float64) float64 { return math.Log(test.survival(age)) }).Plan(1)
			r, optimum := random(), 0.
			for range 1500 {
				age, took := 0., test.draw(r)
				for age < took {
					age = plan.Next(age)
					optimum++
				}
				optimum += age - took
			}
			h := new(History)
			fleet(h, honest, r, 500, test.draw, unchecked)
			polls, delay := fleet(h, honest, r, 1500, test.draw, unchecked)
			t.Logf("%-20s %.2f polls, %.2f s: %.3f of the optimum", name, polls, delay, (polls+delay)/(optimum/1500))
			require.Less(t, polls+delay, 1.15*optimum/1500, name)
			require.Greater(t, polls+delay, 0.97*optimum/1500, name)
		}
	})

	t.Run("polls more often at a lower call cost", func(t *testing.T) {
		draw := around(60, 15)
		polls := func(cost time.Duration) float64 {
			h, err := NewHistory(WithCallCost(cost))
			require.NoError(t, err)
			fleet(h, honest, random(), 200, draw, unchecked)
			n, _ := fleet(h, honest, random(), 200, draw, unchecked)
			return n
		}
		require.Greater(t, polls(100*time.Millisecond), 2*polls(3*time.Second))
	})

	t.Run("makes a new plan after a change and for ten percent more jobs", func(t *testing.T) {
		h := new(History)
		k := h.own("a")
		isNew := func(took float64) bool {
			before := h.planFor("a")
			h.learn(k, 0, took, took)
			return h.planFor("a") != before
		}
		for n := range 10 {
			require.True(t, isNew(60), "%d", n)
		}
		plans := 0
		for range 200 {
			if isNew(60) {
				plans++
			}
		}
		require.InDelta(t, 30, plans, 5) // older jobs count less
		n := 0
		for again := false; !again; n++ {
			k.plan = nil // as if it was made just before
			again = isNew(5)
			require.Less(t, n, 3)
		}
		require.Greater(t, n, 1, "one job proves no change")
	})

	// As where a caller never names the type and finds each job ended at the first poll.
	t.Run("forgets what has changed though nobody asked for a plan", func(t *testing.T) {
		h := new(History)
		for range 100 {
			h.learn(h.own("a"), 0, 60, 60)
		}
		require.Greater(t, h.types["a"].Jobs(), 95.)
		for range 3 {
			h.learn(h.own("a"), 0, 5, 5)
		}
		require.Less(t, h.types["a"].Jobs(), 5.)
	})

	// The next two tests try twice: a change is seen where there is none once in 100,000 jobs.
	t.Run("keeps all jobs while nothing changes", func(t *testing.T) {
		queue := map[string]time.Duration{
			"that begin with their waits":         0,
			"that had ended before their waits":   -time.Hour,
			"that begin some time into the waits": 20 * time.Second,
		}
		for name, queue := range queue {
			s, r, kept := honest, random(), 0.
			s.queue = queue
			for range 2 {
				h := new(History)
				fleet(h, s, r, 300, func(r *rand.Rand) float64 { return queue.Seconds() + 60*math.Exp(0.5*r.NormFloat64()) }, unchecked)
				kept = max(kept, h.types["bind_ldap"].Jobs())
			}
			require.Greater(t, kept, 260., name)
		}
	})

	t.Run("counts no job among those that run at once with it", func(t *testing.T) {
		h := new(History)
		fleet(h, honest, random(), 100, around(60, 10), unchecked)
		require.Zero(t, h.types["bind_ldap"].Crowd().Most)
	})

	// They end in the order of their durations: the last ones are all slow.
	t.Run("keeps all jobs where many begin at once", func(t *testing.T) {
		draw := func(r *rand.Rand) float64 { return 60 * math.Exp(0.5*r.NormFloat64()) }
		for _, mode := range []mode{together, stepwise, apart, resumed} {
			r, kept, least := random(), 0., math.Inf(1)
			for range 2 {
				h, cost := new(History), 0.
				fleet(h, honest, r, 100, draw, unchecked)
				for range 5 {
					cost = batch(h, r, mode, 100, draw)
				}
				t.Logf("%s: a job of the last batch costs %.2f", mode, cost)
				kept, least = max(kept, h.types["bind_ldap"].Jobs()), min(least, cost)
				if kept > 400 && least < 13 {
					break
				}
			}
			require.Greater(t, kept, 400., mode)
			require.Less(t, least, 13., mode)
		}
	})

	// As by a caller that retries with a deadline of its own.
	t.Run("sees a change though ten waits are given up for each job that ends", func(t *testing.T) {
		h, r := new(History), random()
		for range 2000 {
			fleet(h, honest, r, 1, around(60, 6), unchecked)
			for range 10 {
				s := h.BackOff().(*schedule)
				s.Observe(honest.respond("bind_ldap", time.Hour, 0))
				s.Observe(honest.respond("bind_ldap", time.Hour, 30*time.Second))
				s.Observe(Observation{Abandoned: true})
			}
		}
		kept := h.types["bind_ldap"].Jobs()
		fleet(h, honest, r, 10, around(5, 0.5), unchecked)
		require.Less(t, h.types["bind_ldap"].Jobs(), kept/2)
	})

	t.Run("has typical durations near the weighted quantiles", func(t *testing.T) {
		h, r := new(History), random()
		var values, weights []float64
		for range 400 {
			took := 7 * math.Exp(r.NormFloat64())
			s := h.BackOff().(*schedule)
			end := honest.clock.Add(duration(took))
			s.Observe(Observation{Job: status.Job{
				Type: "a", Status: status.Failed,
				BeginTime: status.Timestamp(honest.clock.Format(time.RFC3339Nano)), EndTime: status.Timestamp(end.Format(time.RFC3339Nano)),
			}})
			for i := range weights {
				weights[i] *= math.Exp2(-1. / 1000)
			}
			values, weights = append(values, took), append(weights, 1)
		}
		median, p90, jobs := h.Typical("a")
		require.Equal(t, 400, jobs)
		for typical, p := range map[time.Duration]float64{median: 0.5, p90: 0.9} {
			below, total := 0., 0.
			for i, took := range values {
				total += weights[i]
				if took < typical.Seconds()*1.05 {
					below += weights[i]
				}
			}
			require.GreaterOrEqual(t, below, p*total)
			for i, took := range values {
				if took >= typical.Seconds()*0.95 && took < typical.Seconds()*1.05 {
					below -= weights[i]
				}
			}
			require.LessOrEqual(t, below, p*total)
		}
	})

	t.Run("is safe for concurrent use", func(t *testing.T) {
		h := new(History)
		var waits sync.WaitGroup
		for i := range 8 {
			waits.Go(func() {
				for range 50 {
					follow(h, honest, strconv.Itoa(i%3), 5*time.Second)
					h.Typical("1")
					state, err := h.MarshalJSON()
					if err == nil && i == 0 {
						err = h.UnmarshalJSON(state)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		waits.Wait()
		require.LessOrEqual(t, h.all.jobs, 400)
	})

	t.Run("learns a distribution that changes", func(t *testing.T) {
		for name, test := range map[string]struct {
			before, after func(*rand.Rand) float64
			jobs          int     // after which the new distribution is known
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
	})
}
