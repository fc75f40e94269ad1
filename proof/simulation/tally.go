package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tally sums up the traces of many seeds.
type Tally struct {
	tier         string
	Seeds, Polls int
	Years        float64 // of waiting; a Duration ends at 292
	Ends         map[End]int
	Met          map[string]int // how many polls met each entry of [Everything]
	Failed       []uint64       // seeds
}

// add adds the trace of one case.
func (all *Tally) add(seed uint64, t *Trace, found []Violation) {
	all.Seeds++
	all.Polls += t.polls()
	for _, run := range t.Runs {
		all.Years += (run.At - run.Began).Hours() / (365.25 * 24)
		all.Ends[run.End]++
		for _, p := range run.Polls {
			for _, what := range p.Response.Met {
				all.Met[what]++
			}
		}
	}
	if len(found) > 0 {
		all.Failed = append(all.Failed, seed)
	}
}

// Unmet returns what of [Everything] no poll has met.
func (all *Tally) Unmet() []string {
	return slices.DeleteFunc(Everything(all.tier), func(what string) bool { return all.Met[what] > 0 })
}

// String returns one paragraph.
func (all *Tally) String() string {
	var ends []string
	for _, end := range slices.Sorted(maps.Keys(all.Ends)) {
		ends = append(ends, fmt.Sprintf("%s %d", end, all.Ends[end]))
	}
	everything := Everything(all.tier)
	rarest := slices.MinFunc(everything, func(a, b string) int { return all.Met[a] - all.Met[b] })
	return fmt.Sprintf("%d seeds, %d polls, %.1f years of waiting, %d failed\nends: %s\nmet: %d of %d kinds of trouble, the rarest %d times: %s",
		all.Seeds, all.Polls, all.Years, len(all.Failed), strings.Join(ends, ", "),
		len(everything)-len(all.Unmet()), len(everything), all.Met[rarest], rarest)
}
