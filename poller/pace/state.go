package pace

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/sfsturbo/waiter/internal/survival"
)

const (
	version  = 1
	maxState = 4 << 20 // bytes; 256 types of 321 counts take half of it
	maxCount = 145     // jobs: counts with a greater sum are saved in proportion, with what they are worth
	maxWorth = 1443    // jobs of one type: a sum that is greater, because many ran at once, is saved as this
	rounding = 0.01    // jobs
	leastOne = 1e-6    // a smaller count is not saved
	maxJobs  = 1e9     // of one type, that are saved or ran at once
)

// state is the JSON of a History. Of the jobs that run it includes only how many there are: their
// waits end with the process.
type state struct {
	Version int               `json:"version"`
	All     counts            `json:"all"`
	Types   map[string]counts `json:"types"`
}

type counts struct {
	Jobs   int             `json:"jobs"`
	Counts map[int]float64 `json:"counts"`           // by bucket, the newest job counting 1
	Worth  float64         `json:"worth,omitempty"`  // jobs: the sum of the counts, if it is greater than maxCount
	Recent [][3]float32    `json:"recent,omitempty"` // the fields of a survival.Recent, the newest one last
	Crowd  [3]float64      `json:"crowd,omitzero"`   // the fields of a survival.Crowd
}

// MarshalJSON returns what h has learned, a few KB for each type, for example to save it in a file
// for the next run of a program. It does not include the call cost, which does not change what is
// learned.
func (h *History) MarshalJSON() ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := state{version, h.all.counts(), make(map[string]counts, len(h.types))}
	for name, k := range h.types {
		if k.jobs > 0 {
			s.Types[name] = k.counts()
		}
	}
	return json.Marshal(s)
}

func (k *kind) counts() counts {
	c := counts{Jobs: min(k.jobs, maxJobs), Counts: make(map[int]float64)}
	crowd := k.Crowd()
	for i, n := range [...]float64{crowd.Most, crowd.Left, crowd.Away} {
		c.Crowd[i] = math.Round(min(n, maxJobs)/leastOne) * leastOne
	}
	scale := min(1, maxCount/max(1, k.Jobs()))
	if scale < 1 {
		c.Worth = math.Round(min(k.Jobs(), maxWorth)/leastOne) * leastOne
	}
	for _, r := range k.Recent() {
		c.Recent = append(c.Recent, [3]float32{float32(r.From), float32(r.To), r.Gain})
	}
	for b, n := range k.Counts() {
		n *= scale
		if n = math.Round(n/leastOne) * leastOne; n > 0 {
			c.Counts[b] = n
		}
	}
	return c
}

// UnmarshalJSON replaces what h has learned with data, which MarshalJSON returned. Waits that have
// begun continue with it. If data is invalid or of an unknown version, the error says why and h is
// unchanged. JSON null leaves h unchanged.
func (h *History) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil // by the convention of encoding/json
	}
	read, err := parse(data)
	if err != nil {
		return fmt.Errorf("pace: saved history ignored: %w; delete it to start again", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all.restore(read.all)
	for name, k := range h.types {
		k.restore(read.types[name])
		delete(read.types, name)
	}
	for name, r := range read.types {
		if k := h.own(name); k != &h.all {
			k.restore(r)
		}
	}
	return nil
}

// restored is the checked form of counts.
type restored struct {
	jobs   int
	counts [survival.Buckets]float64
	recent []survival.Recent
	crowd  survival.Crowd
}

func (k *kind) restore(r *restored) {
	if r == nil {
		r = new(restored)
	}
	k.Restore(r.counts, r.recent, r.crowd)
	k.jobs, k.known, k.plan, k.since, k.polls = r.jobs, r.jobs, nil, 0, 0
}

type parsed struct {
	all   *restored
	types map[string]*restored
}

func parse(data []byte) (p parsed, err error) {
	if len(data) > maxState {
		return p, fmt.Errorf("%d bytes are more than the maximum of %d", len(data), maxState)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return p, err
	}
	if s.Version != version {
		return p, fmt.Errorf("version %d, this program reads version %d", s.Version, version)
	}
	if len(s.Types) > maxTypes {
		return p, fmt.Errorf("%d types are more than the maximum of %d", len(s.Types), maxTypes)
	}
	if s.All.Counts == nil {
		return p, errors.New("it has no counts")
	}
	if p.all, err = s.All.check(); err != nil {
		return p, fmt.Errorf("all types: %w", err)
	}
	p.types = make(map[string]*restored, len(s.Types))
	for name, c := range s.Types {
		if len(name) > maxName {
			return p, fmt.Errorf("the type %.20q... is longer than %d bytes", name, maxName)
		}
		if p.types[name], err = c.check(); err != nil {
			return p, fmt.Errorf("type %q: %w", name, err)
		}
	}
	if p.all.jobs == 0 && slices.ContainsFunc(slices.Collect(maps.Values(p.types)), func(r *restored) bool { return r.jobs > 0 }) {
		return p, errors.New("all types together have fewer jobs than one type")
	}
	return p, nil
}

func (c counts) check() (*restored, error) {
	r := &restored{jobs: c.Jobs, crowd: survival.Crowd{Most: c.Crowd[0], Left: c.Crowd[1], Away: c.Crowd[2]}}
	total := 0.
	for b, n := range c.Counts {
		if b < 0 || b >= survival.Buckets {
			return nil, fmt.Errorf("bucket %d is not between 0 and %d", b, survival.Buckets-1)
		}
		if !(n >= 0 && n <= maxCount) {
			return nil, fmt.Errorf("bucket %d has a count of %v", b, n)
		}
		if n >= leastOne/2 {
			r.counts[b] = n
			total += n
		}
	}
	if c.Jobs < 0 || c.Jobs > maxJobs || c.Jobs > 0 != (total > 0) || total > min(float64(c.Jobs), maxCount)+rounding {
		return nil, fmt.Errorf("%d jobs do not match a total count of %v", c.Jobs, total)
	}
	if c.Worth != 0 {
		if !(total > 0 && c.Worth >= total-rounding && c.Worth <= min(float64(c.Jobs), maxWorth)+rounding) {
			return nil, fmt.Errorf("%d jobs with a total count of %v are not worth %v", c.Jobs, total, c.Worth)
		}
		for b := range r.counts {
			r.counts[b] *= c.Worth / total
		}
	}
	for _, n := range c.Crowd {
		if !(n >= 0 && n <= maxJobs) {
			return nil, fmt.Errorf("%v jobs at once make no sense", n)
		}
	}
	for _, job := range c.Recent {
		from, to, gain := job[0], job[1], job[2]
		last := survival.Recent{From: uint16(from), To: uint16(to), Gain: gain}
		if !(from == float32(last.From) && to == float32(last.To) && from < to && to <= survival.Buckets && gain >= 0) {
			return nil, fmt.Errorf("the recent job %v makes no sense", job)
		}
		r.recent = append(r.recent, last)
	}
	return r, nil
}
