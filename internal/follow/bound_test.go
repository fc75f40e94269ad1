package follow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// A service that invents ever new sub-jobs, or ever longer texts, fills no memory.
func TestWhatAWaitKeepsIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, answer := range map[string]func(poll int) status.Job{
		"ever new ids": func(poll int) (j status.Job) {
			for i := range 2000 {
				j.SubJobs = append(j.SubJobs, status.Job{ID: fmt.Sprintf("%d-%d", poll, i), Status: status.Running})
			}
			return j
		},
		"ever new long reasons": func(poll int) status.Job {
			return status.Job{SubJobs: []status.Job{{ID: fmt.Sprint(poll), Status: status.Failed, FailReason: long}}}
		},
		"ever new long ids": func(poll int) status.Job {
			return status.Job{SubJobs: []status.Job{{ID: fmt.Sprint(poll, long), Status: status.Running}}}
		},
		"ever new long statuses": func(poll int) status.Job {
			return status.Job{SubJobs: []status.Job{{ID: "a", Status: status.Status(fmt.Sprint(poll, long))}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := follow.Begin(status.Job{ID: "a"}, start)
			told := 0
			for poll := range 40 {
				job := answer(poll)
				job.Status = status.Running
				next := s.Observe(follow.Poll{Reply: poller.Reply{Job: job}, At: start.Add(time.Duration(poll) * time.Second)}, follow.Rules{})
				told += len(next.Transitions)
				require.Equal(t, job.SubJobs, s.Job.SubJobs[:len(job.SubJobs)], "what the answer has is kept")
			}
			require.Greater(t, told, 40, "all are told")
			stored, err := json.Marshal(s)
			require.NoError(t, err)
			require.Less(t, len(stored), 4<<20)
		})
	}
}

// An honest job of more sub-jobs than are kept still ends, and the latest are there.
func TestTheSubJobsLastSeenLongestAgoAreForgottenFirst(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	for poll := range 3 {
		job := status.Job{Status: status.Running}
		for i := range 1000 {
			job.SubJobs = append(job.SubJobs, status.Job{ID: fmt.Sprintf("%d-%d", poll, i), Status: status.Success})
		}
		s.Observe(follow.Poll{Reply: poller.Reply{Job: job}, At: start}, follow.Rules{})
	}
	require.Len(t, s.Job.SubJobs, 2000)
	require.Equal(t, "2-0", s.Job.SubJobs[0].ID)
	require.Equal(t, "1-999", s.Job.SubJobs[1999].ID)
	next := s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{Status: status.Success}}, At: start}, follow.Rules{})
	require.Equal(t, follow.Succeeded, next.End)
}
