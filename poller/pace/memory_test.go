package pace

import (
	"math"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// heap returns the bytes in use after a collection.
func heap() int64 {
	for range 4 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// sizeOf returns how many bytes each value that create returns occupies.
func sizeOf(create func() any) float64 {
	const n = 10_000
	list := make([]any, n)
	before := heap()
	for i := range list {
		list[i] = create()
	}
	size := float64(heap()-before) / n
	runtime.KeepAlive(list)
	return size
}

func TestMemory(t *testing.T) {
	t.Run("of a type is less than 16 KiB", func(t *testing.T) {
		h, r := new(History), random()
		before := heap()
		for i := range maxTypes {
			k := h.own(strconv.Itoa(i))
			for range 100 { // of all durations: the largest plan
				took := math.Exp(10 * r.Float64())
				h.learn(k, 0, took, took)
			}
			h.planFor(strconv.Itoa(i))
		}
		each := float64(heap()-before) / maxTypes
		t.Logf("%.0f bytes for each type", each)
		require.Less(t, each, 16*1024.)
		runtime.KeepAlive(h)
	})

	t.Run("of a schedule is small", func(t *testing.T) {
		h, empty := taught(10, always(20)), new(History)
		planned := func() any {
			s := h.BackOff()
			s.(Starter).Start(status.Job{Type: "bind_ldap"}, 0)
			return s
		}
		unplanned := func() any {
			s := empty.BackOff()
			s.NextBackOff()
			return s
		}
		for name, test := range map[string]struct {
			create func() any
			most   float64
		}{
			"Exponential":                {func() any { return Exponential() }, 112},
			"History, with a plan":       {planned, 104},
			"History, nothing known yet": {unplanned, 208},
		} {
			size := sizeOf(test.create)
			t.Logf("%-28s %.0f bytes", name, size)
			require.LessOrEqual(t, size, test.most, name)
		}
	})
}
