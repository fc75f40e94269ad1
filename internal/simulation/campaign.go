package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Campaign is what became of many seeds. It is not safe for concurrent use.
type Campaign struct {
	Seeds, Polls int
	Waited       time.Duration // in the time of the waits
	Ends         map[End]int
	Failed       []uint64 // seeds
}

// add takes in one case and what became of it.
func (c *Campaign) add(seed uint64, t *Trace, found []Violation) {
	if c.Ends == nil {
		c.Ends = map[End]int{}
	}
	c.Seeds++
	c.Polls += t.polls()
	for _, run := range t.Runs {
		c.Waited += run.At - run.Began
		c.Ends[run.End]++
	}
	if len(found) > 0 {
		c.Failed = append(c.Failed, seed)
	}
}

// Sail runs seeds from to until, on as many workers, and stops after five that fail.
// report is called with each of those, by one worker at a time.
func Sail(tier string, run Tier, from, until uint64, workers int, report func(string)) *Campaign {
	all := &Campaign{}
	var mu sync.Mutex
	var next atomic.Uint64
	var group sync.WaitGroup
	next.Store(from)
	for range workers {
		group.Go(func() {
			for seed := next.Add(1) - 1; seed < until; seed = next.Add(1) - 1 {
				c := Draw(tier, seed)
				trace := run(&c)
				found := Check(&c, trace)
				mu.Lock()
				all.add(seed, trace, found)
				enough := len(all.Failed) >= 5
				mu.Unlock()
				if len(found) > 0 {
					text := Report(&c, tier, run, found)
					mu.Lock()
					report(text)
					mu.Unlock()
				}
				if enough {
					return
				}
			}
		})
	}
	group.Wait()
	return all
}

// String is one paragraph.
func (c *Campaign) String() string {
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(c.Ends)) {
		ends = append(ends, fmt.Sprintf("%s %d", end, c.Ends[end]))
	}
	const year = 365.25 * 24
	return fmt.Sprintf("%d seeds, %d polls, %.1f years of waiting, %d failed\nends: %s",
		c.Seeds, c.Polls, c.Waited.Hours()/year, len(c.Failed), strings.Join(ends, ", "))
}
