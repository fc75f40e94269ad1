package simulation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// drawService draws a job that takes about this long, and what goes wrong in the meantime.
func drawService(r dice, length time.Duration) Service {
	s := Service{States: drawStates(r, length)}
	slowest := r.between(time.Millisecond, 3*time.Second)
	for range 1 + r.IntN(8) {
		s.Latency = append(s.Latency, r.between(time.Millisecond, slowest+1))
	}
	if r.chance(25) {
		for range 2 + r.IntN(6) {
			s.Lags = append(s.Lags, one(r, 0, r.between(time.Second, length/4+time.Second)))
		}
	}
	for range r.IntN(3) {
		s.Jumps = append(s.Jumps, Jump{r.between(time.Second, length) + offChange, r.between(time.Second, 48*time.Hour) * one[time.Duration](r, 1, -1)}) //nolint:durationcheck // a sign
	}
	if r.chance(75) {
		for range 1 + r.IntN(6) {
			s.Faults = append(s.Faults, drawFault(r, length))
		}
	}
	return s
}

// words are so few that the ids, types and names of sub-jobs collide all the time.
var words = []string{"", "", "a", "a", "a#2", "a#3", "#1", "#2", "b", "c", JobID}

// times are the forms of a timestamp: none, the service's, and those of related services.
var times = []status.Timestamp{"", "2000-01-01 00:00:00", "2000-01-01T00:00:00.123Z", "946684800123"}

func drawStates(r dice, length time.Duration) []State {
	at := []time.Duration{0}
	for range r.IntN(8) {
		at = append(at, r.between(100*time.Millisecond, length)+offChange)
	}
	slices.Sort(at)
	if r.chance(20) { // the id is known before the job can be read
		at[0] = r.between(100*time.Millisecond, 30*time.Second) + offChange
		at = slices.DeleteFunc(at, func(d time.Duration) bool { return d < at[0] })
	}
	job := status.Job{ID: JobID, Type: "bind_ldap", Status: status.Waiting, BeginTime: one(r, times...)}
	if r.chance(30) {
		job.Status = status.Running
	}
	var states []State
	for _, d := range at {
		if len(states) > 0 && r.chance(60) {
			job.Status = one(r, status.Running, status.Running, status.Waiting, "paused", "RUNNING", "rolling_back")
		}
		job = job.Clone()
		for i := range job.SubJobs {
			if r.chance(50) {
				drawProgress(r, &job.SubJobs[i])
			}
		}
		if r.chance(50) && len(job.SubJobs) < 6 {
			sub := status.Job{ID: one(r, words...), Type: one(r, words...), BeginTime: one(r, times...)}
			drawProgress(r, &sub)
			job.SubJobs = append(job.SubJobs, sub)
		}
		states = append(states, State{d, job})
	}
	end := State{ceil(max(length, at[len(at)-1]+grain)) + offChange, job.Clone()}
	if end.Job.EndTime = one(r, times...); r.chance(60) {
		for i := range end.Job.SubJobs {
			end.Job.SubJobs[i].Status = status.Success
		}
	}
	switch n := r.IntN(100); {
	case n < 60:
		end.Job.Status = one(r, status.Success, status.Success, "SUCCESS")
	case n < 85:
		end.Job.Status, end.Job.ErrorCode, end.Job.FailReason = status.Failed, "SFS.TURBO.0100", "ldap unreachable"
	case n < 93:
		end.Job = status.Job{}
	default:
		return states // it never ends
	}
	if states = append(states, end); r.chance(10) { // a finished job is deleted later
		states = append(states, State{At: end.At + r.between(time.Second, length)})
	}
	return states
}

func drawProgress(r dice, sub *status.Job) {
	sub.Status = one(r, "", status.Waiting, status.Running, status.Running, status.Success, status.Failed, "Success", "paused")
	sub.EndTime, sub.ErrorCode, sub.FailReason = "", "", ""
	if sub.Status.Terminal() {
		sub.EndTime = one(r, times...)
	}
	if sub.Status == status.Failed {
		sub.ErrorCode, sub.FailReason = "SFS.TURBO.0101", "connection timed out"
	}
}

var (
	passing, final = sortedKinds()
	changes        = slices.Sorted(maps.Keys(edits))
)

// sortedKinds returns the kinds of failure that a wait outlasts, and those that end it.
func sortedKinds() (passing, final []string) {
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if means := kinds[name].means; means == poller.Passing || means == poller.Throttled {
			passing = append(passing, name)
		} else {
			final = append(final, name)
		}
	}
	return passing, final
}

func drawFault(r dice, length time.Duration) Fault {
	f := Fault{From: r.between(time.Millisecond, length) + offChange}
	f.Until = f.From + r.between(100*time.Millisecond, length/4+time.Second) // a burst
	switch n := r.IntN(100); {
	case n < 10:
		f.From = 0
	case n < 20:
		f.Until = f.From + r.between(time.Minute, 6*time.Hour) // an outage
	case n < 45:
		f.Until = f.From + r.between(10*time.Second, 2*length+time.Minute)
		f.Period = r.between(time.Second, cmp.Or(f.Until-f.From, time.Minute)) // flapping
	}
	switch n := r.IntN(100); {
	case n < 50:
		f.Kind = one(r, passing...)
	case n < 58:
		f.Kind = one(r, final...)
	case n < 66:
		f.Kind, f.Slow = slow, r.between(time.Second, time.Minute)
	case n < 70:
		f.Kind = rejectedOnce
	case n < 76:
		f.Kind = one(r, spellings...)
	default:
		f.Kind = one(r, changes...)
	}
	switch n := r.IntN(100); {
	case n < 22:
		f.RetryAfter = r.between(time.Second, 10*time.Minute).Truncate(time.Second)
		f.AsDate = r.chance(50)
	case n < 25: // longer than any waiter stays away
		f.RetryAfter = r.between(time.Hour, 100*time.Hour).Truncate(time.Second)
	case n < 30:
		f.Odd = one(r, "0", "-7", "1,5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT")
	}
	return f
}
