package pace

import (
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Observation is what a wait knows of its job after a good poll, or when the wait ends.
type Observation struct {
	Job        status.Job    // as last seen
	Age        time.Duration // since the wait began: monotonic within a process, by the wall clock between two calls of Waiter.Step
	ServerTime time.Time     // when the service responded, by its own clock; zero if unknown
	Changed    bool          // the poll brought a new status of the job or of a sub-job
	Abandoned  bool          // the wait has ended, but the job's end was not seen
}

// Observer is a backoff.BackOff that learns from each wait. Observe is called after each good
// poll, before the NextBackOff that follows it. The last call is the poll that shows the job's
// end, or an Observation that is Abandoned. Where each call makes a BackOff of its own, as
// Waiter.Step does, Abandoned means the end of that call. Observe is called on the goroutine that
// waits.
type Observer interface {
	Observe(o Observation)
}

// Starter is a backoff.BackOff that plans the first poll too.
type Starter interface {
	// Start is called once, before the first poll, and returns how long to sleep before it; 0
	// means poll at once. If job has no status, then it begins now, and at most its type is
	// known. Otherwise it was last seen when the wait was this old; a negative age means that
	// it was seen before the wait began, and that its age is unknown.
	Start(job status.Job, age time.Duration) time.Duration
}
