package riverwait

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// AwaitArgs are the arguments of a River job that awaits a job of the service. Insert them with
// river.Client.Insert, or InsertTx.
//
// The River job is unique by JobID, as spelled, for as long as its row exists: inserting the same
// JobID twice is one wait, also after its end. River deletes the row of a success and of a
// cancellation after 24 hours, unless its Config says otherwise. To wait again after an end that
// was not the job's, such as a rejected credential, fix the cause and call river.Client.JobRetry:
// the wait goes on from the job as last seen.
type AwaitArgs struct {
	JobID string `json:"job_id" river:"unique"`
	// Job is a checkpoint to go on from: what it shows is not delivered again. The zero Job begins
	// at the beginning.
	Job status.Job `json:"job,omitzero"`
	// Payload is yours: the callbacks find it in their River job. It has to be JSON.
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Kind returns "sfsturbo_await".
func (AwaitArgs) Kind() string { return "sfsturbo_await" }

// InsertOpts makes the River job unique by JobID in every state, and gives it as many attempts as
// River can count: crashes and errors of the database must not use up a wait. What is given to
// Insert overrides it.
func (AwaitArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		MaxAttempts: math.MaxInt16,
		UniqueOpts:  river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()},
	}
}

// MarshalJSON refuses a JobID that cannot be polled, and a checkpoint of another job, so that
// inserting them fails.
func (a AwaitArgs) MarshalJSON() ([]byte, error) {
	if err := poller.CheckID(a.JobID); err != nil {
		return nil, err
	}
	if a.Job.ID != "" && !status.SameID(a.Job.ID, a.JobID) {
		return nil, fmt.Errorf("riverwait: AwaitArgs.Job is job %q, AwaitArgs.JobID is %q: give each job the checkpoint that was stored for it", a.Job.ID, a.JobID)
	}
	type plain AwaitArgs
	return json.Marshal(plain(a))
}
