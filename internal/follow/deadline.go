package follow

import (
	"slices"
	"time"
)

// A wait with a deadline takes one last look shortly before it, so that a job that ends in the
// schedule's last sleep is not reported as unfinished. A zero deadline means that there is none.

// margin is how long before the deadline the last look starts.
func (s *State) margin() time.Duration {
	return slices.Max(s.took[:])*3/2 + 100*time.Millisecond
}

// LastLook returns when the last look before the deadline starts: 1.5 times the slowest of the
// last four responses and 100 ms before it.
func (s *State) LastLook(deadline time.Time) time.Time {
	return deadline.Add(-s.margin())
}

// Expect sets how long a response takes, by what is known from other jobs, until there is one.
func (s *State) Expect(took time.Duration) {
	if s.responses == 0 {
		s.took[0] = took
	}
}

// Took returns how long the last response took; 0 if there was none.
func (s *State) Took() time.Duration {
	if s.responses == 0 {
		return 0
	}
	return s.took[0]
}

// Sleep returns how long to sleep at now where d is due: no longer than until the one last look.
func (s *State) Sleep(d time.Duration, now, deadline time.Time) time.Duration {
	if !deadline.IsZero() && !s.looked {
		d = min(d, s.LastLook(deadline).Sub(now))
	}
	return max(d, 0)
}

// Look notes that a poll that begins at now is the last look, if it is time for that.
func (s *State) Look(now, deadline time.Time) {
	if !deadline.IsZero() && !now.Before(s.LastLook(deadline)) {
		s.looked = true
	}
}

// Looked reports, once, that the last look has begun, where several deadlines each have one.
func (s *State) Looked() bool {
	looked := s.looked
	s.looked = false
	return looked
}

// PollLimit returns how long a poll that starts at now may take: the timeout (0: none), and no
// longer than until the last look if by then it has taken so long that it must be hung, because a
// hung poll must not cost the last look. 0 means: without limit.
func (s *State) PollLimit(timeout time.Duration, now, deadline time.Time) time.Duration {
	left := s.LastLook(deadline).Sub(now)
	if deadline.IsZero() || s.responses == 0 || left <= s.margin() {
		return timeout
	}
	if timeout == 0 {
		return left
	}
	return min(timeout, left)
}
