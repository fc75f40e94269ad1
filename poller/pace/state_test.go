package pace

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/survival"
)

func poisoned() map[string]string {
	types := func(list string) string {
		return `{"version":1,"all":{"jobs":1,"counts":{"57":1}},"types":{` + list + `}}`
	}
	many := make([]string, maxTypes+1)
	for i := range many {
		many[i] = fmt.Sprintf(`"%d":{}`, i)
	}
	return map[string]string{
		"not JSON":             `plans: none`,
		"cut short":            `{"version":1,"all"`,
		"an array":             `[1,2,3]`,
		"version 2":            `{"version":2}`,
		"no version":           `{}`,
		"NaN":                  types(`"a":{"jobs":1,"counts":{"57":NaN}}`),
		"out of range":         types(`"a":{"jobs":1,"counts":{"57":1e999}}`),
		"a negative count":     types(`"a":{"jobs":1,"counts":{"57":-1}}`),
		"a huge count":         types(`"a":{"jobs":1,"counts":{"57":1e300}}`),
		"no such bucket":       types(`"a":{"jobs":1,"counts":{"321":1}}`),
		"a negative bucket":    types(`"a":{"jobs":1,"counts":{"-1":1}}`),
		"a bucket with a name": types(`"a":{"jobs":1,"counts":{"x":1}}`),
		"negative jobs":        types(`"a":{"jobs":-1,"counts":{"57":1}}`),
		"jobs without counts":  types(`"a":{"jobs":7,"counts":{}}`),
		"counts without jobs":  types(`"a":{"jobs":0,"counts":{"57":1}}`),
		"hardly any counts":    types(`"a":{"jobs":1,"counts":{"57":1e-300}}`),
		"too many jobs":        types(`"a":{"jobs":9000000000000000000,"counts":{"57":1}}`),
		"worth too much":       types(`"a":{"jobs":10,"counts":{"57":9},"worth":11}`),
		"worth too little":     types(`"a":{"jobs":10,"counts":{"57":9},"worth":1}`),
		"nothing is worth one": types(`"a":{"jobs":0,"counts":{},"worth":0.001}`),
		"a recent job nowhere": types(`"a":{"jobs":1,"counts":{"57":1},"recent":[[5,5,1]]}`),
		"a recent job beyond":  types(`"a":{"jobs":1,"counts":{"57":1},"recent":[[5,900,1]]}`),
		"half a bucket":        types(`"a":{"jobs":1,"counts":{"57":1},"recent":[[5.5,5.9,1]]}`),
		"a negative crowd":     types(`"a":{"jobs":1,"counts":{"57":1},"crowd":[9,-1,9]}`),
		"a negative gain":      types(`"a":{"jobs":1,"counts":{"57":1},"recent":[[5,6,-1]]}`),
		"all is invalid":       `{"version":1,"all":{"jobs":1,"counts":{"57":-3}}}`,
		"too many types":       types(strings.Join(many, ",")),
		"a long name":          types(`"` + strings.Repeat("x", maxName+1) + `":{}`),
		"5 MB":                 types(`"a":{"why":"` + strings.Repeat("x", 5<<20) + `"}`),
	}
}

// rounded returns a state whose counts are rounded more than in JSON, where the last digit of a
// count may change each time.
func rounded(t *testing.T, data []byte) (s state) {
	require.NoError(t, json.Unmarshal(data, &s))
	for _, c := range s.Types {
		for b, n := range c.Counts {
			c.Counts[b] = math.Round(n * 1000)
		}
	}
	return s
}

