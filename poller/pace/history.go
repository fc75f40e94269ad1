package pace

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/survival"
)

// History learns from each wait how long the jobs of each type take, and plans the polls of later
// waits: rarely while a job can't have ended yet, often when it is about to end. Give its BackOff
// method to waiter.WithBackOff: all waits that share a History learn from each other.
//
// It minimizes, on average,
//
//	c * (number of polls) + (time from the job's end to the poll that sees it)
//
// where c is the call cost, 1 s unless set by [WithCallCost]. The plan is the exact optimum for
// what is known of the type, on a grid of ages that are 4 % apart. As long as nothing is known of
// the type, or how old a job is, the schedule is [Exponential].
//
// By a plan, no job's end is seen later than 300c, and after n jobs of its type no later than the
// longest of 2nc, twice the job's age and 30c, unless polls fail or a Retry-After is longer: an
// interval in which none of n jobs ended costs less than a poll, on average, if the next job ends
// within it.
// Each poll is moved at random by up to a tenth of the shorter interval beside it, so that jobs
// that began together are not all polled together.
//
// Running jobs count too; otherwise fast jobs would bias the estimate. When the durations of a type
// change, its earlier jobs are forgotten: after two or three jobs that are far shorter or longer
// than before, and after more if the change is small, or if many jobs run at once or were
// abandoned. Until then, older jobs count hardly less: half after 1000 more of their type, or after
// as many as run at once if those are more. A new type begins with what all types have taught, where
// the last hundred jobs count most. At most 256 types are distinguished.
//
// The zero value knows nothing and is ready to use. A History is safe for concurrent use and must
// not be copied. It can be saved as JSON: see [History.MarshalJSON].
type History struct {
	cost time.Duration // of a call; 0 means 1 s

	mu    sync.Mutex
	types map[string]*kind
	all   kind           // all types together
	cold  *survival.Plan // for Odds while nothing is known; made when first needed
}

// A kind is what is known of one type of job.
type kind struct {
	survival.Histogram
	jobs  int            // all finished ones
	known int            // jobs in a row that were not older than their waits took them to be
	plan  *survival.Plan // nil: not made yet
	since float64        // finished jobs since the plan was made
	polls float64        // polls that saw a job running since then
}

const (
	maxTypes = 256
	maxName  = 256 // bytes of a type
	outweigh = 10  // running jobs of a new type say more than the jobs of all types
)

// Option is an option of [NewHistory].
type Option func(*History) error

// WithCallCost sets how many seconds of delay one poll is worth, between 10 ms and 1 min; 1 s
// unless set. A lower cost shows a job's end sooner and needs more polls. From about 10 s on, ages
// at which no job was ever seen are polled more often than the cost suggests.
func WithCallCost(d time.Duration) Option {
	return func(h *History) error {
		if d < 10*time.Millisecond || d > time.Minute {
			return fmt.Errorf("WithCallCost: %v is not between 10ms and 1m; it is the delay that one poll is worth, 1s unless set", d)
		}
		h.cost = d
		return nil
	}
}

// NewHistory returns a History that knows nothing yet. The error names the invalid option.
func NewHistory(opts ...Option) (*History, error) {
	h := new(History)
	for i, option := range opts {
		if option == nil {
			return nil, fmt.Errorf("pace: option %d is nil", i+1)
		}
		if err := option(h); err != nil {
			return nil, fmt.Errorf("pace: %w", err)
		}
	}
	return h, nil
}

// BackOff returns the schedule of one wait, which plans by what h knows and teaches it. It is an
// [Observer] and a [Starter], and is not safe for concurrent use. A caller that never calls
// Observe gets the plan for all types together and teaches h nothing. Reset restarts only the
// exponential backoff that is used while there is no plan: a plan goes by the job's age.
func (h *History) BackOff() backoff.BackOff { return &schedule{history: h} }

// Typical returns how long half of the jobs of this type take, how long nine out of ten take, and
// how many jobs have been seen to end; all are 0 if none has. Older jobs count less. The durations
// are within 5 %, between 0.1 s and 28 h.
func (h *History) Typical(jobType string) (median, p90 time.Duration, jobs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.types[jobType]
	if k == nil || k.jobs == 0 {
		return 0, 0, 0
	}
	return duration(k.Quantile(0.5)), duration(k.Quantile(0.9)), k.jobs
}

// known returns what is known of this type, or of all types if it is new.
func (h *History) known(jobType string) *kind {
	if k := h.types[jobType]; k != nil {
		return k
	}
	return &h.all
}

// own returns this type's own kind, or that of all types if there is no room for another.
func (h *History) own(jobType string) *kind {
	k := h.known(jobType)
	if k == &h.all && len(h.types) >= maxTypes { // drop the types that taught nothing
		maps.DeleteFunc(h.types, func(_ string, k *kind) bool { return k.jobs == 0 && k.Running() == 0 })
	}
	if k == &h.all && len(h.types) < maxTypes && len(jobType) <= maxName {
		if h.types == nil {
			h.types = make(map[string]*kind)
		}
		k = new(kind)
		h.types[jobType] = k
	}
	return k
}

func (h *History) addRunning(k *kind, n int) {
	k.AddRunning(n)
	if k != &h.all {
		h.all.AddRunning(n)
	}
}

// pass takes in a job that was seen running at the age to after it ran at the age from, in seconds.
func (h *History) pass(k *kind, from, to float64) {
	k.Pass(from, to)
	k.polls++
	if k != &h.all {
		h.all.Pass(from, to)
		h.all.polls++
	}
}

// learn takes in a job that ended between these ages, in seconds, and that pass has counted up to
// the age passed.
func (h *History) learn(k *kind, passed, lo, hi float64) {
	var plan *survival.Plan // many jobs of one type are no change of all types together
	if k != &h.all && k.jobs > 0 {
		plan = h.plan(k)
	}
	k.Ended(passed)
	if changed := k.Learn(lo, hi, plan); changed {
		k.since = k.Jobs() // make a new plan
	}
	k.jobs++
	k.known++
	k.since++
	if k != &h.all {
		h.all.Ended(passed)
		h.all.Learn(lo, hi, nil)
		h.all.jobs++
		h.all.since++
	}
}

func (h *History) planFor(jobType string) *survival.Plan {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.plan(h.known(jobType))
}

// plan returns the plan for k, or nil if nothing is known. It makes a new one when there are 10 %
// more jobs, or 10 % more polls, than the last one was made from, not for each of them.
func (h *History) plan(k *kind) *survival.Plan {
	if k.jobs == 0 && k.Running() < outweigh {
		k = &h.all
	}
	if h.all.jobs == 0 {
		return nil
	}
	if k.plan == nil || k.since > 0 && k.since*10 >= k.Jobs() || k.polls > 0 && k.polls*10 >= k.Passes() {
		d := survival.Posterior(&k.Histogram, &h.all.Histogram, prior, h.callCost())
		d.Jobs = min(d.Jobs, float64(k.known))
		if k == &h.all {
			d.Jobs = 0 // it is for types of which nothing is known
		}
		k.plan = d.Plan(h.callCost())
		k.since, k.polls = 0, 0
	}
	return k.plan
}

func (h *History) callCost() float64 {
	if h.cost == 0 {
		return 1
	}
	return h.cost.Seconds()
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
