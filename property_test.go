package waiter_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// An oracle applies the documented rules to the same answers, in the order in which
// they are written, and takes nothing from package status but its types.
type oracle struct {
	told map[string]status.Status // by name; "" is the job
	out  []string
}

func (o *oracle) tell(name string, now status.Status) {
	if was := o.told[name]; was != now {
		o.out = append(o.out, strings.TrimSpace(fmt.Sprintf("%s %s->%s", name, was, now)))
		o.told[name] = now
	}
}

func (o *oracle) observe(answer status.Job) (ended bool) {
	lower := func(s status.Status) status.Status {
		switch l := strings.ToLower(string(s)); l {
		case "waiting", "running", "success", "failed":
			return status.Status(l)
		}
		return s
	}
	bare := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	if answer.Status == "" || answer.ID != "" && bare(answer.ID) != bare(id) {
		return false // a bad answer
	}
	now := lower(answer.Status)
	ended = now == "success" || now == "failed"
	if !ended {
		o.tell("", now)
	}
	used := map[string]bool{}
	for _, sub := range answer.SubJobs {
		label := sub.ID
		if label == "" {
			label = sub.Type
		}
		name := label
		if label == "" {
			name = "#1"
		}
		for n := 2; used[name]; n++ {
			name = fmt.Sprintf("%s#%d", label, n)
		}
		used[name] = true
		o.tell(name, lower(sub.Status))
	}
	if ended {
		o.tell("", now)
	}
	return ended
}

func randomAnswers(r *rand.Rand) []any {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var list []any
	for range r.IntN(20) {
		if r.IntN(5) == 0 {
			list = append(list, httpError([]int{429, 500, 502, 503, 200}[r.IntN(5)]))
			continue
		}
		j := status.Job{
			ID:     pick(id, id, "", strings.ToUpper(id), strings.ReplaceAll(id, "-", ""), "another"),
			Status: status.Status(pick("waiting", "running", "running", "RUNNING", "paused", "")),
		}
		for range r.IntN(6) {
			j.SubJobs = append(j.SubJobs, status.Job{
				ID:     pick("a", "b", "c", "a#2", "", "", id),
				Type:   pick("mount", "check", "a", ""),
				Status: status.Status(pick("waiting", "running", "success", "failed", "Success", "paused")),
			})
		}
		list = append(list, j)
	}
	end := job(status.Status(pick("success", "failed", "SUCCESS")))
	if r.IntN(2) == 0 {
		end.SubJobs = []status.Job{sub("a", "success"), {Type: "mount", Status: "success"}}
	}
	return append(list, end)
}

func TestEveryWayOfWaitingTellsWhatTheRulesSay(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		for seed := range uint64(1000) {
			list := randomAnswers(rand.New(rand.NewPCG(seed, 0)))
			want := oracle{told: map[string]status.Status{}, out: []string{}}
			for _, answer := range list {
				if j, ok := answer.(status.Job); ok && want.observe(j) {
					break
				}
			}
			got := v(t.Context(), t, newWaiter(t, answers(list...)))
			require.Equal(t, want.out, got.lines(), "seed %d: %v", seed, list)
			require.Equal(t, want.told[""], got.job.Status, "seed %d", seed)
			require.Equal(t, want.told[""] == status.Failed, got.err != nil, "seed %d", seed)

			statuses := map[string]int{}
			for name, s := range want.told {
				if name != "" {
					statuses[string(s)]++
				}
			}
			for _, sub := range got.job.SubJobs {
				statuses[string(sub.Status)]--
			}
			maps.DeleteFunc(statuses, func(_ string, n int) bool { return n == 0 })
			require.Empty(t, statuses, "seed %d: sub-jobs kept or lost", seed)
		}
	})
}

// A wait that is dropped at any moment and goes on from the fold of what it told
// tells the rest, and nothing twice.
func TestACrashAtAnyMomentLosesAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(300) {
			list := randomAnswers(rand.New(rand.NewPCG(seed, 1)))
			whole := watch(t.Context(), t, newWaiter(t, answers(list...)))
			all := whole.lines()
			for crash := range all {
				first, checkpoint := answers(list...), status.Job{}
				left := crash
				for told := range newWaiter(t, first).Watch(t.Context(), id) {
					checkpoint = status.Apply(checkpoint, told)
					if left--; left < 0 {
						break
					}
				}
				second := answers(list[len(first.polls)-1:]...) // the answer in which it crashed comes again
				rest := wait(t.Context(), t, newWaiter(t, second), waiter.From(checkpoint))
				require.Equal(t, all[crash+1:], rest.lines(), "seed %d, crash %d: %v", seed, crash, list)
			}
		}
	})
}
