package status_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/status"
)

var noon = time.Date(2023, 7, 26, 12, 0, 0, 0, time.UTC)

// What follows is Diff and Merge once more, from the rules in the order in which
// they are written and as slowly as they read: an answer shows named jobs; what
// it lacks stays as last seen; what then differs is told.

type shown struct {
	name string
	job  status.Job
}

// show names a job's sub-jobs: by id, else by type, and where an earlier one has
// that name, with the first "#n" that is free.
func show(job status.Job) []shown {
	var all []shown
	for _, sub := range job.SubJobs {
		name := sub.ID
		if name == "" {
			name = sub.Type
		}
		unnumbered := name
		for n := 1; name == "" || has(all, name); n++ {
			if n > 1 || unnumbered == "" {
				name = unnumbered + "#" + strconv.Itoa(n)
			}
		}
		all = append(all, shown{name, sub})
	}
	return all
}

func has(all []shown, name string) bool {
	_, ok := find(all, name)
	return ok
}

func find(all []shown, name string) (status.Job, bool) {
	for _, s := range all {
		if s.name == name {
			return s.job, true
		}
	}
	return status.Job{}, false
}

func slowMerge(prev, next status.Job) (status.Job, []shown) {
	all := show(next)
	for _, old := range show(prev) {
		if !has(all, old.name) {
			all = append(all, old)
		}
	}
	next.SubJobs = nil
	for _, s := range all {
		next.SubJobs = append(next.SubJobs, s.job)
	}
	return next, all
}

func slowDiff(prev, next status.Job, at time.Time) []status.Transition {
	merged, all := slowMerge(prev, next)
	id := next.ID
	if id == "" {
		id = prev.ID
	}
	own, subs := []status.Transition{}, []status.Transition{}
	if prev.Status != next.Status {
		own = append(own, status.Transition{JobID: id, Job: merged, From: prev.Status, To: next.Status, ObservedAt: at})
	}
	before := show(prev)
	for _, s := range all {
		was, _ := find(before, s.name)
		if was.Status != s.job.Status {
			subs = append(subs, status.Transition{
				JobID: id, SubJob: s.name, Job: s.job, From: was.Status, To: s.job.Status, ObservedAt: at,
			})
		}
	}
	if next.Status == "success" || next.Status == "failed" {
		return append(subs, own...)
	}
	return append(own, subs...)
}

// statuses are what a snapshot says, by name. A sub-job without a status says nothing.
func statuses(job status.Job) map[string]status.Status {
	all := map[string]status.Status{"": job.Status}
	for _, s := range show(job) {
		if s.job.Status != "" {
			all[s.name] = s.job.Status
		}
	}
	return all
}

// requireLaw is what everything that resumes relies on: Diff tells what the slow
// one tells; told up to any point, what is left to tell is exactly the rest; and
// told to the end, the checkpoint says what the snapshot says.
func requireLaw(t *testing.T, prev, next status.Job) (told, merged status.Job) {
	t.Helper()
	prevBefore, nextBefore := prev.Clone(), next.Clone()
	diff := append([]status.Transition{}, status.Diff(prev, next, noon)...)
	merged = status.Merge(prev, next)
	wantMerged, _ := slowMerge(prev, next)
	about := func() string { return fmt.Sprintf("prev %+v\nnext %+v\ntold %+v", prev, next, told) }

	requireSame(t, slowDiff(prev, next, noon), diff, about)
	requireSame(t, wantMerged, merged, about)
	told = prev
	for i := range len(diff) + 1 {
		requireSame(t, diff[i:], append([]status.Transition{}, status.Diff(told, merged, noon)...), about)
		if i < len(diff) {
			told = status.Apply(told, diff[i])
		}
	}
	requireSame(t, statuses(merged), statuses(told), about)
	requireSame(t, prevBefore, prev, about)
	requireSame(t, nextBefore, next, about)
	return told, merged
}

// requireSame is require.Equal with its message put together only when it is needed.
func requireSame(t *testing.T, want, got any, about func() string) {
	t.Helper()
	if !assert.ObjectsAreEqual(want, got) {
		require.Equal(t, want, got, about())
	}
}

// pick draws an answer from so few words that ids, types, names and the parent's
// own id are mistaken for each other all the time. Where intN is random, so is it.
func pick(intN func(n int) int) status.Job {
	of := func(words ...string) string { return words[intN(len(words))] }
	word := func() string { return of("", "", "a", "a", "a#2", "a#3", "a#2#2", "#1", "#2", "b", "parent") }
	state := func() status.Status {
		return status.Status(of("", "waiting", "running", "success", "failed", "paused"))
	}
	job := status.Job{ID: of("parent", "parent", "PARENT", ""), Type: of("", "a"), Status: state()}
	for range intN(6) {
		job.SubJobs = append(job.SubJobs, status.Job{ID: word(), Type: word(), Status: state()})
	}
	return job
}

func TestTheLawHoldsForAnySequenceOfAnswers(t *testing.T) {
	for seed := range 3_000 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		var seen status.Job
		last := map[string]status.Status{}
		for range 1 + r.IntN(6) {
			next := pick(r.IntN)
			for _, tr := range status.Diff(seen, next, noon) {
				require.Equal(t, last[tr.SubJob], tr.From, "seed %d: told twice, or one was lost", seed)
				require.NotEqual(t, tr.From, tr.To, "seed %d: told although nothing changed", seed)
				last[tr.SubJob] = tr.To
			}
			told, merged := requireLaw(t, seen, next)
			for name, now := range statuses(merged) {
				require.Equal(t, now, last[name], "seed %d: %q was not told", seed, name)
			}
			if seen = merged; r.IntN(3) == 0 { // a restart: only the stored checkpoint is left
				seen = throughJSON(t, told)
			}
		}
	}
}
