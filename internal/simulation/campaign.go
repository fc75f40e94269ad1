package simulation

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Campaign is a voyage through many seeds.
type Campaign struct {
	Tier        string // its name
	Run         Tier
	From, Until uint64 // the seeds; Until is none of them
	Workers     int
	Report      func(string) // called with what is to be said of each seed that fails, by one worker at a time
}

// Sail runs the seeds until all are done, ctx ends, or five have failed.
func (c *Campaign) Sail(ctx context.Context) *Tally {
	all := &Tally{tier: c.Tier, Ends: map[End]int{}, Met: map[string]int{}}
	var mu sync.Mutex
	var next atomic.Uint64
	var group sync.WaitGroup
	next.Store(c.From)
	for range c.Workers {
		group.Go(func() {
			for seed := next.Add(1) - 1; seed < c.Until && ctx.Err() == nil; seed = next.Add(1) - 1 {
				drawn := Draw(c.Tier, seed)
				trace, found := Try(&drawn, c.Tier, c.Run)
				mu.Lock()
				all.add(seed, trace, found)
				enough := len(all.Failed) >= 5
				mu.Unlock()
				if len(found) > 0 {
					text := Report(&drawn, c.Tier, c.Run, trace, found)
					mu.Lock()
					c.Report(text)
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

// patience is how long a case may take, which takes milliseconds if all is well.
var patience = time.Minute

// Try runs a case and says what is wrong with what became of it: also that it
// panicked. One that hangs can't be left behind: it ends the process, with a word of
// how to replay it.
func Try(c *Case, tier string, run Tier) (t *Trace, found []Violation) {
	watch := time.AfterFunc(patience, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d of the %s tier has not come to its end within %v; replay it with: %s", c.Seed, tier, patience, c.Replay(tier)))
	})
	defer watch.Stop()
	defer func() {
		if r := recover(); r != nil {
			t, found = &Trace{Requests: -1}, []Violation{{"panic", 0, fmt.Sprintf("%v\n%s", r, debug.Stack())}}
		}
	}()
	t = run(c)
	return t, Check(c, t)
}

// Tally is what became of many seeds.
type Tally struct {
	tier         string
	Seeds, Polls int
	Years        float64 // of waiting; a Duration ends at 292
	Ends         map[End]int
	Met          map[string]int // how many polls met what [Everything] lists
	Failed       []uint64       // seeds
}

// add takes in one case and what became of it.
func (all *Tally) add(seed uint64, t *Trace, found []Violation) {
	all.Seeds++
	all.Polls += t.polls()
	for _, run := range t.Runs {
		all.Years += (run.At - run.Began).Hours() / (365.25 * 24)
		all.Ends[run.End]++
		for _, p := range run.Polls {
			for _, what := range p.Answer.Met {
				all.Met[what]++
			}
		}
	}
	if len(found) > 0 {
		all.Failed = append(all.Failed, seed)
	}
}

// Unmet returns what no poll has met of [Everything].
func (all *Tally) Unmet() []string {
	return slices.DeleteFunc(Everything(all.tier), func(what string) bool { return all.Met[what] > 0 })
}

// String is one paragraph.
func (all *Tally) String() string {
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(all.Ends)) {
		ends = append(ends, fmt.Sprintf("%s %d", end, all.Ends[end]))
	}
	everything := Everything(all.tier)
	rarest := slices.MinFunc(everything, func(a, b string) int { return all.Met[a] - all.Met[b] })
	return fmt.Sprintf("%d seeds, %d polls, %.3g years of waiting, %d failed\nends: %s\nmet: %d of %d kinds of trouble, the rarest %d times: %s",
		all.Seeds, all.Polls, all.Years, len(all.Failed), strings.Join(ends, ", "),
		len(everything)-len(all.Unmet()), len(everything), all.Met[rarest], rarest)
}
