package follow_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func begin() follow.State { return follow.Begin(status.Job{ID: "a"}, start) }

func good(s status.Status, at time.Duration) follow.Poll {
	return reply(status.Job{Status: s}, at)
}

func reply(job status.Job, at time.Duration) follow.Poll {
	return follow.Poll{Reply: poller.Reply{Job: job}, At: start.Add(at)}
}

func bad(code int, at time.Duration) follow.Poll {
	return follow.Poll{Err: &poller.Error{StatusCode: code}, At: start.Add(at)}
}

func noHost(at time.Duration) follow.Poll {
	return follow.Poll{Err: &net.DNSError{IsNotFound: true}, At: start.Add(at)}
}

func TestGrace(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		planned time.Duration
		before  []follow.Poll
		poll    follow.Poll
		end     follow.End
		atMost  time.Duration
	}{
		"never seen, within":             {0, nil, bad(404, 4*s), follow.Open, 6 * s},
		"never seen, just within":        {0, nil, bad(404, 10*s-1), follow.Open, 1},
		"never seen, over":               {0, nil, bad(404, 10*s), follow.NotFound, 0},
		"planned first poll, within":     {time.Minute, nil, bad(404, 69*s), follow.Open, s},
		"planned first poll, over":       {time.Minute, nil, bad(404, 70*s), follow.NotFound, 0},
		"no such host, within":           {0, nil, noHost(4 * s), follow.Open, 6 * s},
		"no such host, over":             {0, nil, noHost(10 * s), follow.Permanent, 0},
		"no such host after a response":  {0, []follow.Poll{good("running", s)}, noHost(time.Hour), follow.Open, 0},
		"another network failure":        {0, nil, follow.Poll{Err: &net.DNSError{}, At: start.Add(time.Hour)}, follow.Open, 0},
		"not found after other failures": {0, []follow.Poll{bad(503, s)}, bad(404, 10*s), follow.NotFound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			state, rules := begin(), follow.Rules{NotFoundGrace: 10 * s}
			state.Planned(start.Add(test.planned))
			for _, p := range test.before {
				state.Observe(p, rules)
			}
			n := state.Observe(test.poll, rules)
			require.Equal(t, test.end, n.End)
			require.Equal(t, test.end, state.End)
			require.Equal(t, test.atMost, max(n.AtMost, 0))
		})
	}
}

func TestDisappearance(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		polls   []follow.Poll
		end     follow.End
		atLeast time.Duration
	}{
		"the first 404":                  {[]follow.Poll{bad(404, 5*s)}, follow.Open, s},
		"confirmed too soon":             {[]follow.Poll{bad(404, 5*s), bad(404, 5*s+s/4)}, follow.Open, s - s/4},
		"confirmed a second later":       {[]follow.Poll{bad(404, 5*s), bad(404, 6*s)}, follow.Disappeared, 0},
		"confirmed after other failures": {[]follow.Poll{bad(404, 5*s), bad(503, 6*s), bad(404, 7*s)}, follow.Disappeared, 0},
		"cleared by a good response":     {[]follow.Poll{bad(404, 5*s), good("running", 6*s), bad(404, 7*s)}, follow.Open, s},
		"the clock set back":             {[]follow.Poll{bad(404, 5*s), bad(404, 2*s)}, follow.Open, s},
		"the clock set back, and on":     {[]follow.Poll{bad(404, 5*s), bad(404, 2*s), bad(404, 6*s)}, follow.Disappeared, 0},
	} {
		t.Run(name, func(t *testing.T) {
			state := begin()
			state.Observe(good("running", 0), follow.Rules{})
			var n follow.Next
			for _, p := range test.polls {
				n = state.Observe(p, follow.Rules{})
			}
			require.Equal(t, test.end, n.End)
			require.Equal(t, test.atLeast, max(n.AtLeast, 0))
		})
	}
}

