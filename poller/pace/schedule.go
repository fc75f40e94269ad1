package pace

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/law"
	"github.com/sfsturbo/waiter/status"
)

// Observation is what a wait saw of its job.
type Observation struct {
	Job        status.Job    // as last seen
	Age        time.Duration // since the wait began, by a clock that is never set
	ServerTime time.Time     // when the service answered, by its own clock; zero if it did not say
	Changed    bool          // the poll brought a new status of the job or of a sub-job
	Abandoned  bool          // the wait is over, and the job's end was not seen
}

// Observer is a backoff.BackOff that learns. It is told of each good poll, before it
// is asked when the next one is; and last of the wait's end, which is the poll that
// shows the job's end, or else an Observation that is Abandoned. Where each call makes
// a BackOff of its own, as Waiter.Step does, that is the end of the call. It is called
// on the goroutine that waits.
type Observer interface {
	Observe(o Observation)
}

// Starter is a backoff.BackOff that makes use of what is known before the first poll.
type Starter interface {
	// Start says what that is, and returns how long to sleep before the first poll; 0
	// is at once. A job without a status has not been seen, and begins now: its type
	// may be known. One with a status was seen when the wait was age old; or, if age
	// is negative, before it began, at an age that nobody knows.
	Start(job status.Job, age time.Duration) time.Duration
}

// A schedule is the BackOff of one wait.
type schedule struct {
	history *History
	cold    backoff.BackOff // until there is a plan
	plan    *law.Plan
	age     float64 // in seconds: of the last poll, or of the next one once it was asked for
	older   float64 // in seconds: the job than its wait, as far as is known
	bracket
	running   *kind   // where the job counts as running; nil: nowhere
	runningAt float64 // and at which age
	over      bool
}

// Reset leaves the plan and the age as they are: they know better than a new status
// how far the job is.
func (s *schedule) Reset() { s.cold.Reset() }

// NextBackOff returns how long to sleep until the next poll.
func (s *schedule) NextBackOff() time.Duration {
	if s.plan == nil && !s.seen && !s.resumed { // nobody says what the job's type is
		s.plan = s.history.planFor("")
	}
	var delay time.Duration
	if s.plan == nil {
		delay = s.cold.NextBackOff()
	} else {
		age := s.age + s.older
		delay = duration(s.plan.Poll(age, 2*rand.Float64()-1) - age)         //nolint:gosec // not for secrets
		delay = min(delay, duration(law.Guard(s.age, s.history.callCost()))) // the job's age is hearsay
	}
	s.age += delay.Seconds()
	return delay
}

func (h *History) planFor(jobType string) *law.Plan {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.plan(h.known(jobType))
}

// Start implements [Starter]: with a type of which something is known, the first
// poll is planned too.
func (s *schedule) Start(job status.Job, age time.Duration) time.Duration {
	*s = schedule{history: s.history, cold: s.cold} // what was, was another wait
	switch {
	case job.Status != "" && age < 0:
		s.resumed = true
		return 0
	case job.Status != "":
		s.seen, s.last, s.age = true, seconds(age), seconds(age)
	}
	s.plan = s.history.planFor(job.Type)
	if job.Status == "" && job.Type != "" && s.plan != nil {
		return s.NextBackOff()
	}
	return 0
}

// Observe implements [Observer].
func (s *schedule) Observe(o Observation) {
	h := s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.running != nil {
		h.run(s.running, s.runningAt, (*law.Histogram).Leave)
		s.running = nil
	}
	if s.over || o.Abandoned {
		s.over = true
		return
	}
	k := h.own(o.Job.Type)
	if o.Job.Status.Terminal() {
		s.over = true
		if lo, hi, ok := s.ended(o, s.older); ok {
			h.learn(k, lo, hi)
		}
		return
	}
	s.notYet(o)
	if !s.resumed {
		s.running, s.runningAt = k, s.last
		h.run(k, s.last, (*law.Histogram).Run)
	}
	s.age = s.last
	known := s.ageOf(o)
	if s.plan = h.plan(k); s.resumed && !known {
		s.plan = nil // of a job of which nobody knows how old it is
	}
}

// ageOf notes how much older than its wait the job is, by the service's own clock
// alone, and reports whether that is known.
func (s *schedule) ageOf(o Observation) bool {
	begin, ok := o.Job.BeginTime.Time()
	if !ok || o.ServerTime.IsZero() {
		return s.older > 0
	}
	older := o.ServerTime.Sub(begin).Seconds() - s.last
	if older > law.Longest { // that is no job's age
		return s.older > 0
	}
	s.older = 0
	if older > stampsRound {
		s.older = older
	}
	return true
}

// stampsRound is how far off the difference of two stamps may be, in seconds.
const stampsRound = 2
