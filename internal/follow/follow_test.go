package follow_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func good(s status.Status, at time.Duration) follow.Poll {
	return follow.Poll{Reply: poller.Reply{Job: status.Job{Status: s}}, At: start.Add(at)}
}

func bad(code int, at time.Duration) follow.Poll {
	return follow.Poll{Err: &poller.Error{StatusCode: code}, At: start.Add(at)}
}

func TestDelayIsAtLeastWhatTheServiceAsksAndAtMostWhatTheGraceLeaves(t *testing.T) {
	for _, test := range []struct {
		next  follow.Next
		asked time.Duration
		want  time.Duration
	}{
		{follow.Next{}, 3, 3},
		{follow.Next{}, -5, 0},
		{follow.Next{AtLeast: -3}, -5, 0},
		{follow.Next{AtLeast: 7}, 3, 7},
		{follow.Next{AtMost: 2}, 3, 2},
		{follow.Next{AtLeast: 5, AtMost: 2}, 3, 5},
	} {
		require.Equal(t, test.want, test.next.Delay(test.asked), "%+v", test.next)
	}
}

func TestTheLastLookAllowsForTheSlowestOfTheLastFourAnswers(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	deadline := start.Add(time.Hour)
	require.Equal(t, deadline.Add(-100*time.Millisecond), s.LastLook(deadline))
	took := func(d time.Duration, p follow.Poll) {
		p.Took = d
		s.Observe(p, follow.Rules{})
	}
	took(4*time.Second, good("running", 0))
	took(time.Second, bad(503, 1))
	require.Equal(t, deadline.Add(-6100*time.Millisecond), s.LastLook(deadline))
	took(15*time.Second, follow.Poll{Err: errors.New("reset"), At: start})
	require.Equal(t, deadline.Add(-6100*time.Millisecond), s.LastLook(deadline), "a hang is no answer")
	for range 3 {
		took(2*time.Second, good("running", 0))
	}
	require.Equal(t, deadline.Add(-3100*time.Millisecond), s.LastLook(deadline))
}

func TestAPollIsCutForTheLastLookOnlyOnceItLooksHung(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	deadline := start.Add(time.Minute)
	limit := func(timeout, age time.Duration) time.Duration {
		return s.PollLimit(timeout, start.Add(age), deadline)
	}
	require.Equal(t, time.Hour, limit(time.Hour, 0), "how fast the service is nobody knows yet")
	s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{Status: "running"}}, At: start, Took: 2 * time.Second}, follow.Rules{})
	require.Equal(t, 46900*time.Millisecond, limit(time.Hour, 10*time.Second))
	require.Equal(t, 46900*time.Millisecond, limit(0, 10*time.Second))
	require.Equal(t, 15*time.Second, limit(15*time.Second, 10*time.Second))
	require.Equal(t, 15*time.Second, limit(15*time.Second, 55*time.Second), "it may still answer in time")
	require.Equal(t, 15*time.Second, s.PollLimit(15*time.Second, start, time.Time{}))
}

func TestACloneIsOnItsOwn(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	for i := range 5 { // enough that the lists have room to grow into
		s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{
			Status: "waiting", SubJobs: []status.Job{{ID: "b", Status: status.Status(rune('A' + i))}},
		}}, At: start}, follow.Rules{})
		s.Observe(bad(503, 1), follow.Rules{})
	}
	before, err := json.Marshal(s)
	require.NoError(t, err)
	c := s.Clone()
	same, err := json.Marshal(c)
	require.NoError(t, err)
	require.Equal(t, string(before), string(same))

	c.Job.SubJobs[0].Status = "spoiled"
	c.Failures["503"] = 77
	c.Seen["b"][0] = "spoiled"
	c.Seen["c"] = nil
	c.Answers[0] = 77
	after, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

func TestAJobThatInventsStatusesDoesNotMakeProgressForEver(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	resets := 0
	for i := range 1000 {
		next := s.Observe(good(status.Status(rune('A'+i)), time.Duration(i)*time.Second), follow.Rules{StallLimit: time.Minute})
		require.Len(t, next.Transitions, 1)
		if next.Reset {
			resets++
		}
		if next.End == follow.Stalled {
			require.Equal(t, 32, resets)
			return
		}
	}
	t.Fatal("no stall")
}

