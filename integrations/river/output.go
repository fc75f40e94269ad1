package riverwait

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/sfsturbo/waiter"
)

// Output is the output of a River job that awaits a job, in its metadata under "output": from the
// first poll on where the wait stands, at the end how it ended. To have the error of the end as
// the library returned it, give Progress to [waiter.Waiter.Step], which does not poll a Progress
// that is Done.
type Output struct {
	Outcome  string          `json:"outcome,omitempty"` // as waiter.Outcome returns it; "" while the wait goes on
	Error    string          `json:"error,omitempty"`   // "" while the wait goes on, and after a success
	Attempt  int             `json:"attempt,omitempty"` // River's number of the attempt that ended the wait; otherwise 0
	Progress waiter.Progress `json:"progress"`          // with the whole job; without Transitions, which were delivered
}

// OutputOf returns the output of a River job whose arguments are [AwaitArgs]; the zero Output if it
// has not polled yet. It is pure.
func OutputOf(row *rivertype.JobRow) (Output, error) {
	var o Output
	raw := row.Output()
	if len(raw) == 0 {
		return o, nil
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return Output{}, fmt.Errorf("riverwait: River job %d: its output cannot be read: %w", row.ID, err)
	}
	return o, nil
}

// resume returns the Progress to step: the stored one, or a new one for a wait that begins, or
// begins again after an end that was not the job's.
func resume(job *river.Job[AwaitArgs]) (waiter.Progress, error) {
	o, err := OutputOf(job.JobRow)
	switch p := o.Progress; {
	case err != nil:
		return p, err
	case p.JobID == "":
		return waiter.Progress{JobID: job.Args.JobID, Job: job.Args.Job}, nil
	case p.Done && o.Outcome != "success" && o.Outcome != "failed" && recorded(job.JobRow, o.Attempt):
		return waiter.Progress{JobID: p.JobID, Job: p.Job, Trace: p.Trace}, nil // JobRetry has been called
	default:
		return p, nil
	}
}

// recorded reports whether River has recorded the cancellation that the attempt returned. If it
// has not, the process died in between, and the end that is stored has to be returned again.
func recorded(row *rivertype.JobRow, attempt int) bool {
	for _, e := range row.Errors {
		if e.Attempt == attempt && strings.HasPrefix(e.Error, "JobCancelError") {
			return true
		}
	}
	return false
}