// A proxy in reload, or a stale replica, gives any answer for a moment.
func TestConfirmation(t *testing.T) {
	permanent := follow.Poll{Err: backoff.Permanent(errors.New("never")), At: start}
	for name, test := range map[string]struct {
		polls []follow.Poll
		end   follow.End
	}{
		"a permanent failure of a job never seen":    {[]follow.Poll{bad(403, 0)}, follow.Permanent},
		"a permanent failure of a seen job":          {[]follow.Poll{good("running", 0), bad(403, time.Second)}, follow.Open},
		"a second one too soon":                      {[]follow.Poll{good("running", 0), bad(403, time.Second), bad(403, 1500*time.Millisecond)}, follow.Open},
		"a second one a second later":                {[]follow.Poll{good("running", 0), bad(403, time.Second), bad(403, 2*time.Second)}, follow.Permanent},
		"a second one of another sort":               {[]follow.Poll{good("running", 0), bad(409, time.Second), bad(421, 2*time.Second)}, follow.Permanent},
		"not found after a permanent failure":        {[]follow.Poll{good("running", 0), bad(403, time.Second), bad(404, 2*time.Second)}, follow.Disappeared},
		"a permanent failure after not found":        {[]follow.Poll{good("running", 0), bad(404, time.Second), bad(403, 2*time.Second)}, follow.Permanent},
		"one that passes in between":                 {[]follow.Poll{good("running", 0), bad(403, time.Second), bad(503, 2*time.Second), bad(403, 3*time.Second)}, follow.Permanent},
		"a good response in between":                 {[]follow.Poll{good("running", 0), bad(403, time.Second), good("running", 2*time.Second), bad(403, 3*time.Second)}, follow.Open},
		"a rejected credential":                      {[]follow.Poll{good("running", 0), bad(401, time.Second)}, follow.Unauthorized},
		"what the Poller itself says is permanent":   {[]follow.Poll{good("running", 0), permanent}, follow.Permanent},
		"the clock set back between the two":         {[]follow.Poll{good("running", 0), bad(403, time.Hour), bad(403, time.Second)}, follow.Open},
		"the clock set back, and a third after that": {[]follow.Poll{good("running", 0), bad(403, time.Hour), bad(403, time.Second), bad(403, 2*time.Second)}, follow.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin()
			var n follow.Next
			for _, p := range test.polls {
				require.Equal(t, follow.Open, n.End, "the wait has ended before")
				n = s.Observe(p, follow.Rules{})
			}
			require.Equal(t, test.end, n.End)
			require.Equal(t, test.end, s.End)
			if n.End == follow.Open && n.Failure != nil {
				require.Positive(t, s.Plan(n, 0, false), "not confirmed at once")
			}
		})
	}
}

func TestRebase(t *testing.T) {
	begun := func() follow.State {
		s := begin()
		s.Observe(good("running", time.Minute), follow.Rules{})
		return s
	}
	for name, test := range map[string]struct {
		last, now, started time.Duration // after start
	}{
		"a clock that goes on changes nothing":             {2 * time.Minute, 3 * time.Minute, 0},
		"set back to before the last Step":                 {3 * time.Minute, 2 * time.Minute, -time.Minute},
		"set back to before the last response":             {0, 30 * time.Second, -30 * time.Second},
		"set back a day, to before the beginning":          {2 * time.Minute, -24 * time.Hour, -24*time.Hour - 2*time.Minute},
		"set forward, which looks like time that has gone": {2 * time.Minute, 24 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := begun()
			s.Rebase(start.Add(test.last), start.Add(test.now))
			require.Equal(t, start.Add(test.started), s.Started)
			require.Equal(t, start.Add(test.started+time.Minute), s.LastSeen, "ages stay what they were")
		})
	}
	s := begin()
	s.Rebase(start, start.Add(-time.Hour))
	require.True(t, s.LastSeen.IsZero())
	n := s.Observe(bad(404, -time.Hour+11*time.Second), follow.Rules{NotFoundGrace: 10 * time.Second})
	require.Equal(t, follow.NotFound, n.End, "the grace is as long as before")
}

