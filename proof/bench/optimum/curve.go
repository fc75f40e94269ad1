package optimum

import (
	"math"
	"sort"

	"github.com/sfsturbo/waiter/proof/bench/jobs"
)

// A Point is the mean cost of a schedule.
type Point struct {
	Calls float64 // for each job, including the one at age 0
	Delay float64 // seconds from a job's end to the poll that sees it
}

// Measure returns the cost of polling these jobs at age 0 and then at these ages. After the last
// age, the last interval repeats.
func Measure(polls []float64, list []jobs.Job) Point {
	last := len(polls) - 1
	interval := polls[last]
	if last > 0 {
		interval -= polls[last-1]
	}
	var sum Point
	for _, job := range list {
		t := job.Length.Seconds()
		i := min(sort.SearchFloat64s(polls, t), last)
		more := math.Ceil(max(0, t-polls[last]) / interval)
		sum.Calls += float64(i+2) + more
		sum.Delay += polls[i] + more*interval - t
	}
	n := float64(len(list))
	return Point{sum.Calls / n, sum.Delay / n}
}

// Curve is the least delay for each number of calls, from few calls to many.
type Curve []Point

// NewCurve makes plans for call costs from 30,000 s of delay down to 0.2 ms, and measures each with
// list.
func NewCurve(d jobs.Distribution, list []jobs.Job) Curve {
	var c Curve
	for callCost := 3e4; callCost > 2e-4; callCost /= 1.6 {
		polls, _ := Plan(d, callCost)
		c = append(c, Measure(polls, list))
	}
	return c
}

// Delay returns the least delay for this number of calls, interpolated on log scales, or NaN
// outside the curve. If several plans need this number, as where one poll sees every job, it is
// that of the best one.
func (c Curve) Delay(calls float64) float64 {
	i := sort.Search(len(c), func(i int) bool { return c[i].Calls > calls })
	if i == 0 || i == len(c) {
		return math.NaN()
	}
	few, many := c[i-1], c[i]
	share := math.Log(calls/few.Calls) / math.Log(many.Calls/few.Calls)
	return few.Delay * math.Pow(many.Delay/few.Delay, share)
}
