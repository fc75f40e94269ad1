package follow_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// stored returns what another process continues with: the exported fields and Memory.
func stored(t *testing.T, s *follow.State) follow.State {
	t.Helper()
	c := s.Clone()
	again := follow.State{
		Job: c.Job, Started: c.Started, LastSeen: c.LastSeen, RequestID: c.RequestID, Polls: c.Polls,
		Failures: c.Failures, LastFailure: c.LastFailure,
	}
	require.NoError(t, again.Remember(s.Memory()))
	return again
}

func TestMemory(t *testing.T) {
	statuses := []status.Status{"", "waiting", "running", "running", "paused", "success", "failed", "odd"}
	for seed := range uint64(1_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func() status.Status { return statuses[r.IntN(len(statuses))] }
		checkpoint := status.Job{ID: "a"}
		if r.IntN(4) == 0 {
			checkpoint.Status = "running"
		}
		kept := follow.Begin(checkpoint, start)
		if r.IntN(4) == 0 {
			kept.Planned(start.Add(time.Duration(r.IntN(9)) * time.Second))
		}
		continued := stored(t, &kept)
		rules := follow.Rules{NotFoundGrace: 10 * time.Second, StallLimit: time.Minute, StrictSubJobs: r.IntN(2) == 0, FailFast: r.IntN(4) == 0}
		now := time.Duration(0)
		for poll := range 30 {
			now += time.Duration(r.IntN(5_000)) * time.Millisecond
			p := reply(status.Job{Status: pick(), SubJobs: []status.Job{{ID: fmt.Sprint(r.IntN(3)), Status: pick()}}}, now)
			p.Took = time.Duration(r.IntN(4)) * time.Second
			switch r.IntN(8) {
			case 0:
				p.Err = &poller.Error{StatusCode: 404}
			case 1:
				p.Err = &poller.Error{StatusCode: 429, RetryAfter: time.Duration(r.IntN(9)) * time.Second}
			case 2:
				p.Err = &poller.Error{StatusCode: 503}
			}
			a, b := kept.Observe(p, rules), continued.Observe(p, rules)
			require.Equal(t, a, b, "seed %d, poll %d", seed, poll)
			if asked := time.Duration(r.IntN(20)) * time.Second; a.End == follow.Open {
				require.Equal(t, kept.Plan(a, asked, poll%2 == 0), continued.Plan(b, asked, poll%2 == 0), "seed %d, poll %d", seed, poll)
			}
			for _, which := range []follow.Schedule{follow.Progress, follow.Failure} {
				require.Equal(t, kept.Asked(which), continued.Asked(which))
			}
			deadline := start.Add(time.Hour)
			require.Equal(t, kept.LastLook(deadline), continued.LastLook(deadline))
			require.Equal(t, kept.Age(), continued.Age())
			require.Equal(t, kept.Unchanged(), continued.Unchanged())
			require.Equal(t, kept.End, continued.End)
			require.JSONEq(t, string(kept.Memory()), string(continued.Memory()), "seed %d, poll %d", seed, poll)
			if a.End != follow.Open {
				break
			}
			continued = stored(t, &continued)
		}
	}
}

func TestRememberRefuses(t *testing.T) {
	for name, test := range map[string]struct{ data, want string }{
		"no JSON":                {`{`, "unexpected end"},
		"no version":             {`{}`, "version 0"},
		"a later version":        {`{"version":2}`, "version 2"},
		"an unknown end":         {`{"version":1,"end":"finished"}`, `unknown end "finished"`},
		"a success not seen":     {`{"version":1,"end":"success"}`, `end "success" beside a job that is "running"`},
		"a failure not seen":     {`{"version":1,"end":"failed"}`, `end "failed"`},
		"a sub-job's not seen":   {`{"version":1,"end":"sub_job_failed"}`, `end "sub_job_failed"`},
		"half a digest":          {`{"version":1,"seen":"AAAA"}`, "3 and 0 bytes of digests"},
		"negative names":         {`{"version":1,"names":-1}`, "negative"},
		"negative unknown":       {`{"version":1,"unknown":-1}`, "negative"},
		"a negative schedule":    {`{"version":1,"schedules":{"failure":-1}}`, "asked -1 times"},
		"a negative interval":    {`{"version":1,"interval":-1}`, "a duration of -1ns"},
		"an unknown schedule":    {`{"version":1,"schedules":{"x":5}}`, `unknown schedule "x"`},
		"an end that is none":    {`{"version":1,"end":"open"}`, `unknown end "open"`},
		"a negative response":    {`{"version":1,"responses":[-5]}`, "a duration of -5ns"},
		"a negative new status":  {`{"version":1,"new_status":-9223372036854775808}`, "an age of"},
		"planned in years":       {`{"version":1,"planned":9223372036854775807}`, "an age of"},
		"suspected before":       {`{"version":1,"suspected":-1}`, "an age of"},
		"half of a dropped one":  {`{"version":1,"gone":"AAAAAAAAAAA="}`, "0 and 8 bytes of digests"},
		"five responses":         {`{"version":1,"responses":[1,1,1,1,1]}`, "more than four"},
		"an interval of years":   {`{"version":1,"interval":40000000000000000}`, "a duration of"},
		"a response of years":    {`{"version":1,"responses":[40000000000000000]}`, "a duration of"},
		"a negative first asked": {`{"version":1,"schedules":{"progress":-1}}`, "asked -1 times"},
	} {
		t.Run(name, func(t *testing.T) {
			s := follow.State{Job: status.Job{ID: "a", Status: "running"}, Started: start}
			before := s.Clone()
			require.ErrorContains(t, s.Remember(json.RawMessage(test.data)), test.want)
			require.Equal(t, before, s, "a refused value changes nothing")
		})
	}
}

func TestRememberEnds(t *testing.T) {
	for _, job := range []status.Job{
		{Status: "success"}, {Status: "failed"}, {Status: "running", SubJobs: []status.Job{{ID: "s", Status: "failed"}}},
	} {
		s := begin()
		s.Observe(reply(job, 0), follow.Rules{FailFast: true})
		require.NotEqual(t, follow.Open, s.End)
		again := stored(t, &s)
		require.Equal(t, s.End, again.End)
	}
	s := begin()
	_, _ = s.Refuse(errors.New("refused"), time.Time{})
	again := stored(t, &s)
	require.Equal(t, follow.Stopped, again.End, "ends that share a word are the first of them")
}

func TestMemoryBounds(t *testing.T) {
	t.Run("unknown statuses are still counted", func(t *testing.T) {
		s, resets := begin(), 0
		for i := range 40 {
			if s.Observe(good(status.Status(fmt.Sprint("unknown", i)), 0), follow.Rules{}).Reset {
				resets++
			}
			s = stored(t, &s)
		}
		require.Equal(t, 32, resets)
	})
	t.Run("names are still counted", func(t *testing.T) {
		s, job := begin(), status.Job{Status: "running"}
		for i := range 2_000 {
			job.SubJobs = append(job.SubJobs, status.Job{ID: fmt.Sprint(i), Status: "running"})
		}
		s.Observe(reply(job, 0), follow.Rules{})
		s = stored(t, &s)
		job.SubJobs = []status.Job{{ID: "late", Status: "running"}}
		require.False(t, s.Observe(reply(job, 0), follow.Rules{}).Reset)
	})
}
