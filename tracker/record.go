package tracker

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
)

// recordVersion is of the stored form. A change that an older reader would misread raises it.
const recordVersion = 1

// record is what a Record's Data is.
type record struct {
	Version int           `json:"version"`
	Stored  time.Time     `json:"stored"`          // when this was
	Due     time.Duration `json:"due,omitempty"`   // when the next poll was due, after Stored
	Trace   string        `json:"trace,omitempty"` // what the hooks have the wait carry along
	follow.Record
}

// encode returns the record of a job as if it were in this state, or nil if there is no journal.
func (t *Tracker) encode(j *job, s *follow.State, due time.Duration) []byte {
	if t.journal == nil {
		return nil
	}
	data, err := json.Marshal(record{recordVersion, time.Now(), due, j.Carried, s.Record()})
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	return data
}

// load tracks the jobs of the journal.
func (t *Tracker) load() error {
	var ended []*job
	for r, err := range t.journal.journal.Load() {
		if err != nil {
			return fmt.Errorf("it cannot be read: %w", err)
		}
		j, err := t.decode(r)
		if err != nil {
			return fmt.Errorf("the record of job %q cannot be used: %w", r.Key, err)
		}
		switch {
		case !t.insert(j):
		case j.State.End != follow.Open:
			ended = append(ended, j)
		default:
			t.begin(j)
		}
	}
	slices.SortFunc(ended, func(a, b *job) int { return a.ended().Compare(b.ended()) })
	for _, j := range ended {
		t.begin(j)
	}
	return nil
}

func (t *Tracker) decode(stored Record) (*job, error) {
	var r record
	if err := json.Unmarshal(stored.Data, &r); err != nil {
		return nil, err
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("its version is %d, and this program reads version %d: use the program that wrote it", r.Version, recordVersion)
	}
	if k := key(r.Job.ID); k != stored.Key {
		return nil, fmt.Errorf("it is of job %q", r.Job.ID)
	}
	j := new(job)
	if err := j.Init(&t.config, idle); err != nil {
		return nil, err
	}
	if err := j.Begin(r.Job); err != nil {
		return nil, err
	}
	j.Carried = r.Trace
	now := time.Now()
	if err := j.State.Restore(r.Record, r.Stored, now); err != nil {
		return nil, err
	}
	left := min(r.Due, r.Stored.Add(r.Due).Sub(now)) // it would be more if the clock was set back
	j.due = now.Add(left).Sub(j.State.Started)
	if j.Outcome() == nil {
		j.Start()
	}
	return j, nil
}
