// Package schedule decides which of many jobs is polled next, and when, under one budget of
// requests.
//
// It is pure: it has no goroutine, no timer and no clock. The time comes in as a value, and what
// comes out is the job to poll now or when to ask again. One timer is enough for all jobs.
package schedule

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// Config is how a Schedule polls. The zero value has no limit at all, and polls by due time.
type Config struct {
	Rate        rate.Limit // polls a second, at most; 0 means no limit
	Burst       int        // polls that may begin at the same moment after a pause; at least 1
	Concurrency int        // polls in flight, at most; 0 means no limit

	// Rank returns how urgent a job is at now; the greatest comes first. It is called for due jobs
	// when the rate is limited, 64 times a poll at most. Nil means that they go by due time.
	Rank func(job Job, now time.Time) float64
	// Random draws the jobs that are ranked, if more than 64 are due. Nil means a source of its own.
	Random *rand.Rand
}

// A Schedule decides which job is polled next. A job that was added waits until it is due, and is
// then due until Next returns it. From then to its Done it is polled. After that it waits again, or
// is set aside until it is added.
//
// A Schedule is not safe for concurrent use. A time before the latest one that it was given counts
// as the latest.
type Schedule struct {
	config Config
	budget budget
	base   time.Time // times are stored as nanoseconds since then
	latest time.Time

	queue  queue
	polled map[Job]poll
	looks  queue         // of the jobs in queue
	parked map[Job]int64 // looks of the jobs that are polled or set aside
}

// A poll is in flight.
type poll struct {
	cuts    uint32 // of the budget, when it began
	removed bool
}

// New returns an empty Schedule.
func New(config Config, now time.Time) *Schedule {
	if config.Rate == 0 {
		config.Rate = rate.Inf
	}
	if config.Random == nil {
		config.Random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // not for secrets
	}
	return &Schedule{
		config: config, budget: newBudget(config.Rate, max(1, config.Burst)), base: now, latest: now,
		polled: make(map[Job]poll), parked: make(map[Job]int64),
	}
}

// Add sets when a job is due: of a new job, of one that waits, and of one that was set aside. It
// does nothing to a job that is polled, because its Done says when it is due.
func (s *Schedule) Add(job Job, due time.Time) {
	if _, ok := s.polled[job]; ok {
		return
	}
	s.queue.put(job, s.offset(due))
	if at, ok := s.parked[job]; ok {
		delete(s.parked, job)
		s.looks.put(job, at)
	}
}

// Remove forgets a job. It reports whether the job is being polled: then its number must not be
// used for another job before Done.
func (s *Schedule) Remove(job Job) (polled bool) {
	s.queue.remove(job)
	s.looks.remove(job)
	delete(s.parked, job)
	p, polled := s.polled[job]
	if polled {
		p.removed = true
		s.polled[job] = p
	}
	return polled
}

// Look gives a job a last look: from at on it goes before all jobs that have none, whenever it is
// due and however many polls are in flight, but within the rate. The poll that begins then takes
// it; an earlier one does not. Looks go in the order of their times. A job has one: the latest that
// was set. The zero time takes it back.
func (s *Schedule) Look(job Job, at time.Time) {
	s.looks.remove(job)
	delete(s.parked, job)
	switch {
	case at.IsZero():
	case s.queue.has(job):
		s.looks.put(job, s.offset(at))
	default:
		s.parked[job] = s.offset(at)
	}
}

// Next returns the job to poll at now. If there is none, it returns when to ask again, unless
// something else is called before; the zero time means not until then.
//
// Ask again after each job, until there is none.
func (s *Schedule) Next(now time.Time) (job Job, wake time.Time, ok bool) {
	now = s.advance(now)
	s.budget.recover(now)
	at := s.offset(now)
	if look, ok := s.looks.first(); ok && look.due <= at {
		if wait := s.budget.take(now); wait > 0 {
			return 0, now.Add(wait), false
		}
		s.looks.remove(look.job)
		s.start(look.job)
		return look.job, time.Time{}, true
	}
	if s.config.Concurrency > 0 && len(s.polled) >= s.config.Concurrency {
		return 0, s.earliest(s.looks), false
	}
	if s.config.Rank != nil && s.budget.limited() {
		s.queue.gather(at)
	}
	first, ok := s.queue.first()
	if len(s.queue.pool) == 0 && !(ok && first.due <= at) {
		return 0, s.earliest(s.looks, s.queue), false
	}
	if wait := s.budget.take(now); wait > 0 {
		return 0, now.Add(wait), false
	}
	job = first.job
	if len(s.queue.pool) > 0 {
		job = s.pick(now)
	}
	s.start(job)
	return job, time.Time{}, true
}

// An Outcome is what a poll means for the schedule.
type Outcome struct {
	// Due is when the job is polled next. Zero sets it aside until Add, for example until its
	// changes are delivered, or for good: Remove forgets the rest.
	Due time.Time
	// Throttled means that the service refused the poll because there are too many.
	Throttled bool
}

// Done ends the poll of a job that Next returned. Of a job that was removed meanwhile, Due does not
// count. It does nothing if the job is not being polled.
func (s *Schedule) Done(job Job, now time.Time, o Outcome) {
	now = s.advance(now)
	p, ok := s.polled[job]
	if !ok {
		return
	}
	delete(s.polled, job)
	if o.Throttled {
		s.budget.throttled(now, p.cuts)
	}
	if !p.removed && !o.Due.IsZero() {
		s.Add(job, o.Due)
	}
}

// Stats is the state of a Schedule.
type Stats struct {
	Queued int        // jobs that wait or are due
	Due    int        // of these, those that are due
	Polled int        // polls in flight
	Rate   rate.Limit // polls a second, at most: the configured rate, or a lower one after throttling
}

// Stats returns the state at now. It looks at each job that is due.
func (s *Schedule) Stats(now time.Time) Stats {
	now = s.advance(now)
	s.budget.recover(now)
	return Stats{s.queue.len(), s.queue.count(s.offset(now)), len(s.polled), s.budget.limiter.Limit()}
}

func (s *Schedule) start(job Job) {
	s.queue.remove(job)
	s.polled[job] = poll{cuts: s.budget.cuts}
	if at, ok := s.looks.due(job); ok {
		s.looks.remove(job)
		s.parked[job] = at
	}
}

func (s *Schedule) advance(now time.Time) time.Time {
	if now.After(s.latest) {
		s.latest = now
	}
	return s.latest
}

func (s *Schedule) offset(t time.Time) int64 { return int64(t.Sub(s.base)) }

// earliest returns when the first of these queues has a due job.
func (s *Schedule) earliest(queues ...queue) (t time.Time) {
	for _, q := range queues {
		if first, ok := q.first(); ok {
			if due := s.base.Add(time.Duration(first.due)); t.IsZero() || due.Before(t) {
				t = due
			}
		}
	}
	return t
}

const sample = 64

// pick returns the most urgent of 64 random due jobs, or of all if there are no more. Of as many as
// are due, nearly the most urgent one is enough, and to find the most urgent one would take a
// ranking of all, which changes with time.
func (s *Schedule) pick(now time.Time) Job {
	pool := s.queue.pool
	if len(pool) == 1 {
		return pool[0]
	}
	var best Job
	most := 0.
	for i := range min(sample, len(pool)) {
		job := pool[i]
		if len(pool) > sample {
			job = pool[s.config.Random.IntN(len(pool))]
		}
		if rank := s.config.Rank(job, now); i == 0 || rank > most {
			best, most = job, rank
		}
	}
	return best
}
