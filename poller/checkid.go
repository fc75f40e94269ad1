package poller

import "fmt"

// CheckID says what is wrong with a job id that no Poller can ask for: one that is
// empty or blank, "." or "..". Any other id is the service's own affair.
func CheckID(jobID string) error {
	if err := checkSegment("job id", jobID); err != nil {
		return fmt.Errorf("%w: give the one that the submitting call answered with", err)
	}
	return nil
}