func BenchmarkObserve(b *testing.B) {
	job := status.Job{ID: "a", Status: "running", SubJobs: []status.Job{
		{ID: "1", Status: "success"}, {ID: "2", Status: "running"}, {ID: "3", Status: "waiting"},
	}}
	s := follow.Begin(status.Job{ID: "a"}, start)
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(follow.Poll{Reply: poller.Reply{Job: job}, At: start}, follow.Rules{})
	}
}

func TestEverNewSubJobsAreNotProgressForEver(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	answer := status.Job{Status: "running"}
	for i := range 2_000 { // what one answer may hold
		answer.SubJobs = append(answer.SubJobs, status.Job{ID: strconv.Itoa(i), Status: "running"})
	}
	for minute := range 100 {
		next := s.Observe(follow.Poll{Reply: poller.Reply{Job: answer}, At: start.Add(time.Duration(minute) * time.Minute)},
			follow.Rules{StallLimit: time.Hour})
		if next.End == follow.Stalled {
			require.Equal(t, 60, minute)
			return
		}
		answer.SubJobs = []status.Job{{ID: "late" + strconv.Itoa(minute), Status: "running"}}
	}
	t.Fatal("no stall")
}

func TestWhatIsAnAnswerForTheLastLook(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want time.Duration
	}{
		"a good one":          {nil, 6100 * time.Millisecond},
		"a bad one":           {&poller.Error{StatusCode: 502}, 6100 * time.Millisecond},
		"half of one":         {&poller.Error{StatusCode: 200, Err: context.DeadlineExceeded}, 100 * time.Millisecond},
		"none, by the Poller": {&poller.Error{}, 100 * time.Millisecond},
		"none":                {errors.New("reset"), 100 * time.Millisecond},
	} {
		s := follow.Begin(status.Job{ID: "a"}, start)
		s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{Status: "running"}}, Err: test.err, Took: 4 * time.Second, At: start}, follow.Rules{})
		require.Equal(t, start.Add(-test.want), s.LastLook(start), name)
	}
}

func TestOnlyAStepBackIsWarnedOf(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	for _, step := range []struct {
		now  status.Status
		want []string
	}{
		{"waiting", nil},
		{"running", nil},
		{"paused", []string{`unknown status "paused" is taken for not finished`}},
		{"running", nil},
		{"waiting", []string{`status went back from "running" to "waiting"`}},
	} {
		require.Equal(t, step.want, s.Observe(good(step.now, 0), follow.Rules{}).Warnings, step.now)
	}
}

func TestAStatusThatASubJobLosesIsNoUnknownOne(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	for _, now := range []status.Status{"running", ""} {
		next := s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{
			Status: "running", SubJobs: []status.Job{{ID: "b", Status: now}},
		}}, At: start}, follow.Rules{})
		for _, warning := range next.Warnings {
			require.NotContains(t, warning, "unknown")
		}
	}
}

// A Poller that lets a bad answer pass is no reason to ask again sooner.
func TestABadAnswersRetryAfterCountsWhoeverFindsItBad(t *testing.T) {
	for _, job := range []status.Job{{}, {ID: "another", Status: status.Failed}} {
		s := follow.Begin(status.Job{ID: "a"}, start)
		next := s.Observe(follow.Poll{
			Reply: poller.Reply{Job: job, RetryAfter: time.Minute, RequestID: "a-request"}, At: start,
		}, follow.Rules{})
		require.Equal(t, time.Minute, next.Delay(time.Second), "%+v", job)
		require.ErrorContains(t, next.Failure, "a-request")
	}
}

func TestAJobIsAsOldAsItsAnswer(t *testing.T) {
	s := follow.Begin(status.Job{ID: "a"}, start)
	s.Observe(follow.Poll{Reply: poller.Reply{Job: status.Job{Status: "running"}}, At: start.Add(9 * time.Second), Took: 8 * time.Second}, follow.Rules{})
	require.Equal(t, start.Add(9*time.Second), s.LastSeen, "when it arrived, not when it was asked for")
}
