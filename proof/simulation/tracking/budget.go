package tracking

import (
	"cmp"
	"slices"
	"time"
)

// budget checks the rate, and how many polls are in flight.
func (o *observer) budget() {
	var polls []Entry
	looks := 0
	for _, e := range o.entries {
		switch {
		case e.What == "poll":
			polls = append(polls, e)
		case e.What == "wait" && e.Deadline > 0:
			looks++
		}
	}
	slices.SortStableFunc(polls, func(a, b Entry) int { return cmp.Compare(a.From, b.From) })
	tokens, last, life := float64(o.c.Burst), time.Duration(0), 0
	for i, p := range polls {
		if p.Life != life {
			tokens, life = float64(o.c.Burst), p.Life
		} else {
			tokens = min(float64(o.c.Burst), tokens+o.c.Rate*(p.From-last).Seconds())
		}
		last = p.From
		if tokens--; o.c.Rate > 0 && tokens < -1e-6 {
			o.reportf("at %v there is a poll more than %v a second", p.From, o.c.Rate)
		}
		flying := 1
		for _, other := range polls[:i] {
			if other.Life == p.Life && other.To > p.From {
				flying++
			}
		}
		if o.c.Concurrency > 0 && flying > o.c.Concurrency+looks {
			o.reportf("at %v there are %d polls in flight", p.From, flying)
		}
	}
}
