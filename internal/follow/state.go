package follow

import (
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// State is where following one job stands. [Begin] makes one. It is plain values and is kept
// small, because a process may follow a million jobs; [State.Memory] is its stored form.
type State struct {
	Job         status.Job // what has been seen, merged; at least its ID
	Started     time.Time
	LastSeen    time.Time // when the last good response arrived; zero if there was none
	RequestID   string    // of the last good response
	Polls       int
	Failures    map[string]int // failed polls by poller.Kind
	LastFailure error
	Cause       error         // of End, unless the job or LastFailure says it
	Ended       time.Duration // age of the wait at its End

	seen        seen             // which statuses the job and each sub-job have reached
	gone        gone             // sub-jobs that were dropped
	names       int32            // how many names of sub-jobs have been seen
	unknown     int32            // how many unknown statuses have been seen
	newStatus   time.Duration    // age of the wait when the last new status was seen
	suspected   time.Duration    // age of the wait when it became suspect
	planned     time.Duration    // age of the wait when the first poll was due, if that was planned
	asked       [2]int32         // by Schedule: how often it was asked since its reset
	interval    time.Duration    // what the schedule Progress said last
	took        [4]time.Duration // by the last four responses, the latest first
	responses   int32            // how many of them there were
	failureKind string           // of the last poll; "" if it was good
	End         End
	suspect     bool // a failure that may be final has followed the last good response
	full        bool // gone has reached its bound
	looked      bool // the last look before the deadline has begun
	refused     bool // the limiter has refused since the last poll
	resumed     bool // begun from a checkpoint: the job's age at the start is unknown
}

// Begin returns the state before the first poll. What checkpoint shows is not delivered again;
// its ID is the id of the awaited job.
func Begin(checkpoint status.Job, now time.Time) State {
	s := State{Job: fold(checkpoint), Started: now, resumed: checkpoint.Status != ""}
	s.areNew(status.Diff(status.Job{}, s.Job, now))
	return s
}

// Clone returns a copy that shares no memory with s, except LastFailure and Cause.
func (s *State) Clone() State {
	c := *s
	c.Job = s.Job.Clone()
	c.Failures = maps.Clone(s.Failures)
	c.seen, c.gone = slices.Clone(s.seen), maps.Clone(s.gone)
	return c
}

// Report returns a copy of what reports need. What only the next poll needs is not in it: that may
// be changed in place meanwhile.
func (s *State) Report() State {
	c := *s
	c.Job = s.Job.Clone()
	c.Failures = maps.Clone(s.Failures)
	c.seen, c.gone = nil, nil
	return c
}

// Age returns how long the wait had lasted when the last good response arrived; 0 if there was
// none, and -1 if the wait was resumed, because the job's age is unknown then.
func (s *State) Age() time.Duration {
	switch {
	case s.resumed:
		return -1
	case s.LastSeen.IsZero():
		return 0
	}
	return s.LastSeen.Sub(s.Started)
}

// Unchanged returns how long the job had gone without a new status when it was last seen.
func (s *State) Unchanged() time.Duration {
	if s.LastSeen.IsZero() {
		return 0
	}
	return s.LastSeen.Sub(s.Started) - s.newStatus
}

// Asked returns how often a schedule was asked since its reset: a schedule that is made again
// for a stored State is advanced by that many steps.
func (s *State) Asked(which Schedule) int { return int(s.asked[which]) }

// Planned notes that the first poll is due now, by a plan: the not-found grace begins now.
func (s *State) Planned(now time.Time) { s.planned = now.Sub(s.Started) }

// Rebase moves the times of a stored State where the clock was set back since: the last one that
// is known, which may be last, then counts as now, and every age stays what it was.
func (s *State) Rebase(last, now time.Time) {
	for _, t := range []time.Time{s.Started, s.LastSeen} {
		if t.After(last) {
			last = t
		}
	}
	back := last.Sub(now)
	if back <= 0 {
		return
	}
	s.Started = s.Started.Add(-back)
	if !s.LastSeen.IsZero() {
		s.LastSeen = s.LastSeen.Add(-back)
	}
}

// Outcome says how the wait ended as far as the job itself shows: Open unless its status is
// terminal, or with FailFast a sub-job has failed.
func (s *State) Outcome(r Rules) End {
	broken := (r.StrictSubJobs || r.FailFast) && slices.ContainsFunc(s.Job.SubJobs, func(sub status.Job) bool {
		return sub.Status == status.Failed
	})
	switch {
	case s.Job.Status == status.Failed, s.Job.Status == status.Success && r.StrictSubJobs && broken:
		return JobFailed
	case s.Job.Status == status.Success:
		return Succeeded
	case r.FailFast && broken:
		return SubJobFailed
	}
	return Open
}

func (s *State) count(kind string, err error) {
	if s.Failures == nil {
		s.Failures = make(map[string]int)
	}
	s.Failures[kind]++
	s.LastFailure = err
}
