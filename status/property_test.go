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

// What follows implements Diff and Merge a second time, straight from the rules and without any
// shortcut: a response shows named jobs; a job or a status that it leaves out stays as last seen;
// what then differs is delivered.

type shown struct {
	name string
	job  status.Job
}

// show names a job's sub-jobs: by id, otherwise by type, and where an earlier one has that name,
// with the first "#n" that is free.
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
	if next.Status == "" {
		next.Status = prev.Status
	}
	all, before := show(next), show(prev)
	for i, s := range all {
		if s.job.Status == "" {
			old, _ := find(before, s.name)
			all[i].job.Status = old.Status
		}
	}
	for _, old := range before {
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
	if prev.Status != merged.Status {
		own = append(own, status.Transition{JobID: id, Job: merged, From: prev.Status, To: merged.Status, ObservedAt: at})
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
	if merged.Status == "success" || merged.Status == "failed" {
		return append(subs, own...)
	}
	return append(own, subs...)
}

// statuses are those of a snapshot, by name. A sub-job that was never seen with one has none.
func statuses(job status.Job) map[string]status.Status {
	all := map[string]status.Status{"": job.Status}
	for _, s := range show(job) {
		if s.job.Status != "" {
			all[s.name] = s.job.Status
		}
	}
	return all
}

// requireProperties checks what everything that resumes relies on: Diff and Merge return what the
// slow ones return; from a checkpoint taken after any transition, Diff returns exactly the rest;
// and the checkpoint after the last one has the statuses of the snapshot. No argument is changed.
func requireProperties(t *testing.T, prev, next status.Job) (delivered, merged status.Job) {
	t.Helper()
	prevBefore, nextBefore := prev.Clone(), next.Clone()
	diff := append([]status.Transition{}, status.Diff(prev, next, noon)...)
	merged = status.Merge(prev, next)
	wantMerged, _ := slowMerge(prev, next)
	about := func() string { return fmt.Sprintf("prev %+v\nnext %+v\ndelivered %+v", prev, next, delivered) }

	requireSame(t, slowDiff(prev, next, noon), diff, about)
	requireSame(t, wantMerged, merged, about)
	delivered = prev
	for i := range len(diff) + 1 {
		requireSame(t, diff[i:], append([]status.Transition{}, status.Diff(delivered, merged, noon)...), about)
		if i < len(diff) {
			delivered = status.Apply(delivered, diff[i])
		}
	}
	requireSame(t, statuses(merged), statuses(delivered), about)
	requireSame(t, prevBefore, prev, about)
	requireSame(t, nextBefore, next, about)
	return delivered, merged
}

// requireSame is require.Equal, but it builds its message only when it is needed.
func requireSame(t *testing.T, want, got any, about func() string) {
	t.Helper()
	if !assert.ObjectsAreEqual(want, got) {
		require.Equal(t, want, got, about())
	}
}

// pick draws a response from so few words that ids, types, names and the parent's own id often
// look alike. The response is as random as intN.
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

func TestDiffOverSequences(t *testing.T) {
	for seed := range 3_000 {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		var seen status.Job
		last := map[string]status.Status{}
		for range 1 + r.IntN(6) {
			next := pick(r.IntN)
			for _, tr := range status.Diff(seen, next, noon) {
				require.Equal(t, last[tr.SubJob], tr.From, "seed %d: delivered twice, or one was lost", seed)
				require.NotEqual(t, tr.From, tr.To, "seed %d: delivered although nothing changed", seed)
				last[tr.SubJob] = tr.To
			}
			delivered, merged := requireProperties(t, seen, next)
			for name, now := range statuses(merged) {
				require.Equal(t, now, last[name], "seed %d: %q was not delivered", seed, name)
			}
			if seen = merged; r.IntN(3) == 0 { // a restart: only the stored checkpoint is left
				seen = throughJSON(t, delivered)
			}
		}
	}
}
