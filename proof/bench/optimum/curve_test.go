package optimum

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

func TestMeasure(t *testing.T) {
	t.Run("counts the poll at age 0 and repeats the last interval", func(t *testing.T) {
		polls := []float64{1, 3, 7}
		for seconds, want := range map[float64]Point{
			0.5: {2, 0.5},
			1:   {2, 0},
			1.5: {3, 1.5},
			6:   {4, 1},
			7:   {4, 0},
			8:   {5, 3}, // at 11
			11:  {5, 0},
			12:  {6, 3}, // at 15
		} {
			job := jobs.Job{Length: time.Duration(seconds * float64(time.Second))}
			require.Equal(t, want, Measure(polls, []jobs.Job{job}), "a job of %v s", seconds)
		}
		every4s := []jobs.Job{{Length: 3 * time.Second}, {Length: 11 * time.Second}}
		require.Equal(t, Point{3, 1}, Measure([]float64{4}, every4s), "the mean, at 4 s and at 12 s")
	})
}

func TestCurve(t *testing.T) {
	t.Run("falls", func(t *testing.T) {
		for _, d := range jobs.Distributions()[:2] {
			curve := NewCurve(d, d.Spread(2000, seeded()))
			for i := 1; i < len(curve); i++ {
				require.GreaterOrEqual(t, curve[i].Calls, curve[i-1].Calls, "%s, %v", d.Name, i)
				require.LessOrEqual(t, curve[i].Delay, curve[i-1].Delay, "%s, %v", d.Name, i)
			}
			require.Less(t, curve[0].Calls, 2.05, d.Name)
			require.Greater(t, curve[len(curve)-1].Calls, 20.0, d.Name)
		}
	})

	t.Run("is a power law between two plans", func(t *testing.T) {
		curve := Curve{{2, 30}, {2, 20}, {4, 10}, {8, 2.5}}
		for calls, want := range map[float64]float64{2: 20, 4: 10, 2.8284271: 14.142136, 5.6568542: 5} {
			require.InEpsilon(t, want, curve.Delay(calls), 1e-6, "%v calls", calls)
		}
		for _, outside := range []float64{1.9, 8, 9} {
			require.True(t, curve.Delay(outside) != curve.Delay(outside), "%v calls: outside all plans", outside)
		}
	})
}
