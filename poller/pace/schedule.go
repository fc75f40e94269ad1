package pace

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/survival"
	"github.com/sfsturbo/waiter/status"
)

// A schedule is the BackOff of one wait. A tracker holds one for each job, so it is small.
type schedule struct {
	history *History
	unknown *backoff.ExponentialBackOff // used while there is no plan; made when first needed
	plan    *survival.Plan
	kind    *kind   // of the job's type; nil: the type is unknown
	age     float64 // in seconds: of the last poll, or of the next one once NextBackOff has set it
	older   float64 // in seconds: how much older the job is than its wait, as far as is known
	bracket
}

// Reset resets only the exponential backoff. A plan goes by the job's age, which says more than a
// new status.
func (s *schedule) Reset() {
	if s.unknown != nil {
		s.unknown.Reset()
	}
}

// NextBackOff returns how long to sleep until the next poll.
func (s *schedule) NextBackOff() time.Duration {
	if s.plan == nil && !s.seen && !s.resumed { // the caller does not call Observe
		s.plan = s.history.planFor("")
	}
	var delay time.Duration
	if s.plan == nil {
		if s.unknown == nil {
			s.unknown = exponential()
		}
		delay = s.unknown.NextBackOff()
	} else {
		age := s.age + s.older
		next := s.plan.Poll(age, 2*rand.Float64()-1) //nolint:gosec // not for secrets
		// The guard goes by the wait's age: the job's age comes from the service's clock.
		delay = min(duration(next-age), duration(s.plan.Guard(s.age)))
	}
	s.age += delay.Seconds()
	return delay
}

// Start implements [Starter]. If something is known of the job's type, the first poll is planned.
func (s *schedule) Start(job status.Job, age time.Duration) time.Duration {
	h := s.history
	h.mu.Lock()
	s.leave()
	h.mu.Unlock()
	*s = schedule{history: h, unknown: s.unknown} // the rest belongs to another wait
	switch {
	case job.Status != "" && age < 0:
		s.resumed = true
		return 0
	case job.Status != "":
		s.seen, s.last, s.age = true, seconds(age), seconds(age)
	}
	s.plan = h.planFor(job.Type)
	if job.Type != "" {
		h.mu.Lock()
		s.kind = h.own(job.Type)
		h.mu.Unlock()
	}
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
	if s.over || o.Abandoned {
		s.leave()
		s.over = true
		return
	}
	again := !s.counted && (s.seen || s.resumed) // an earlier wait may have left the job
	s.uncount()
	k := h.own(o.Job.Type)
	s.kind = k
	if again {
		k.AddAway(-1)
	}
	if o.Job.Status.Terminal() {
		s.over = true
		if lo, hi, ok := s.ended(o, s.older); ok {
			h.learn(k, s.passed(), lo, hi)
			if !s.seen && !s.resumed && lo > seconds(o.Age)+stampError { // the wait planned for a job that begins with it
				if k.known > 1 { // otherwise its guard has no width to lose
					k.since = k.Jobs() // make a new plan
				}
				k.known = 0
			}
		}
		return
	}
	from := s.last
	s.running(o)
	s.counted = true
	if s.resumed {
		k.AddUnaged(1)
	} else {
		h.pass(k, from, s.last)
		h.addRunning(k, 1)
	}
	s.age = s.last
	known := s.ageOf(o)
	if s.plan = h.plan(k); s.resumed && !known {
		s.plan = nil // the job's age is unknown
	}
}

// Odds returns the odds index of the job at this age of its wait, by what is known now of its type:
// see [survival.Plan.Odds]. last is the age at the last poll, good or not, or 0. It is for a
// tracker, which polls the job with the greatest index first if its budget does not suffice for all
// that are due.
func (s *schedule) Odds(last, age time.Duration) float64 {
	h := s.history
	h.mu.Lock()
	k := s.kind
	if k == nil {
		k = &h.all
	}
	p := h.plan(k)
	if p == nil || s.resumed && s.older == 0 { // nothing is known of its type, or of its age
		if h.cold == nil {
			h.cold = survival.Posterior(new(survival.Histogram), nil, prior, h.callCost()).Plan(h.callCost())
		}
		p = h.cold
	}
	h.mu.Unlock()
	return p.Odds(seconds(last)+s.older, seconds(age)+s.older)
}

// leave ends the wait before its job has ended. The history is locked.
func (s *schedule) leave() {
	if s.counted {
		s.uncount()
		s.kind.AddAway(1)
	}
}

// uncount removes the job from the running ones. The history is locked.
func (s *schedule) uncount() {
	switch {
	case !s.counted:
	case s.resumed:
		s.kind.AddUnaged(-1)
	default:
		s.history.addRunning(s.kind, -1)
	}
	s.counted = false
}

// passed returns the age up to which the history has counted the job as running: by this schedule
// or, where each poll makes a new one, by those before it.
func (s *schedule) passed() float64 {
	if s.resumed {
		return 0
	}
	return s.last
}

// ageOf sets how much older than its wait the job is, by the service's clock alone, and reports
// whether the job's age is known.
func (s *schedule) ageOf(o Observation) bool {
	begin, ok := o.Job.BeginTime.Time()
	if !ok || o.ServerTime.IsZero() {
		return s.older > 0
	}
	older := o.ServerTime.Sub(begin).Seconds() - s.last
	if older > survival.Longest { // not a job's age
		return s.older > 0
	}
	s.older = 0
	if older > stampError {
		s.older = older
	}
	return true
}

// stampError is the possible error of the difference of two timestamps, in seconds.
const stampError = 2
