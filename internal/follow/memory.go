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
	Version     int              `json:"version"`
	Seen        []byte           `json:"seen,omitempty"`
	Gone        []byte           `json:"gone,omitempty"`
	Names       int32            `json:"names,omitempty"`
	Unknown     int32            `json:"unknown,omitempty"`
	NewStatus   time.Duration    `json:"new_status,omitempty"`
	Suspected   *time.Duration   `json:"suspected,omitempty"`
	Planned     time.Duration    `json:"planned,omitempty"`
	Schedules   map[string]int32 `json:"schedules,omitempty"` // how often each was asked
	Interval    time.Duration    `json:"interval,omitempty"`
	Responses   []time.Duration  `json:"responses,omitempty"`
	FailureKind string           `json:"failure_kind,omitempty"`
	Failure     *failure         `json:"failure,omitempty"` // of State.LastFailure
	End         string           `json:"end,omitempty"`
	Cause       string           `json:"cause,omitempty"`
	Ended       time.Duration    `json:"ended,omitempty"` // age of the wait
	Resumed     bool             `json:"resumed,omitempty"`
	Full        bool             `json:"full,omitempty"`
}

// Memory returns what s knows beyond its exported fields, as JSON.
func (s *State) Memory() json.RawMessage {
	m := memory{
		Version: version, Seen: s.seen.bytes(), Gone: s.gone.bytes(), Names: s.names, Unknown: s.unknown, NewStatus: s.newStatus,
		Planned: s.planned, Interval: s.interval, Responses: s.took[:s.responses], FailureKind: s.failureKind, Resumed: s.resumed, Full: s.full,
		Failure: stored(s.LastFailure), Cause: TextOf(s.Cause), Ended: s.Ended,
	}
	if s.suspect {
		m.Suspected = &s.suspected
	}
	for which, n := range s.asked {
		if n > 0 {
			if m.Schedules == nil {
				m.Schedules = make(map[string]int32, len(s.asked))
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

// Remember sets what Memory returned of another State; of LastFailure, whose text s must have, what
// it held. The error says what in it cannot be.
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
		if end, ok = endOf(m.End); !ok || end == Open {
			return fmt.Errorf("unknown end %q", m.End)
		}
	}
	if !s.allows(end) {
		return fmt.Errorf("end %q beside a job that is %q: only the job's own status decides that", m.End, s.Job.Status)
	}
	suspected := time.Duration(0)
	if m.Suspected != nil {
		suspected = *m.Suspected
	}
	for _, d := range append([]time.Duration{m.Interval}, m.Responses...) {
		if d < 0 || d > year {
			return fmt.Errorf("a duration of %v", d)
		}
	}
	for _, age := range []time.Duration{m.NewStatus, m.Planned, m.Ended, suspected} {
		if age < 0 || age > 100*year {
			return fmt.Errorf("an age of %v", age)
		}
	}
	for name, n := range m.Schedules {
		if name != Progress.String() && name != Failure.String() {
			return fmt.Errorf("unknown schedule %q", name)
		}
		if n < 0 {
			return fmt.Errorf("a schedule that was asked %d times", n)
		}
	}
	switch {
	case len(m.Seen)%8 != 0, len(m.Gone)%16 != 0:
		return fmt.Errorf("%d and %d bytes of digests", len(m.Seen), len(m.Gone))
	case min(m.Names, m.Unknown) < 0, len(m.Responses) > 4:
		return errors.New("a negative count, or more than four responses")
	}
	s.seen.setBytes(m.Seen)
	s.gone.setBytes(m.Gone)
	s.names, s.unknown, s.newStatus, s.planned = m.Names, m.Unknown, m.NewStatus, m.Planned
	s.interval, s.failureKind, s.resumed, s.full = m.Interval, m.FailureKind, m.Resumed, m.Full
	s.took = [4]time.Duration{}
	s.responses = int32(copy(s.took[:], m.Responses)) //nolint:gosec // four at most
	s.asked = [2]int32{Progress: m.Schedules[Progress.String()], Failure: m.Schedules[Failure.String()]}
	s.suspect, s.suspected = m.Suspected != nil, suspected
	s.End, s.Cause, s.Ended = end, saying(m.Cause), m.Ended
	if s.LastFailure != nil && m.Failure != nil {
		s.LastFailure = m.Failure.restore(TextOf(s.LastFailure))
	}
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

const year = 366 * 24 * time.Hour
