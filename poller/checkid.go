package poller

// CheckID says what is wrong with a job id that no Poller can ask for: one that is
// empty or blank, "." or "..". Any other id is the service's own affair.
func CheckID(jobID string) error { return checkSegment("job id", jobID) }
