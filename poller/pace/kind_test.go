package pace

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/law"
	"github.com/sfsturbo/waiter/status"
)

func TestATypeNeverSeenBeginsWithWhatAllTypesTaught(t *testing.T) {
	h := taught(100, around(20, 1))
	ages := follow(h, honest, "create_share", 300*time.Second)
	require.InDelta(t, 21.5, ages[0].Seconds(), 3)
	for range 5 {
		follow(h, honest, "create_share", 300*time.Second)
	}
	ages = follow(h, honest, "create_share", 300*time.Second)
	require.InDelta(t, 300, ages[len(ages)-1].Seconds(), 20)
	require.Len(t, follow(h, honest, "bind_ldap", 20*time.Second), 1, "the other type is as it was")
	_, _, jobs := h.Typical("delete_share")
	require.Zero(t, jobs)
}

func TestATypeThatOnlyRunsYetGoesByAllToo(t *testing.T) {
	s := taught(100, around(20, 1)).BackOff().(*schedule)
	s.Observe(honest.answer("create_share", time.Hour, 0))
	require.InDelta(t, 21.5, s.NextBackOff().Seconds(), 3)
}

func TestJobsOfOneTypeAreNoSurpriseToTheLawOfAll(t *testing.T) {
	h := taught(100, around(20, 1))
	require.NotNil(t, h.planFor(""))
	n := h.all.Jobs()
	for range 10 {
		follow(h, honest, "create_share", 300*time.Second)
	}
	require.Greater(t, h.all.Jobs(), n)
}

func TestAWaitFromACheckpointIsNotCountedAsRunning(t *testing.T) {
	h := new(History)
	s := h.BackOff().(*schedule)
	require.Zero(t, s.Start(status.Job{Type: "a", Status: status.Running}, -1))
	s.Observe(honest.answer("a", time.Hour, 5*time.Second))
	require.Equal(t, law.Histogram{}, h.all.Histogram)
}

func TestNoJobStaysCountedAsRunning(t *testing.T) {
	h := new(History)
	for i := range 100 {
		s := h.BackOff().(*schedule)
		typ := strconv.Itoa(i % 3)
		s.Observe(honest.answer("", time.Hour, 0))
		s.Observe(honest.answer(typ, time.Hour, 10*time.Second))
		s.Observe(honest.answer(typ, time.Hour, 30*time.Second))
		s.Observe(Observation{Job: status.Job{Type: typ, Status: status.Running}, Abandoned: true})
		s.Observe(honest.answer(typ, time.Hour, 50*time.Second)) // who talks after the end is not heard
	}
	require.Equal(t, law.Histogram{}, h.all.Histogram)
	require.Len(t, h.types, 4)
	for _, k := range h.types {
		require.Equal(t, law.Histogram{}, k.Histogram)
	}
}

func TestATypeTakesLessThan16KiB(t *testing.T) {
	h, r := new(History), random()
	inUse := func() int64 {
		for range 4 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := inUse()
	for i := range maxTypes {
		k := h.own(strconv.Itoa(i))
		for range 100 { // of all durations: the largest plan
			took := math.Exp(10 * r.Float64())
			h.learn(k, took, took)
		}
		h.planFor(strconv.Itoa(i))
	}
	each := float64(inUse()-before) / maxTypes
	t.Logf("%.0f bytes a type", each)
	require.Less(t, each, 16*1024.)
	runtime.KeepAlive(h)
}

func TestTenThousandTypes(t *testing.T) {
	h := new(History)
	for i := range 10_000 {
		follow(h, honest, fmt.Sprintf("type-%d", i), 20*time.Second)
	}
	require.Len(t, h.types, maxTypes)
	require.Equal(t, 10_000, h.all.jobs)
	require.Less(t, len(follow(h, honest, "type-9999", 20*time.Second)), 6, "what has no room of its own goes by all")
	_, _, jobs := h.Typical("type-9999")
	require.Zero(t, jobs)
	_, _, jobs = h.Typical("type-7")
	require.Equal(t, 1, jobs)
}