func TestState(t *testing.T) {
	t.Run("with impossible counts is refused", func(t *testing.T) {
		for _, state := range []string{
			`{"version":1}`,
			`{"version":1,"all":{"jobs":1,"counts":{"5":2}}}`,
			`{"version":1,"all":{"jobs":1000,"counts":{"5":100,"6":46}}}`,
			`{"version":1,"all":{"jobs":1,"counts":{"5":1e15}}}`,
			`{"version":1,"all":{"jobs":0,"counts":{}},"types":{"a":{"jobs":1,"counts":{"5":1}}}}`,
		} {
			h := new(History)
			h.BackOff().(Observer).Observe(done("bind_ldap"))
			require.ErrorContains(t, json.Unmarshal([]byte(state), h), "saved history ignored", state)
			_, _, jobs := h.Typical("bind_ldap")
			require.Equal(t, 1, jobs)
		}
	})

	t.Run("is restored", func(t *testing.T) {
		h := taught(200, around(40, 4))
		follow(h, honest, "create_share", 300*time.Second)
		h.BackOff().(*schedule).Observe(honest.respond("extend_share", time.Hour, 0))
		data, err := json.Marshal(h)
		require.NoError(t, err)
		require.Less(t, len(data), 4096)
		require.NotContains(t, string(data), "extend_share")

		var restored History
		require.NoError(t, json.Unmarshal(data, &restored))
		for _, typ := range []string{"bind_ldap", "create_share", "extend_share"} {
			median, p90, jobs := h.Typical(typ)
			again, again90, jobsAgain := restored.Typical(typ)
			require.Equal(t, jobs, jobsAgain)
			require.InDelta(t, median.Seconds(), again.Seconds(), 0.001)
			require.InDelta(t, p90.Seconds(), again90.Seconds(), 0.001)
		}
		h.own("bind_ldap").plan = nil // it was made before the last few jobs
		// A count may lie on the edge of a decision.
		for age := range 400 {
			require.InEpsilon(t, h.planFor("bind_ldap").Next(float64(age)), restored.planFor("bind_ldap").Next(float64(age)), 0.02)
		}
		same, err := json.Marshal(&restored)
		require.NoError(t, err)
		require.Equal(t, rounded(t, data), rounded(t, same))
	})

	t.Run("of an earlier version of this program is restored", func(t *testing.T) {
		var h History
		require.NoError(t, json.Unmarshal([]byte(`{"version":1,"all":{"jobs":900,"counts":{"140":145}},"types":{"a":{"jobs":900,"counts":{"140":145}}}}`), &h))
		_, _, jobs := h.Typical("a")
		require.Equal(t, 900, jobs)
		require.InDelta(t, 145, h.types["a"].Jobs(), 1e-9)
	})

	t.Run("keeps what more than a hundred jobs are worth", func(t *testing.T) {
		h := taught(1000, around(40, 4))
		want := h.types["bind_ldap"].Jobs()
		require.Greater(t, want, 700.)
		data, err := json.Marshal(h)
		require.NoError(t, err)
		var restored History
		require.NoError(t, json.Unmarshal(data, &restored))
		require.InDelta(t, want, restored.types["bind_ldap"].Jobs(), 0.01)

		var s struct {
			Types map[string]struct{ Counts map[int]float64 }
		}
		require.NoError(t, json.Unmarshal(data, &s))
		sum := 0.
		for _, n := range s.Types["bind_ldap"].Counts {
			sum += n
		}
		require.LessOrEqual(t, sum, maxCount+rounding, "what an earlier version of this program reads")
	})

	// A program may wait for one job in each run.
	t.Run("shows a change to the next process", func(t *testing.T) {
		h := taught(100, around(60, 3))
		for range 4 {
			fleet(h, honest, random(), 1, always(5), unchecked)
			data, err := json.Marshal(h)
			require.NoError(t, err)
			h = new(History)
			require.NoError(t, json.Unmarshal(data, h))
		}
		require.Less(t, h.types["bind_ldap"].Jobs(), 6.)
	})

	// The last jobs of a batch are the slow ones, and no change.
	t.Run("shows the next process what ran at once", func(t *testing.T) {
		h := taught(100, around(60, 3))
		h.planFor("bind_ldap")
		k := h.types["bind_ldap"]
		h.addRunning(k, 99)
		h.learn(k, 0, 60, 60)
		h.addRunning(k, -99)
		data, err := json.Marshal(h)
		require.NoError(t, err)
		var restored History
		require.NoError(t, json.Unmarshal(data, &restored))
		require.InDelta(t, 99, restored.types["bind_ldap"].Crowd().Most, 1e-9)
	})

	t.Run("replaces the old one", func(t *testing.T) {
		data, err := json.Marshal(taught(50, always(5)))
		require.NoError(t, err)
		h := new(History)
		fleet(h, honest, random(), 50, always(100), unchecked)
		follow(h, honest, "create_share", time.Minute)
		wait := h.BackOff().(*schedule) // continues while the state is replaced
		wait.Observe(honest.respond("bind_ldap", time.Hour, 0))
		require.NoError(t, json.Unmarshal(data, h))

		_, _, jobs := h.Typical("create_share")
		require.Zero(t, jobs)
		median, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 50, jobs)
		require.InDelta(t, 5, median.Seconds(), 0.5)
		wait.Observe(honest.respond("bind_ldap", time.Hour, time.Second))
		require.InDelta(t, 4.5, wait.NextBackOff().Seconds(), 1)

		require.NoError(t, json.Unmarshal([]byte("null"), h))
		_, _, jobs = h.Typical("bind_ldap")
		require.Equal(t, 50, jobs)
	})

	t.Run("that is invalid is refused and changes nothing", func(t *testing.T) {
		h := taught(50, around(5, 1))
		before, err := json.Marshal(h)
		require.NoError(t, err)
		for name, data := range poisoned() {
			err := h.UnmarshalJSON([]byte(data))
			require.ErrorContains(t, err, "pace: saved history ignored", name)
			require.NotContains(t, err.Error(), "all types together", "%s: that is not why it is invalid", name)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 250)
			require.Error(t, json.Unmarshal([]byte(data), h), name)
		}
		after, err := json.Marshal(h)
		require.NoError(t, err)
		require.JSONEq(t, string(before), string(after))
	})

	t.Run("of another version is refused", func(t *testing.T) {
		for _, other := range []int{-1, 0, 2} {
			err := json.Unmarshal(fmt.Appendf(nil, `{"version":%d,"all":{"jobs":0,"counts":{}}}`, other), new(History))
			require.ErrorContains(t, err, fmt.Sprintf("version %d, this program reads version 1", other))
		}
	})

	t.Run("of 100 MB is refused without reading it", func(t *testing.T) {
		h := taught(3, always(5))
		require.ErrorContains(t, h.UnmarshalJSON(make([]byte, 100<<20)), "104857600 bytes are more than")
	})

	// While a thousand run, ends count half only after a thousand more.
	t.Run("of many jobs at once is accepted", func(t *testing.T) {
		h := new(History)
		schedules := make([]Observer, 1000)
		for i := range schedules {
			schedules[i] = h.BackOff().(Observer)
			schedules[i].Observe(honest.respond("bind_ldap", 20*time.Second, 10*time.Second))
		}
		for _, s := range schedules[:400] {
			s.Observe(honest.respond("bind_ldap", 20*time.Second, 21*time.Second))
		}
		require.Greater(t, h.types["bind_ldap"].Jobs(), 300.)
		data, err := json.Marshal(h)
		require.NoError(t, err)
		var restored History
		require.NoError(t, json.Unmarshal(data, &restored))
		_, _, jobs := restored.Typical("bind_ldap")
		require.Equal(t, 400, jobs)
	})

	t.Run("of the maximum size is accepted", func(t *testing.T) {
		h := new(History)
		for i := range maxTypes {
			name := fmt.Sprintf("%0*d", maxName, i)
			var r restored
			for b := range r.counts {
				r.counts[b] = math.Pi / 8
			}
			r.jobs = 1_000_000
			h.own(name).restore(&r)
			h.all.restore(&r)
		}
		data, err := json.Marshal(h)
		require.NoError(t, err)
		require.Less(t, len(data), maxState*3/4)
		require.NoError(t, json.Unmarshal(data, new(History)))
	})
}

func FuzzState(f *testing.F) {
	for _, data := range poisoned() {
		if len(data) < 1<<16 {
			f.Add([]byte(data))
		}
	}
	good, err := json.Marshal(taught(20, around(5, 1)))
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"version":1,"all":{"jobs":1,"counts":{"57":1}},"types":{"a":{"jobs":9,"counts":{"57":9},"recent":[[5,6,1],[5.5,5.9,9e30]],"crowd":[7,20,3]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := new(History)
		follow(h, honest, "kept", 5*time.Second)
		if err := h.UnmarshalJSON(data); err != nil {
			_, _, jobs := h.Typical("kept")
			require.Equal(t, 1, jobs)
			return
		}
		for name := range h.types {
			h.Typical(name)
			age := 0.
			for range 30 {
				p := h.planFor(name)
				if p == nil {
					break
				}
				next := p.Poll(age, 1)
				require.Greater(t, next, age)
				require.LessOrEqual(t, next-age, survival.Guard(age, float64(h.types[name].jobs), 1)*(1+1e-9))
				age = next
			}
			follow(h, honest, name, time.Minute)
		}
		again, err := json.Marshal(h)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(again, new(History)))
	})
}
