package pace

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/law"
)

// History is what jobs of each type have taught about how long they take, and so
// when it pays to look at one: give its BackOff method to waiter.WithBackOff, and all
// waits that share it learn from each other. A job is then read seldom while it can't
// have ended yet, and often when it is about to.
//
// It makes c * (number of polls) + (time from a job's end to the poll that sees it)
// as small as it can be on average, where c is the call cost, 1 s unless
// [WithCallCost] says otherwise. For what is known of a type that is the exact
// optimum, a shortest path over the ages at which to look, which it tells apart to 4 %. As long as nothing is
// known, the schedule is [Exponential]. Whatever is known, a planned interval is at most
// max(30c, min(2 * age, 300c)), and so no job's end is seen later than that, unless
// polls fail or a Retry-After is longer; and each poll is moved by up to a tenth of the smaller interval beside
// it, so that jobs that began together are not all read together.
//
// Jobs that still run count as well, else only the fast ones would be believed. Old
// jobs count less: half after 100 more of their type, and a tenth when two in a row
// are unlike what was known. A type never seen begins with what all types have
// taught. At most 256 types are told apart.
//
// The zero value knows nothing and is ready to use. A History is safe for concurrent
// use, and must not be copied. It is JSON: see [History.MarshalJSON].
type History struct {
	cost time.Duration // of a call; 0 is 1 s

	mu    sync.Mutex
	types map[string]*kind
	all   kind // of all types together
}

// A kind is what is known of one type of job.
type kind struct {
	law.Histogram
	jobs  int       // finished ones, ever
	plan  *law.Plan // nil: none yet
	since float64   // finished jobs since the plan was made
}

const (
	maxTypes = 256
	maxName  = 256 // bytes of a type
)

// Option is a setting of [NewHistory].
type Option func(*History) error

// WithCallCost says how many seconds of delay one poll is worth, 1 s unless set: with
// less, a job's end is seen sooner, at the price of more polls. It lies between 10 ms
// and 1 min. From about 10 s on, ages that no job was seen at are polled more often than
// that is worth.
func WithCallCost(d time.Duration) Option {
	return func(h *History) error {
		if d < 10*time.Millisecond || d > time.Minute {
			return fmt.Errorf("WithCallCost: %v is not between 10ms and 1m; it is the delay that one poll is worth, 1s unless set", d)
		}
		h.cost = d
		return nil
	}
}

// NewHistory returns a History that knows nothing yet. The error names the option
// that is wrong.
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

// BackOff returns the schedule of one wait: it plans by what h knows, and teaches it.
// It is an [Observer] and a [Starter], and not safe for concurrent use. Who does not
// tell it what the polls bring gets the plan for all types together, and teaches
// nothing. Reset begins only the exponential backoff anew: a plan goes by the job's
// age, whatever its status.
func (h *History) BackOff() backoff.BackOff {
	return &schedule{history: h, cold: Exponential()}
}

// Typical returns how long half of the jobs of this type take, and nine of ten, by
// what was seen of them, old ones counting less: within 5 %, between 0.1 s and 28 h. jobs is
// how many have been seen to end; with 0 all are 0.
func (h *History) Typical(jobType string) (median, p90 time.Duration, jobs int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.types[jobType]
	if k == nil || k.jobs == 0 {
		return 0, 0, 0
	}
	return duration(k.Quantile(0.5)), duration(k.Quantile(0.9)), k.jobs
}

// known returns what is known of this type, or of all if that is nothing.
func (h *History) known(jobType string) *kind {
	if k := h.types[jobType]; k != nil {
		return k
	}
	return &h.all
}

// own returns this type's own kind, if there is room for one more.
func (h *History) own(jobType string) *kind {
	k := h.known(jobType)
	if k == &h.all && len(h.types) >= maxTypes { // those that taught nothing make room
		maps.DeleteFunc(h.types, func(_ string, k *kind) bool { return k.jobs == 0 && k.Alive() == 0 })
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

// run counts a running job at this age, or takes that back.
func (h *History) run(k *kind, age float64, count func(h *law.Histogram, age float64)) {
	count(&k.Histogram, age)
	if k != &h.all {
		count(&h.all.Histogram, age)
	}
}

// learn takes in that a job has ended between these ages, in seconds.
func (h *History) learn(k *kind, lo, hi float64) {
	if surprised := k.Learn(lo, hi, k.plan); surprised {
		k.since = k.Jobs() // time for another plan
	}
	k.jobs++
	k.since++
	if k != &h.all { // where one type's jobs in a row are no surprise
		h.all.Learn(lo, hi, nil)
		h.all.jobs++
		h.all.since++
	}
}

// plan returns the plan for k, or nil if nothing is known. It is made anew when there
// are 10 % more jobs than it knew of, not for every job.
func (h *History) plan(k *kind) *law.Plan {
	if k.jobs == 0 && k != &h.all {
		k = &h.all
	}
	if k.jobs == 0 {
		return nil
	}
	if k.plan == nil || k.since*10 >= k.Jobs() {
		k.plan = law.Learned(&k.Histogram, &h.all.Histogram, cold, h.callCost()).Plan(h.callCost())
		k.since = 0
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