func TestThrottling(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		interval   time.Duration
		learns     bool
		retryAfter time.Duration
		code       int
		want       time.Duration
	}{
		"no slower than the last interval":        {7 * s, false, 0, 429, 7 * s},
		"a long interval of a schedule":           {50 * s, false, 0, 429, 50 * s},
		"a learned interval counts to 15 s":       {50 * s, true, 0, 429, 15 * s},
		"a short learned interval":                {7 * s, true, 0, 429, 7 * s},
		"Retry-After is longer":                   {7 * s, false, 9 * s, 429, 9 * s},
		"Retry-After is at most two minutes":      {7 * s, false, time.Hour, 429, 2 * time.Minute},
		"a failure that is no throttling":         {7 * s, false, 0, 503, s},
		"Retry-After of what is no throttling":    {7 * s, false, 9 * s, 503, 9 * s},
		"Retry-After of it is at most 2 min, too": {7 * s, false, time.Hour, 503, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			state := begin()
			state.Plan(state.Observe(good("running", 0), follow.Rules{}), test.interval, test.learns)
			n := state.Observe(follow.Poll{Err: &poller.Error{StatusCode: test.code, RetryAfter: test.retryAfter}, At: start}, follow.Rules{})
			require.Equal(t, follow.Open, n.End)
			require.Equal(t, test.want, state.Plan(n, s, test.learns))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct{ sent, want time.Duration }{
		{0, 0}, {time.Minute, time.Minute}, {2 * time.Minute, 2 * time.Minute}, {time.Hour, 2 * time.Minute},
	} {
		for _, job := range []status.Job{{Status: "running"}, {}, {ID: "another", Status: "failed"}} {
			state := begin()
			p := reply(job, 0)
			p.Reply.RetryAfter, p.Reply.RequestID = test.sent, "a-request"
			n := state.Observe(p, follow.Rules{})
			require.Equal(t, test.want, n.AtLeast, "%+v", job)
			if job.ID != "" || job.Status == "" {
				require.ErrorContains(t, n.Failure, "a-request")
				require.Empty(t, n.Transitions)
			}
		}
	}
}

func TestPlan(t *testing.T) {
	const s = time.Second
	for name, test := range map[string]struct {
		next  follow.Next
		asked time.Duration
		want  time.Duration
		end   follow.End
	}{
		"what the schedule says": {follow.Next{}, 3 * s, 3 * s, follow.Open},
		"at once":                {follow.Next{}, 0, 0, follow.Open},
		"at least":               {follow.Next{AtLeast: 7 * s}, 3 * s, 7 * s, follow.Open},
		"at most":                {follow.Next{AtMost: 2 * s}, 3 * s, 2 * s, follow.Open},
		"at least wins":          {follow.Next{AtLeast: 5 * s, AtMost: 2 * s}, 3 * s, 5 * s, follow.Open},
		"stop":                   {follow.Next{AtLeast: 5 * s}, -1, 0, follow.Stopped},
		"stop by any other":      {follow.Next{}, -5 * s, 0, follow.Stopped},
		"stop after a failure":   {follow.Next{Schedule: follow.Failure}, -1, 0, follow.Stopped},
	} {
		t.Run(name, func(t *testing.T) {
			state := begin()
			require.Equal(t, test.want, state.Plan(test.next, test.asked, false))
			require.Equal(t, test.end, state.End)
		})
	}
}

func TestPlanCounts(t *testing.T) {
	state := begin()
	for i, step := range []struct {
		poll              follow.Poll
		reset             bool
		progress, failure int
	}{
		{good("waiting", 0), true, 1, 0},
		{good("waiting", 0), false, 2, 0},
		{bad(503, 0), true, 2, 1},
		{bad(500, 0), false, 2, 2},
		{good("waiting", 0), false, 3, 0},
		{bad(503, 0), true, 3, 1},
		{good("running", 0), true, 1, 0},
		{good("waiting", 0), false, 2, 0}, // going back is not progress
	} {
		n := state.Observe(step.poll, follow.Rules{})
		require.Equal(t, step.reset, n.Reset, i)
		state.Plan(n, time.Second, false)
		require.Equal(t, step.progress, state.Asked(follow.Progress), i)
		require.Equal(t, step.failure, state.Asked(follow.Failure), i)
	}
}

func TestFailures(t *testing.T) {
	state := begin()
	for i, step := range []struct {
		poll follow.Poll
		run  bool
	}{{bad(503, 0), true}, {bad(503, 0), false}, {bad(500, 0), true}, {good("running", 0), false}, {bad(500, 0), true}} {
		n := state.Observe(step.poll, follow.Rules{})
		require.Equal(t, step.run, n.NewFailure, i)
		require.Equal(t, step.poll.Err, n.Failure, i)
	}
	require.Equal(t, map[string]int{"503": 2, "500": 2}, state.Failures)
	require.Equal(t, 5, state.Polls)
}

func TestClassify(t *testing.T) {
	for verdict, end := range map[poller.Verdict]follow.End{
		poller.Passing: follow.Open, poller.Throttled: follow.Open,
		poller.Unauthorized: follow.Unauthorized, poller.Permanent: follow.Permanent,
	} {
		state := begin()
		n := state.Observe(bad(503, 0), follow.Rules{Classify: func(_ error, byDefault poller.Verdict) poller.Verdict {
			require.Equal(t, poller.Passing, byDefault)
			return verdict
		}})
		require.Equal(t, verdict, n.Verdict)
		require.Equal(t, end, n.End)
	}
}

func TestCut(t *testing.T) {
	failure := errors.New("cut")
	state := begin()
	state.Cut(failure, false)
	require.Equal(t, 1, state.Polls)
	require.Empty(t, state.Failures, "a canceled poll has not failed")
	require.NoError(t, state.LastFailure)
	state.Cut(failure, true)
	require.Equal(t, 2, state.Polls)
	require.Equal(t, map[string]int{"timeout": 1}, state.Failures)
	require.Equal(t, failure, state.LastFailure)
	require.Equal(t, start, state.LastLook(start.Add(100*time.Millisecond)), "a cut poll is no response")
}

func TestRefuse(t *testing.T) {
	refusal := errors.New("refused")
	t.Run("without a deadline the wait ends", func(t *testing.T) {
		state := begin()
		delay, first := state.Refuse(refusal, time.Time{})
		require.Zero(t, delay)
		require.True(t, first)
		require.Equal(t, follow.Refused, state.End)
		require.Equal(t, refusal, state.LastFailure)
	})
	t.Run("with a deadline the limiter is asked again", func(t *testing.T) {
		state := begin()
		for i, want := range []bool{true, false, false} {
			delay, first := state.Refuse(refusal, start.Add(time.Hour))
			require.Equal(t, 5*time.Second, delay)
			require.Equal(t, want, first, i)
		}
		state.Observe(good("running", 0), follow.Rules{})
		_, first := state.Refuse(refusal, start.Add(time.Hour))
		require.True(t, first, "a poll begins a new run")
		require.Equal(t, follow.Open, state.End)
	})
}

func TestWarnings(t *testing.T) {
	state := begin()
	for _, step := range []struct {
		now  status.Status
		want []string
	}{
		{"waiting", nil},
		{"RUNNING", nil},
		{"paused", []string{`unknown status "paused" counts as not finished`}},
		{"running", nil},
		{"paused", nil},
		{"waiting", []string{`status went back from "paused" to "waiting"`}},
	} {
		require.Equal(t, step.want, state.Observe(good(step.now, 0), follow.Rules{}).Warnings, step.now)
	}
}

func TestResponseTime(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want time.Duration
	}{
		"a good response":               {nil, 6100 * time.Millisecond},
		"a bad response":                {&poller.Error{StatusCode: 502}, 6100 * time.Millisecond},
		"half a response":               {&poller.Error{StatusCode: 200, Err: context.DeadlineExceeded}, 100 * time.Millisecond},
		"no response, by the Poller":    {&poller.Error{}, 100 * time.Millisecond},
		"no response, by another error": {errors.New("reset"), 100 * time.Millisecond},
	} {
		state := begin()
		p := good("running", 0)
		p.Err, p.Took = test.err, 4*time.Second
		state.Observe(p, follow.Rules{})
		require.Equal(t, start.Add(-test.want), state.LastLook(start), name)
	}
}

func BenchmarkObserve(b *testing.B) {
	job := status.Job{ID: "a", Status: "running", SubJobs: []status.Job{
		{ID: "1", Status: "success"}, {ID: "2", Status: "running"}, {ID: "3", Status: "waiting"},
	}}
	s := begin()
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(reply(job, 0), follow.Rules{})
	}
}
