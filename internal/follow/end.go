package follow

// End says how a wait ended.
type End uint8

// The ends. Those up to SubJobFailed are the job's own.
const (
	Open         End = iota // not yet
	Succeeded               // the job
	JobFailed               // the job
	SubJobFailed            // a sub-job, with Rules.FailFast
	NotFound                // the service never knew the job
	Disappeared             // the service no longer knows the job
	Unauthorized            // the credential was rejected
	Permanent               // polling again cannot help
	Stalled                 // no new status for too long
	Stopped                 // the schedule has no next poll
	Refused                 // the limiter lets no poll through
	Unsaved                 // a checkpoint could not be saved
	TimedOut                // the context's deadline
	Canceled                // the context
	Abandoned               // the caller no longer listens, or something panicked
	Unusable                // an option or the job id cannot be used
)

var words = [...]string{
	"open", "success", "failed", "sub_job_failed", "not_found", "disappeared", "unauthorized", "permanent",
	"stalled", "stopped", "stopped", "checkpoint", "timeout", "canceled", "stopped", "usage",
}

// String returns the end as a word of a closed set, for metrics and for the stored form.
func (e End) String() string { return words[e] }

// endOf returns the end of that word: the first one, where several share it.
func endOf(word string) (End, bool) {
	for e, w := range words {
		if w == word {
			return End(e), true
		}
	}
	return Open, false
}
