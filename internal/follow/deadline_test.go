package follow_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
)

func took(s *follow.State, p follow.Poll, d time.Duration) {
	p.Took = d
	s.Observe(p, follow.Rules{})
}

func TestLastLook(t *testing.T) {
	s, deadline := begin(), start.Add(time.Hour)
	require.Equal(t, deadline.Add(-100*time.Millisecond), s.LastLook(deadline))
	took(&s, good("running", 0), 4*time.Second)
	took(&s, bad(503, 1), time.Second)
	require.Equal(t, deadline.Add(-6100*time.Millisecond), s.LastLook(deadline))
	for range 3 {
		took(&s, good("running", 0), 2*time.Second)
	}
	require.Equal(t, deadline.Add(-3100*time.Millisecond), s.LastLook(deadline), "the slowest of the last four")
}

func TestExpect(t *testing.T) {
	s, deadline := begin(), start.Add(time.Hour)
	s.Expect(2 * time.Second)
	require.Equal(t, deadline.Add(-3100*time.Millisecond), s.LastLook(deadline))
	took(&s, bad(503, 1), time.Second)
	require.Equal(t, deadline.Add(-1600*time.Millisecond), s.LastLook(deadline), "there is a response of its own")
	s.Expect(2 * time.Second)
	require.Equal(t, deadline.Add(-1600*time.Millisecond), s.LastLook(deadline))
}

func TestSleep(t *testing.T) {
	s, deadline := begin(), start.Add(time.Minute)
	look := s.LastLook(deadline)
	require.Equal(t, time.Hour, s.Sleep(time.Hour, start, time.Time{}), "no deadline")
	require.Equal(t, time.Second, s.Sleep(time.Second, start, deadline))
	require.Equal(t, look.Sub(start), s.Sleep(time.Hour, start, deadline), "until the last look")
	require.Zero(t, s.Sleep(time.Hour, look.Add(1), deadline))
	s.Look(look.Add(-1), deadline)
	require.Equal(t, time.Duration(1), s.Sleep(time.Hour, look.Add(-1), deadline), "that was before the last look")
	s.Look(start.Add(time.Hour), time.Time{})
	require.Equal(t, time.Duration(1), s.Sleep(time.Hour, look.Add(-1), deadline), "that was without a deadline")
	s.Look(look, deadline)
	require.Equal(t, time.Hour, s.Sleep(time.Hour, look, deadline), "one last look only")
}

func TestPollLimit(t *testing.T) {
	s, deadline := begin(), start.Add(time.Minute)
	limit := func(timeout, age time.Duration) time.Duration {
		return s.PollLimit(timeout, start.Add(age), deadline)
	}
	require.Equal(t, time.Hour, limit(time.Hour, 0), "the service's speed is unknown yet")
	took(&s, good("running", 0), 2*time.Second)
	require.Equal(t, 46900*time.Millisecond, limit(time.Hour, 10*time.Second))
	require.Equal(t, 46900*time.Millisecond, limit(0, 10*time.Second))
	require.Equal(t, 15*time.Second, limit(15*time.Second, 10*time.Second))
	require.Equal(t, 15*time.Second, limit(15*time.Second, 55*time.Second), "it may still respond in time")
	require.Equal(t, 15*time.Second, s.PollLimit(15*time.Second, start, time.Time{}))
}
