package pace

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

func done(jobType string) Observation {
	return Observation{Job: status.Job{
		Type: jobType, Status: status.Success, BeginTime: "2026-01-02 10:00:00", EndTime: "2026-01-02 10:00:20",
	}}
}

func TestTypes(t *testing.T) {
	t.Run("that are new begin with what all types taught", func(t *testing.T) {
		h := taught(100, around(20, 1))
		ages := follow(h, honest, "create_share", 300*time.Second)
		require.InDelta(t, 21.5, ages[0].Seconds(), 3)
		for range 5 {
			follow(h, honest, "create_share", 300*time.Second)
		}
		ages = follow(h, honest, "create_share", 300*time.Second)
		require.InDelta(t, 300, ages[len(ages)-1].Seconds(), 20)
		require.Len(t, follow(h, honest, "bind_ldap", 20*time.Second), 1, "the other type is unchanged")
		_, _, jobs := h.Typical("delete_share")
		require.Zero(t, jobs)
	})

	t.Run("that are new are not waited for as long as those that are known", func(t *testing.T) {
		h := taught(100, always(200))
		data, err := json.Marshal(h)
		require.NoError(t, err)
		var restored History
		require.NoError(t, json.Unmarshal(data, &restored))
		for _, h := range []*History{h, &restored} {
			require.InDelta(t, 30, h.planFor("create_share").Guard(0), 1e-9)
			require.InDelta(t, 200, h.planFor("bind_ldap").Guard(0), 20)
		}
	})

	t.Run("with only running jobs plan by all types", func(t *testing.T) {
		s := taught(100, around(20, 1)).BackOff().(*schedule)
		s.Observe(honest.respond("create_share", time.Hour, 0))
		require.InDelta(t, 21.5, s.NextBackOff().Seconds(), 3)
	})

	// Otherwise fast jobs would bias what a new type begins with.
	t.Run("with running jobs count for all types together", func(t *testing.T) {
		h := taught(100, around(20, 1))
		before := len(follow(h, honest, "create_share", 5*time.Minute))
		h = taught(100, around(20, 1))
		schedules := make([]*schedule, 300)
		for i := range schedules {
			schedules[i] = h.BackOff().(*schedule)
			schedules[i].Observe(honest.respond(fmt.Sprint("slow-", i%3), time.Hour, 10*time.Minute))
		}
		require.Equal(t, 300, h.all.Running())
		require.Equal(t, 100, h.types["slow-1"].Running())
		after := len(follow(h, honest, "create_share", 5*time.Minute))
		require.Less(t, after, before*3/4, "most jobs take longer than ten minutes")
		for i, s := range schedules {
			o := honest.respond(fmt.Sprint("slow-", i%3), time.Hour, 10*time.Minute)
			o.Abandoned = i%2 == 0
			s.Observe(o)
		}
		require.Equal(t, 150, h.all.Running(), "neither twice, nor when they are no longer awaited")
	})

	t.Run("that are new are believed once ten of their jobs run", func(t *testing.T) {
		h := taught(100, around(20, 1))
		run := func(n int) {
			for range n {
				h.BackOff().(Observer).Observe(honest.respond("create_share", time.Hour, 10*time.Minute))
			}
		}
		run(9)
		require.Same(t, h.planFor(""), h.planFor("create_share"))
		run(1)
		require.NotSame(t, h.planFor(""), h.planFor("create_share"))
		run(90)
		s := h.BackOff().(*schedule)
		s.Observe(honest.respond("create_share", time.Hour, 10*time.Second))
		require.Greater(t, s.NextBackOff(), 20*time.Second, "it will not end after 20 s as other jobs do")
	})

	t.Run("do not surprise all types together", func(t *testing.T) {
		h := taught(100, around(20, 1))
		require.NotNil(t, h.planFor(""))
		n := h.all.Jobs()
		for range 10 {
			follow(h, honest, "create_share", 300*time.Second)
		}
		require.Greater(t, h.all.Jobs(), n)
	})

	t.Run("beyond the maximum share what all types taught", func(t *testing.T) {
		h := new(History)
		for i := range 10_000 {
			follow(h, honest, fmt.Sprintf("type-%d", i), 20*time.Second)
		}
		require.Len(t, h.types, maxTypes)
		require.Equal(t, 10_000, h.all.jobs)
		require.Less(t, len(follow(h, honest, "type-9999", 20*time.Second)), 6, "a type without room of its own uses all types")
		_, _, jobs := h.Typical("type-9999")
		require.Zero(t, jobs)
		_, _, jobs = h.Typical("type-7")
		require.Equal(t, 1, jobs)
	})

	t.Run("with a running job keep their place", func(t *testing.T) {
		h := new(History)
		for i := range maxTypes {
			h.BackOff().(Observer).Observe(honest.respond(fmt.Sprint(i), time.Hour, time.Second))
		}
		h.BackOff().(Observer).Observe(done("another"))
		require.Len(t, h.types, maxTypes)
		require.NotContains(t, h.types, "another")
	})

	t.Run("that taught nothing make room", func(t *testing.T) {
		h := new(History)
		for i := range maxTypes {
			b := h.BackOff().(Observer)
			running := Observation{Job: status.Job{Type: fmt.Sprint(i), Status: status.Running}, Age: time.Second}
			b.Observe(running)
			running.Abandoned = true
			b.Observe(running)
		}
		taught := new(History)
		taught.BackOff().(Observer).Observe(done("bind_ldap"))
		state, err := json.Marshal(taught)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(state, h))
		_, _, jobs := h.Typical("bind_ldap")
		require.Equal(t, 1, jobs)
		h.BackOff().(Observer).Observe(done("another"))
		_, _, jobs = h.Typical("another")
		require.Equal(t, 1, jobs)
	})
}
