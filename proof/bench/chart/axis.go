package chart

import (
	"math"
	"strconv"
)

// An axis lays a log scale from one place to another.
type axis struct{ min, max, from, to float64 }

// axes hold every mark, with room for labels, and for the curve below them.
func (p Panel) axes() (x, y axis) {
	x = axis{math.Inf(1), 0, left, width - right}
	y = axis{math.Inf(1), 0, height - bottom, top}
	for _, m := range p.Marks {
		x.min, x.max = min(x.min, m.X), max(x.max, m.X)
		y.min, y.max = min(y.min, m.Y), max(y.max, m.Y)
	}
	x.min, x.max = x.min/1.25, x.max*1.25
	y.min, y.max = y.min/2.5, y.max*1.5
	return x, y
}

func (a axis) holds(v float64) bool { return a.min <= v && v <= a.max }

func (a axis) at(v float64) float64 {
	return a.from + (a.to-a.from)*math.Log(v/a.min)/math.Log(a.max/a.min)
}

// ticks are 1, 2 and 5 times the powers of ten.
func (a axis) ticks() []float64 {
	var ticks []float64
	for e := math.Floor(math.Log10(a.min)); e <= math.Log10(a.max); e++ {
		for _, m := range []float64{1, 2, 5} {
			if v := m * math.Pow(10, e); a.holds(v) {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
