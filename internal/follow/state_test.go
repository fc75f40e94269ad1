package follow_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		own, sub                        status.Status
		plain, strict, failFast, either follow.End
	}{
		{"running", "running", follow.Open, follow.Open, follow.Open, follow.Open},
		{"running", "failed", follow.Open, follow.Open, follow.SubJobFailed, follow.SubJobFailed},
		{"success", "success", follow.Succeeded, follow.Succeeded, follow.Succeeded, follow.Succeeded},
		{"success", "failed", follow.Succeeded, follow.JobFailed, follow.Succeeded, follow.JobFailed},
		{"failed", "success", follow.JobFailed, follow.JobFailed, follow.JobFailed, follow.JobFailed},
		{"failed", "failed", follow.JobFailed, follow.JobFailed, follow.JobFailed, follow.JobFailed},
	} {
		job := status.Job{Status: test.own, SubJobs: []status.Job{{ID: "s", Status: test.sub}}}
		for rules, want := range map[[2]bool]follow.End{
			{false, false}: test.plain, {true, false}: test.strict, {false, true}: test.failFast, {true, true}: test.either,
		} {
			s := begin()
			n := s.Observe(reply(job, 0), follow.Rules{StrictSubJobs: rules[0], FailFast: rules[1]})
			require.Equal(t, want, n.End, "%s with %s: strict %t, fail fast %t", test.own, test.sub, rules[0], rules[1])
		}
	}
}

func TestStall(t *testing.T) {
	rules := follow.Rules{StallLimit: time.Minute}
	s := begin()
	for _, step := range []struct {
		poll      follow.Poll
		unchanged time.Duration
		end       follow.End
	}{
		{good("waiting", 0), 0, follow.Open},
		{good("waiting", time.Minute-1), time.Minute - 1, follow.Open},
		{bad(503, 2*time.Minute), time.Minute - 1, follow.Open}, // the job was not seen then
		{good("running", 3*time.Minute), 0, follow.Open},
		{good("waiting", 4*time.Minute-1), time.Minute - 1, follow.Open},
		{good("running", 4*time.Minute), time.Minute, follow.Stalled}, // back and forth is no progress
	} {
		require.Equal(t, step.end, s.Observe(step.poll, rules).End)
		require.Equal(t, step.unchanged, s.Unchanged())
	}
	unseen := begin()
	require.Zero(t, unseen.Unchanged())
	require.Equal(t, follow.Succeeded, s.Observe(good("success", time.Hour), rules).End, "an end is no stall")
}

func TestAge(t *testing.T) {
	s := begin()
	require.Zero(t, s.Age())
	p := good("running", 9*time.Second)
	p.Took = 8 * time.Second
	s.Observe(p, follow.Rules{})
	require.Equal(t, 9*time.Second, s.Age(), "when the response arrived")
	resumed := follow.Begin(status.Job{ID: "a", Status: "running"}, start)
	resumed.Observe(p, follow.Rules{})
	require.Equal(t, time.Duration(-1), resumed.Age())
}

func TestBegin(t *testing.T) {
	job := status.Job{ID: "a", Type: "bind_ldap", Status: "RUNNING", SubJobs: []status.Job{{ID: "s", Status: "Success"}}}
	s := follow.Begin(job, start)
	n := s.Observe(reply(status.Job{Status: "running", SubJobs: []status.Job{{ID: "s", Status: "success"}}}, 0), follow.Rules{})
	require.Empty(t, n.Transitions, "the checkpoint shows it")
	require.False(t, n.Reset)
	require.Equal(t, "a", s.Job.ID)
	require.Equal(t, "bind_ldap", s.Job.Type, "kept where a response has none")
}

func TestClone(t *testing.T) {
	s := begin()
	job := status.Job{Status: "running", SubJobs: []status.Job{{ID: "s", Status: "waiting"}}}
	s.Observe(reply(job, 0), follow.Rules{})
	s.Observe(bad(503, 0), follow.Rules{})
	c := s.Clone()
	require.Equal(t, s, c)
	before := string(c.Memory())
	c2 := s.Clone()
	job.SubJobs[0].Status = "success"
	p := reply(job, time.Second)
	p.Took = time.Second
	s.Observe(p, follow.Rules{})
	s.Observe(bad(503, 0), follow.Rules{})
	s.Job.SubJobs[0].ID = "changed"
	require.Equal(t, c2, c)
	require.Equal(t, before, string(c.Memory()))
	require.Equal(t, map[string]int{"503": 1}, c.Failures)
}

func TestEndString(t *testing.T) {
	for end, want := range map[follow.End]string{
		follow.Open: "open", follow.Succeeded: "success", follow.JobFailed: "failed", follow.SubJobFailed: "sub_job_failed",
		follow.NotFound: "not_found", follow.Disappeared: "disappeared", follow.Unauthorized: "unauthorized",
		follow.Permanent: "permanent", follow.Stalled: "stalled", follow.Stopped: "stopped", follow.Refused: "stopped",
		follow.Unsaved: "checkpoint", follow.TimedOut: "timeout", follow.Canceled: "canceled",
		follow.Abandoned: "stopped", follow.Unusable: "usage",
	} {
		require.Equal(t, want, end.String())
	}
}

// A process may follow a million jobs, so a State must be small. The strings are shared here.
func TestStateSize(t *testing.T) {
	const n = 10_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	polls := make([]follow.Poll, 0, 4)
	for i, now := range []status.Status{"waiting", "running", "success", "success"} {
		job := status.Job{Status: "running"}
		for sub := range 3 {
			job.SubJobs = append(job.SubJobs, status.Job{ID: fmt.Sprint(sub), Type: "t", Status: now})
		}
		p := reply(job, time.Duration(i)*time.Second)
		p.Took = time.Second
		polls = append(polls, p)
	}
	before := heap()
	states := make([]follow.State, n)
	for i := range states {
		states[i] = begin()
		for _, p := range polls {
			states[i].Plan(states[i].Observe(p, follow.Rules{}), time.Second, false)
		}
	}
	each := (heap() - before) / n
	runtime.KeepAlive(states)
	t.Logf("%d bytes", each)
	require.Less(t, each, uint64(900))
}
