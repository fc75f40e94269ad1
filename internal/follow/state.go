package follow

import (
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// State is where following one job stands. Its zero value is of no use: see [Begin].
type State struct {
	Job         status.Job // what has been seen, merged; at least its ID
	Started     time.Time
	LastSeen    time.Time // when the last good answer arrived; zero if there was none
	RequestID   string    // of the last good answer
	Polls       int
	Failures    map[string]int // by poller.Kind
	LastFailure error
	Planned     time.Time // when the first poll was due, if that was later than Started; else zero
	Memory
}

// Memory is what else the next decision needs. Like the rest of a State it is
// plain values, so that it survives JSON.
type Memory struct {
	Seen         map[string][]status.Status `json:"seen,omitempty"` // by sub-job name, "" for the job itself
	NewStatusAt  time.Time                  `json:"new_status_at,omitzero"`
	MissingSince time.Time                  `json:"missing_since,omitzero"` // the first 404 since a good answer
	Asked        [2]int                     `json:"asked,omitzero"`         // how often each schedule was asked since its reset
	FailureKind  string                     `json:"failure_kind,omitempty"` // of the last poll; "" if it was good
	Answers      []time.Duration            `json:"answers,omitempty"`      // how long the last four took
	Interval     time.Duration              `json:"interval,omitempty"`     // what Progress said last
	End          End                        `json:"end,omitempty"`
	Resumed      bool                       `json:"resumed,omitempty"` // begun from a checkpoint: how old the job was then, nobody knows
}

// Begin returns the state before the first poll. What checkpoint shows is not told
// again; its ID is the job that is awaited.
func Begin(checkpoint status.Job, now time.Time) State {
	s := State{Job: fold(checkpoint), Started: now, Memory: Memory{NewStatusAt: now, Resumed: checkpoint.Status != ""}}
	for _, t := range status.Diff(status.Job{}, s.Job, now) {
		s.isNew(t.SubJob, t.To)
	}
	return s
}

// Clone returns a copy that shares no memory with s, but for LastFailure.
func (s State) Clone() State {
	s.Job = s.Job.Clone()
	s.Failures = maps.Clone(s.Failures)
	s.Seen = maps.Clone(s.Seen)
	for name, statuses := range s.Seen {
		s.Seen[name] = slices.Clone(statuses)
	}
	s.Answers = slices.Clone(s.Answers)
	return s
}

// Outcome says how the wait ended as far as the job itself tells: Open unless
// its status is terminal.
func (s *State) Outcome(r Rules) End {
	failed := func(sub status.Job) bool { return sub.Status == status.Failed }
	switch {
	case s.Job.Status == status.Failed:
		return JobFailed
	case s.Job.Status == status.Success && r.StrictSubJobs && slices.ContainsFunc(s.Job.SubJobs, failed):
		return JobFailed
	case s.Job.Status == status.Success:
		return Succeeded
	}
	return Open
}

// A job that invents more than these is not making progress.
const (
	maxStatuses = 32 // of the job, or of one sub-job
	maxNames    = status.MaxSubJobs
	maxStatus   = 64      // bytes
	maxName     = 256     // bytes
	maxText     = 2 << 20 // bytes of a snapshot: twice what one answer may hold
)

func (s *State) count(kind string, err error) {
	if s.Failures == nil {
		s.Failures = make(map[string]int)
	}
	s.Failures[kind]++
	s.LastFailure = err
}

// isNew reports, once, whether the job or sub-job of this name was never seen in
// this status. Going back and forth is not progress.
func (s *State) isNew(name string, now status.Status) bool {
	seen := s.Seen[name]
	if slices.Contains(seen, now) || len(seen) >= maxStatuses || len(now) > maxStatus || len(name) > maxName || len(seen) == 0 && len(s.Seen) > maxNames {
		return false
	}
	if s.Seen == nil {
		s.Seen = make(map[string][]status.Status)
	}
	s.Seen[name] = append(seen, now)
	return true
}

// firstUnknown is asked about a status that isNew has just noted.
func (s *State) firstUnknown(now status.Status) bool {
	n := 0
	for _, seen := range s.Seen {
		if slices.Contains(seen, now) {
			n++
		}
		if n > 1 {
			return false
		}
	}
	return true
}
