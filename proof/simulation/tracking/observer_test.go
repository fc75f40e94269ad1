package tracking

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

// corruptions change what happened, and the observer must say so in these words. They return nil
// where they do not apply.
var corruptions = map[string]struct {
	says   string
	change func(c *Case, all []Entry) []Entry
}{
	"a lost transition": {"does not follow", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "delivery" && e.Transition.From != "" })
		return without(all, i)
	}},
	"a transition delivered twice": {"does not follow", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "delivery" && e.Transition.From != "" })
		return with(all, i, func(*Entry) {})
	}},
	"a status that never was": {"was never so", func(_ *Case, all []Entry) []Entry {
		return edited(all, "delivery", func(e *Entry) bool { e.Transition.To = "paused"; return true })
	}},
	"two polls at once": {"though a poll is in flight", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "poll" && e.From > time.Second })
		return with(all, i, func(e *Entry) { e.From++ })
	}},
	"a poll during a delivery": {"while a change is delivered", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "delivery" && e.To > e.From+time.Second })
		return with(all, i, func(e *Entry) { e.What, e.From = "poll", e.From+time.Second })
	}},
	"a poll after the end": {"after its end", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.ends() && e.Outcome == "success" })
		return with(all, i, func(e *Entry) { e.What, e.From, e.To = "poll", e.From+1, e.To+1 })
	}},
	"a poll of a forgotten job": {"after it was forgotten", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "forget" })
		return with(all, i, func(e *Entry) { e.What, e.From, e.To = "poll", e.From+1, e.To+1 })
	}},
	"a wait that is late": {"times out at", func(_ *Case, all []Entry) []Entry {
		return edited(all, "wait", func(e *Entry) bool { e.To += time.Second; return e.Outcome == "timeout" })
	}},
	"a wait with another outcome": {"which was not its end", func(_ *Case, all []Entry) []Entry {
		return edited(all, "wait", func(e *Entry) bool {
			was := e.Outcome
			e.Outcome = "stalled"
			return was == "success"
		})
	}},
	"no last look": {"no last look", func(c *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "wait" && e.Outcome == "timeout" })
		if i < 0 {
			return nil
		}
		w := all[i]
		return slices.DeleteFunc(slices.Clone(all), func(e Entry) bool {
			return e.What == "poll" && e.Job == w.Job && e.To > w.Deadline-2*c.Latency-time.Second
		})
	}},
	"polls beyond the rate": {"a second", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "poll" })
		for range 20 {
			if all = with(all, i, func(*Entry) {}); all == nil {
				return nil
			}
		}
		return all
	}},
	"too many polls in flight": {"polls in flight", func(_ *Case, all []Entry) []Entry {
		i := slices.IndexFunc(all, func(e Entry) bool { return e.What == "poll" && e.To > e.From })
		for range 80 {
			if all = with(all, i, func(*Entry) {}); all == nil {
				return nil
			}
		}
		return all
	}},
	"a commit without what was delivered": {"does not have it", func(_ *Case, all []Entry) []Entry {
		all = slices.Clone(all)
		for i, e := range all {
			for n, record := range e.Records {
				if record[""] == status.Success {
					records := map[int]map[string]status.Status{n: {"": "waiting"}}
					all[i].Records = records
					return append(all, Entry{What: "commit", From: e.To + time.Hour, To: e.To + time.Hour, Life: e.Life, Job: -1, Records: records})
				}
			}
		}
		return nil
	}},
}

func without(all []Entry, i int) []Entry {
	if i < 0 {
		return nil
	}
	return slices.Delete(slices.Clone(all), i, i+1)
}

func with(all []Entry, i int, change func(*Entry)) []Entry {
	if i < 0 {
		return nil
	}
	e := all[i]
	change(&e)
	return slices.Insert(slices.Clone(all), i+1, e)
}

func edited(all []Entry, what string, change func(*Entry) bool) []Entry {
	all = slices.Clone(all)
	for i := range all {
		if e := all[i]; e.What == what && change(&e) {
			all[i] = e
			return all
		}
	}
	return nil
}

func TestObserverSeesWhatIsWrong(t *testing.T) {
	missing := map[string]bool{}
	for name := range corruptions {
		missing[name] = true
	}
	for s := uint64(1); s < 200 && len(missing) > 0; s++ {
		c, entries := simulate(t, s)
		require.Empty(t, Check(&c, entries), "seed %d", s)
		for name := range missing {
			change := corruptions[name]
			all := change.change(&c, entries)
			if all == nil {
				continue
			}
			if slices.ContainsFunc(Check(&c, all), func(said string) bool { return strings.Contains(said, change.says) }) {
				delete(missing, name)
			}
		}
	}
	require.Empty(t, missing)
}
