package follow

import (
	"slices"
	"time"
)

// A wait with a deadline takes one last look shortly before it, so that a job that
// ends in the schedule's last sleep is not reported as unfinished.

// margin is how long before the deadline the last look starts.
func (s *State) margin() time.Duration {
	slowest := time.Duration(0)
	if len(s.Answers) > 0 {
		slowest = slices.Max(s.Answers)
	}
	return slowest*3/2 + 100*time.Millisecond
}

// LastLook returns when the last look before the deadline starts: 1.5 times the
// slowest of the last four answers and 100 ms before it.
func (s *State) LastLook(deadline time.Time) time.Time {
	return deadline.Add(-s.margin())
}

// PollLimit returns how long a poll that starts now may take: the timeout (0:
// none), and no longer than until the last look if it has by then taken so long
// that it looks hung: a hung poll must not cost the last look. 0 means: without
// limit.
func (s *State) PollLimit(timeout time.Duration, now, deadline time.Time) time.Duration {
	left := s.LastLook(deadline).Sub(now)
	if deadline.IsZero() || len(s.Answers) == 0 || left <= s.margin() {
		return timeout
	}
	if timeout == 0 {
		return left
	}
	return min(timeout, left)
}
