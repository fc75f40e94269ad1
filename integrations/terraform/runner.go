package terraform

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Runner makes changes by jobs. A provider has one, for all of its resources. It is safe for
// concurrent use.
type Runner struct {
	Waiter  *waiter.Waiter
	Journal *Journal // nil keeps no journal: a job is then forgotten if a process is killed
	Secrets []string // are masked in logs and diagnostics

	handed sync.Map // records, by object: from the Delete of a tainted object to the Create after it
}

// Change is a change that a job makes.
type Change struct {
	// Object is what the job changes, such as the id of the share and "/ldap". One change of it runs
	// at a time.
	Object  string
	JobType string // such as "bind_ldap"
	// Intent is what is wanted, such as the JSON of the plan with the latest job that the state shows,
	// without secrets. An attempt with the same Intent is the same change: it goes on with its job.
	Intent string
	// Holds reports whether the object is as wanted, as far as the service shows it. It is asked
	// before each submit: where the response to a submit was lost, what holds now and did not hold
	// before is that job's work. What did hold before, such as where only a password changes, is
	// submitted again. nil if nothing shows it.
	Holds func(ctx context.Context) (bool, error)
	// Submit starts the job and returns its id: see poller.JobID. It returns "" if the object is as
	// wanted already. Its context ends after SubmitTimeout, and not at an interrupt, so that the id
	// is not lost to one.
	Submit func(ctx context.Context, before Attempt) (jobID string, err error)
	// Left is what the state of a Delete shows of a job that has not ended.
	Left    Left
	Private Private       // the response's
	Timeout time.Duration // the resource's, for the submit and the wait
	// Creates makes an interrupt a warning: an error would taint the new object, and the next apply
	// would replace it instead of waiting for its job.
	Creates bool
	// Attributes are the attributes at fault, by the code of the job, of a failed sub-job or of the
	// submitting call's refusal.
	Attributes map[string]path.Path
	Secrets    []string // in addition to the Runner's
}

// SubmitTimeout is the longest that Submit may take, also beyond an interrupt or the change's own
// timeout. Terraform itself waits for a provider as long as it takes.
const SubmitTimeout = 30 * time.Second

// Attempt is what is known of an earlier attempt when a job is about to be submitted.
type Attempt int

// The attempts.
const (
	None    Attempt = iota // none is known: what is there is not the resource's own
	Another                // one for something else did not end well
	Same                   // one for the same intent
)

// End is how a change ended, for the state that a resource returns.
type End int

// The ends.
const (
	Done         End = iota // the object is as wanted
	JobFailed               // the job failed, and left the object as it was
	NotStarted              // no job was started
	MaybeStarted            // the submitting call got no response: the Journal remembers the attempt
	Unfinished              // the job may go on, and Private remembers it
)

// Result is how a change ended, and its job.
type Result struct {
	End End
	Job status.Job // as last seen; without an ID if no job is known
}
