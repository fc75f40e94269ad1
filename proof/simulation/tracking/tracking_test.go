package tracking

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var (
	seeds = flag.Uint64("seeds", 300, "how many random cases to try")
	seed  = flag.Uint64("seed", 0, "try this case only, and print what happened")
)

func simulate(t *testing.T, seed uint64) (c Case, entries []Entry) {
	c = Draw(seed)
	synctest.Test(t, func(t *testing.T) { entries = Run(t, &c) })
	return c, entries
}

func TestTracker(t *testing.T) {
	first, last := uint64(1), *seeds
	if *seed > 0 {
		first, last = *seed, *seed
	}
	met, polls := map[string]int{}, 0
	for s := first; s <= last && !t.Failed(); s++ {
		c, entries := simulate(t, s)
		for kind := range kinds(&c, entries) {
			met[kind]++
		}
		for _, e := range entries {
			if e.What == "poll" {
				polls++
			}
		}
		wrong := Check(&c, entries)
		if *seed > 0 || len(wrong) > 0 || t.Failed() {
			t.Log(story(&c, entries))
		}
		require.Empty(t, wrong, "seed %d", s)
	}
	t.Logf("%d cases, %d polls: %v", last-first+1, polls, met)
	if last-first >= 299 {
		for _, kind := range everyKind {
			require.Positive(t, met[kind], "no case has met: %s", kind)
		}
	}
}

func story(c *Case, entries []Entry) string {
	text := fmt.Sprintf("%+v\n", *c)
	for _, e := range entries {
		text += fmt.Sprintf("%v-%v %s life %d job %d %d %v %v %s deadline %v\n",
			e.From, e.To, e.What, e.Life, e.Job, e.Status, e.Transition, e.Records, e.Outcome, e.Deadline)
	}
	return text
}

var everyKind = []string{
	"crash", "run", "poll 200", "poll 0", "poll 404", "poll 429", "poll 503", "poll 401", "delivered again", "forget", "history",
	"rate", "concurrency", "throttle", "full", "retention",
	"end success", "end failed", "end canceled", "end stopped", "end not_found", "end disappeared", "end unauthorized",
	"wait success", "wait failed", "wait timeout", "wait stopped", "wait not_found",
}

// kinds returns what a case has met.
func kinds(c *Case, entries []Entry) map[string]bool {
	met := map[string]bool{
		"history": c.History, "rate": c.Rate > 0, "concurrency": c.Concurrency > 0, "throttle": c.Throttle > 0,
		"full": c.Full[1] > 0, "retention": c.Retention < horizon,
	}
	seen := map[string]int{}
	for _, e := range entries {
		switch e.What {
		case "poll":
			met[fmt.Sprint("poll ", e.Status)] = true
		case "end", "wait":
			met[e.What+" "+e.Outcome] = true
		case "delivery":
			key := fmt.Sprint(e.Job, e.Transition.SubJob, e.Transition.To)
			if life, again := seen[key]; again && life != e.Life {
				met["delivered again"] = true
			}
			seen[key] = e.Life
		default:
			met[e.What] = true
		}
	}
	for kind, ok := range met {
		if !ok {
			delete(met, kind)
		}
	}
	return met
}
