package pace

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/survival"
	"github.com/sfsturbo/waiter/status"
)

// service is what the simulated service sends about its jobs besides their status.
type service struct {
	clock  time.Time     // its time when the wait begins
	stamps bool          // it sends begin and end times, to the second
	dates  bool          // it sends the time of each response, to the second
	queue  time.Duration // from the wait's begin to the job's
}

var honest = service{clock: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), stamps: true, dates: true}

// follow polls a job that takes this long as a waiter with WithJobType would, and returns the ages
// at which it was polled; the last poll saw it ended.
func follow(h *History, s service, jobType string, took time.Duration) []time.Duration {
	schedule := h.BackOff()
	age := schedule.(Starter).Start(status.Job{ID: "a", Type: jobType}, 0)
	ages := []time.Duration{age}
	for {
		o := s.respond(jobType, took, age)
		schedule.(Observer).Observe(o)
		if o.Job.Status.Terminal() {
			return ages
		}
		age += schedule.NextBackOff()
		ages = append(ages, age)
	}
}

func (s service) respond(jobType string, took, age time.Duration) Observation {
	o := Observation{Job: status.Job{ID: "a", Type: jobType, Status: status.Running}, Age: age}
	stamp := func(age time.Duration) status.Timestamp {
		return status.Timestamp(s.clock.Add(age).UTC().Format(time.DateTime))
	}
	if s.dates {
		o.ServerTime = s.clock.Add(age).Truncate(time.Second)
	}
	if s.stamps {
		o.Job.BeginTime = stamp(s.queue)
	}
	if age >= took {
		o.Job.Status = status.Success
		if s.stamps {
			o.Job.EndTime = stamp(took)
		}
	}
	return o
}

// fleet follows n jobs, each begun at any fraction of a second, and returns the mean number of
// polls and the mean delay in seconds. It calls check for each interval, with the number of jobs
// that were known before the wait.
func fleet(h *History, s service, r *rand.Rand, n int, draw func(*rand.Rand) float64, check func(from, to time.Duration, jobs float64)) (polls, delay float64) {
	for range n {
		took := duration(draw(r))
		s.clock = s.clock.Add(duration(1000 * r.Float64()))
		jobs := h.own("bind_ldap").Jobs()
		ages := follow(h, s, "bind_ldap", took)
		before := time.Duration(0)
		for _, age := range ages {
			check(before, age, jobs)
			before = age
		}
		polls += float64(len(ages)) / float64(n)
		delay += (before - took).Seconds() / float64(n)
	}
	return polls, delay
}

// A mode is how the waits of a batch go.
type mode string

const (
	together mode = "each in one go"
	stepwise mode = "each poll by a Step of its own"
	apart    mode = "each poll by a Step of a process of its own"
	resumed  mode = "each from a checkpoint"
)

// batch follows n jobs that all begin now, and returns the mean cost of one at a call cost of 1 s.
func batch(h *History, r *rand.Rand, mode mode, n int, draw func(*rand.Rand) float64) (cost float64) {
	type wait struct {
		*schedule
		last, next, took time.Duration
	}
	waits := make([]*wait, n)
	begin := func(w *wait, age time.Duration) {
		w.schedule = h.BackOff().(*schedule)
		w.Start(status.Job{ID: "a", Type: "bind_ldap", Status: status.Running}, age)
	}
	for i := range waits {
		waits[i] = &wait{h.BackOff().(*schedule), 0, 0, duration(draw(r))}
		if mode == resumed {
			begin(waits[i], -1)
		}
	}
	for len(waits) > 0 {
		slices.SortFunc(waits, func(a, b *wait) int { return cmp.Compare(b.next, a.next) })
		w := waits[len(waits)-1]
		if mode == apart {
			restart(h)
		}
		if (mode == stepwise || mode == apart) && w.next > 0 {
			begin(w, w.last)
		}
		o := honest.respond("bind_ldap", w.took, w.next)
		w.Observe(o)
		cost++
		if o.Job.Status.Terminal() {
			cost += (w.next - w.took).Seconds()
			waits = waits[:len(waits)-1]
			continue
		}
		w.last, w.next = w.next, w.next+w.NextBackOff()
		if mode == stepwise || mode == apart {
			o.Abandoned = true
			w.Observe(o)
		}
	}
	return cost / float64(n)
}

// restart saves and restores h.
func restart(h *History) {
	data, err := json.Marshal(h)
	if err == nil {
		err = json.Unmarshal(data, h)
	}
	if err != nil {
		panic(err)
	}
}

func unchecked(time.Duration, time.Duration, float64) {}

// guard returns the longest interval after a poll at this age at a call cost of 1 s, after so many
// jobs of the type.
func guard(age time.Duration, jobs float64) time.Duration {
	return duration(survival.Guard(age.Seconds(), jobs, 1))
}
