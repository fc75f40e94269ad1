package follow_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

func TestSeenUnknownStatuses(t *testing.T) {
	s, resets, warnings := begin(), 0, 0
	for i := range 100 {
		n := s.Observe(good(status.Status(fmt.Sprint("unknown", i)), 0), follow.Rules{})
		require.Len(t, n.Transitions, 1, "each is delivered")
		warnings += len(n.Warnings)
		if n.Reset {
			resets++
		}
	}
	require.Equal(t, 32, resets)
	require.Equal(t, 32, warnings)
	require.True(t, s.Observe(good("running", 0), follow.Rules{}).Reset, "known ones still count")
	sub := status.Job{Status: "running", SubJobs: []status.Job{{ID: "s", Status: "unknown0"}}}
	require.True(t, s.Observe(reply(sub, 0), follow.Rules{}).Reset, "one of the 32, of another name")
}

func TestSeenNames(t *testing.T) {
	s := begin()
	job := status.Job{Status: "running"}
	for i := range 2_000 {
		job.SubJobs = append(job.SubJobs, status.Job{ID: strconv.Itoa(i), Status: "running"})
	}
	require.True(t, s.Observe(reply(job, 0), follow.Rules{}).Reset)
	late := status.Job{Status: "running", SubJobs: []status.Job{{ID: "late", Status: "running"}}}
	n := s.Observe(reply(late, time.Minute), follow.Rules{StallLimit: time.Minute})
	require.Len(t, n.Transitions, 1, "it is delivered")
	require.False(t, n.Reset)
	require.Equal(t, follow.Stalled, n.End)
}

// Two replicas with sub-jobs of their own: more than are kept.
func TestSeenSubJobsThatComeAndGo(t *testing.T) {
	replica := func(name string, s status.Status) follow.Poll {
		job := status.Job{Status: "running"}
		for i := range 1_500 {
			job.SubJobs = append(job.SubJobs, status.Job{ID: fmt.Sprint(name, i), Status: s})
		}
		return reply(job, 0)
	}
	s, delivered := begin(), 0
	for range 5 {
		delivered += len(s.Observe(replica("a", "running"), follow.Rules{}).Transitions)
		delivered += len(s.Observe(replica("b", "running"), follow.Rules{}).Transitions)
	}
	require.Equal(t, 3_001, delivered, "each once, and the job")
	require.Len(t, s.Observe(replica("a", "success"), follow.Rules{}).Transitions, 1_500, "a new status is delivered")
	s.Observe(replica("b", "running"), follow.Rules{})
	s = stored(t, &s)
	require.Empty(t, s.Observe(replica("a", "success"), follow.Rules{}).Transitions, "another process knows them")
	s.Observe(replica("b", "running"), follow.Rules{})
	require.Len(t, s.Observe(replica("a", "running"), follow.Rules{}).Transitions, 1_500, "and so is a status that is gone back to")

	t.Run("and as many as can be remembered, however often", func(t *testing.T) {
		s, delivered := begin(), 0
		for poll := range 66 {
			n := s.Observe(replica(fmt.Sprint(poll%22, "-"), "running"), follow.Rules{})
			require.Empty(t, n.Warnings)
			delivered += len(n.Transitions)
		}
		require.Equal(t, 1+22*1_500, delivered)
	})

	t.Run("and more than can be remembered, which is said once", func(t *testing.T) {
		s, warnings := begin(), []string{}
		for poll := range 50 {
			warnings = append(warnings, s.Observe(replica(fmt.Sprint(poll, "-"), "running"), follow.Rules{}).Warnings...)
		}
		require.Len(t, warnings, 1)
		require.Contains(t, warnings[0], "may be delivered again")
		s = stored(t, &s)
		late := s.Observe(replica("late", "running"), follow.Rules{})
		require.Len(t, late.Transitions, 1_500, "still delivered")
		require.Empty(t, late.Warnings, "another process has said it")
		require.Less(t, len(s.Memory()), 1<<20)
	})
}

func TestBound(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, response := range map[string]func(poll int) []status.Job{
		"new ids": func(poll int) (subs []status.Job) {
			for i := range 1_000 {
				subs = append(subs, status.Job{ID: fmt.Sprintf("%d-%d", poll, i), Status: "running"})
			}
			return subs
		},
		"new long reasons": func(poll int) []status.Job {
			return []status.Job{{ID: strconv.Itoa(poll), Status: "failed", FailReason: long}}
		},
		"new long ids": func(poll int) []status.Job {
			return []status.Job{{ID: fmt.Sprint(poll, long), Status: "running"}}
		},
		"new long statuses": func(poll int) []status.Job {
			return []status.Job{{ID: "s", Status: status.Status(fmt.Sprint(poll, long))}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin()
			for poll := range 6 {
				subs := response(poll)
				n := s.Observe(reply(status.Job{Status: "running", SubJobs: subs}, 0), follow.Rules{})
				require.GreaterOrEqual(t, len(n.Transitions), len(subs), "all are delivered")
				require.Equal(t, subs, s.Job.SubJobs[:len(subs)], "the response's own are kept")
				require.LessOrEqual(t, len(s.Job.SubJobs), 2_000)
				size := 0
				for _, sub := range s.Job.SubJobs {
					size += len(sub.ID) + len(sub.Status) + len(sub.FailReason)
				}
				require.LessOrEqual(t, size, 2<<20)
			}
			if name == "new ids" {
				require.Len(t, s.Job.SubJobs, 2_000)
				require.Equal(t, "4-999", s.Job.SubJobs[1_999].ID, "the least recently seen are dropped first")
			}
		})
	}
}
