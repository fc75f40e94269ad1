package follow

import (
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Record is the stored form of a State: plain JSON.
type Record struct {
	Job         status.Job      `json:"job"`
	Started     time.Time       `json:"started,omitzero"`
	LastSeen    time.Time       `json:"last_seen,omitzero"`
	RequestID   string          `json:"request_id,omitempty"`
	Polls       int             `json:"polls,omitempty"`
	Failures    map[string]int  `json:"failures,omitempty"`
	LastFailure string          `json:"last_failure,omitempty"`
	Memory      json.RawMessage `json:"state,omitempty"` // versioned
}

// Record returns the stored form. It shares the Job with s.
func (s *State) Record() Record {
	return Record{
		Job: s.Job, Started: s.Started, LastSeen: s.LastSeen, RequestID: s.RequestID,
		Polls: s.Polls, Failures: maps.Clone(s.Failures), LastFailure: TextOf(s.LastFailure), Memory: s.Memory(),
	}
}

// Restore makes s, which Begin has made for the same job, what r is the stored form of. stored is
// when r was made: a later time than now means that the clock was set back since. The error says
// what in Memory cannot be.
func (s *State) Restore(r Record, stored, now time.Time) error {
	*s = State{
		Job: s.Job, Started: r.Started, LastSeen: r.LastSeen, RequestID: r.RequestID,
		Polls: r.Polls, Failures: maps.Clone(r.Failures),
	}
	if r.LastFailure != "" {
		s.LastFailure = errors.New(r.LastFailure)
	}
	s.Rebase(stored, now)
	return s.Remember(r.Memory)
}
