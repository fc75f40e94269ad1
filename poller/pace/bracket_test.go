package pace

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

func TestBracket(t *testing.T) {
	t.Run("finds when a job ended", func(t *testing.T) {
		at := func(clock string) time.Time {
			when, err := time.Parse(time.DateTime, "2026-01-02 "+clock)
			require.NoError(t, err)
			return when
		}
		stamp := func(clock string) status.Timestamp {
			if clock == "" {
				return ""
			}
			return status.Timestamp("2026-01-02 " + clock)
		}
		type none struct{}
		tests := map[string]struct {
			resumed    bool
			seen       float64 // the age of the last poll that saw it running; -1: none
			server     string  // the service's time at that poll
			begin, end string
			age        float64 // of the poll that saw the end
			want       any
		}{
			"by begin and end":                    {false, 8, "", "10:00:00", "10:00:10", 12, [2]float64{9.5, 10.5}},
			"within the bracket":                  {false, 9.8, "", "10:00:00", "10:00:10", 10.2, [2]float64{9.8, 10.2}},
			"in one second":                       {false, 0, "", "10:00:00", "10:00:00", 5, [2]float64{0, 0.5}},
			"the clock is far off":                {false, 8, "", "10:00:00", "13:00:00", 12, [2]float64{12, 12}},
			"the clock puts the end before":       {false, 8, "", "10:00:00", "10:00:01", 12, [2]float64{8, 8}},
			"by the service's time":               {false, 8, "10:00:08", "", "10:00:10", 12, [2]float64{9.5, 10.5}},
			"by that if it began after its wait":  {false, 8, "10:00:08", "10:00:07", "10:00:10", 12, [2]float64{9.5, 10.5}},
			"end before begin":                    {false, 8, "", "10:00:10", "10:00:00", 12, [2]float64{8, 12}},
			"no stamps":                           {false, 8, "10:00:08", "", "", 12, [2]float64{8, 12}},
			"no end":                              {false, 8, "10:00:08", "10:00:00", "", 12, [2]float64{8, 12}},
			"the wait's clock was set back":       {false, 8, "", "10:00:00", "10:00:10", 3, [2]float64{3, 3}},
			"that, and no stamps":                 {false, 8, "", "", "", 3, [2]float64{3, 3}},
			"at first sight":                      {false, -1, "", "10:00:00", "10:00:10", 2, [2]float64{9.5, 10.5}},
			"at first sight, nothing known":       {false, -1, "", "", "10:00:10", 2, none{}},
			"at first sight, end before begin":    {false, -1, "", "10:00:10", "10:00:00", 2, none{}},
			"from a checkpoint":                   {true, 8, "10:00:08", "10:00:00", "10:01:00", 12, [2]float64{59.5, 60.5}},
			"from a checkpoint, nothing known":    {true, 8, "10:00:08", "", "10:00:10", 12, none{}},
			"from a checkpoint, end before begin": {true, 8, "", "10:00:10", "10:00:00", 12, none{}},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				b := bracket{resumed: test.resumed}
				if test.seen >= 0 {
					o := Observation{Age: duration(test.seen)}
					if test.server != "" {
						o.ServerTime = at(test.server)
					}
					b.running(o)
				}
				lo, hi, ok := b.ended(Observation{
					Job: status.Job{Status: status.Success, BeginTime: stamp(test.begin), EndTime: stamp(test.end)},
					Age: duration(test.age),
				}, 0)
				if (test.want == none{}) {
					require.False(t, ok)
					return
				}
				require.True(t, ok)
				require.Equal(t, test.want, [2]float64{lo, hi})
			})
		}
	})

	t.Run("uses fractions of a second", func(t *testing.T) {
		var b bracket
		lo, hi, ok := b.ended(Observation{Job: status.Job{BeginTime: "2026-01-02T10:00:00.250Z", EndTime: "2026-01-02T10:00:03.750Z"}}, 0)
		require.True(t, ok)
		require.Equal(t, []float64{3.5, 3.5}, []float64{lo, hi})
	})

	t.Run("ignores a duration of a month", func(t *testing.T) {
		var b bracket
		_, _, ok := b.ended(Observation{Job: status.Job{BeginTime: "2026-01-02 10:00:00", EndTime: "2026-02-02 10:00:00"}}, 0)
		require.False(t, ok)
	})
}
