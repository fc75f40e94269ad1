package follow

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// version is of the stored form. A change that an older reader would misread raises it.
const version = 1

// memory is the stored form of what a State knows beyond its exported fields.
type memory struct {
	Version     int             `json:"version"`
	Seen        []byte          `json:"seen,omitempty"`
	Names       int             `json:"names,omitempty"`
	Unknown     int             `json:"unknown,omitempty"`
	NewStatus   time.Duration   `json:"new_status,omitempty"`
	Suspected   *time.Duration  `json:"suspected,omitempty"`
	Planned     time.Duration   `json:"planned,omitempty"`
	Schedules   map[string]int  `json:"schedules,omitempty"` // how often each was asked
	Interval    time.Duration   `json:"interval,omitempty"`
	Responses   []time.Duration `json:"responses,omitempty"`
	FailureKind string          `json:"failure_kind,omitempty"`
	End         string          `json:"end,omitempty"`
	Resumed     bool            `json:"resumed,omitempty"`
	Full        bool            `json:"full,omitempty"`
}

// Memory returns what s knows beyond its exported fields, as JSON.
func (s *State) Memory() json.RawMessage {
	m := memory{
		Version: version, Seen: s.seen.bytes(), Names: s.names, Unknown: s.unknown, NewStatus: s.newStatus,
		Planned: s.planned, Interval: s.interval, Responses: s.responses, FailureKind: s.failureKind, Resumed: s.resumed, Full: s.full,
	}
	if s.suspect {
		m.Suspected = &s.suspected
	}
	for which, n := range s.asked {
		if n > 0 {
			if m.Schedules == nil {
				m.Schedules = make(map[string]int, len(s.asked))
			}
			m.Schedules[Schedule(which).String()] = n
		}
	}
	if s.End != Open {
		m.End = s.End.String()
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	return data
}

// Remember sets what Memory returned of another State. The error says what in it cannot be.
func (s *State) Remember(data json.RawMessage) error {
	var m memory
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if m.Version != version {
		return fmt.Errorf("version %d is not the version %d that this program reads", m.Version, version)
	}
	end := Open
	if m.End != "" {
		var ok bool
		if end, ok = endOf(m.End); !ok {
			return fmt.Errorf("unknown end %q", m.End)
		}
	}
	if !s.allows(end) {
		return fmt.Errorf("end %q beside a job that is %q: only the job's own status decides that", m.End, s.Job.Status)
	}
	longest := max(m.Interval, 0)
	for _, d := range m.Responses {
		longest = max(longest, d)
	}
	progress, failure := m.Schedules[Progress.String()], m.Schedules[Failure.String()]
	switch {
	case len(m.Seen)%8 != 0:
		return fmt.Errorf("%d bytes of seen statuses", len(m.Seen))
	case min(m.Names, m.Unknown, progress, failure) < 0, m.Interval < 0, len(m.Responses) > 4:
		return errors.New("a negative count, or more than four responses")
	case longest > longestStored:
		return fmt.Errorf("an interval of %v", longest)
	}
	s.seen.setBytes(m.Seen)
	s.names, s.unknown, s.newStatus, s.planned = m.Names, m.Unknown, m.NewStatus, m.Planned
	s.interval, s.responses, s.failureKind, s.resumed, s.full = m.Interval, m.Responses, m.FailureKind, m.Resumed, m.Full
	s.asked = [2]int{Progress: progress, Failure: failure}
	if s.suspect = m.Suspected != nil; s.suspect {
		s.suspected = *m.Suspected
	}
	s.End = end
	return nil
}

// allows reports whether the job itself can have come to this end.
func (s *State) allows(end End) bool {
	switch end {
	case Succeeded:
		return s.Job.Status == status.Success
	case JobFailed:
		return s.Outcome(Rules{StrictSubJobs: true}) == JobFailed
	case SubJobFailed:
		return s.Outcome(Rules{FailFast: true}) == SubJobFailed
	default:
		return true
	}
}

// longestStored is longer than any interval or response can be.
const longestStored = 366 * 24 * time.Hour
