package poller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sfsturbo/waiter/internal/apierror"
)

// JobID returns the id of the job that a call has started, from the body of its
// answer: jobId, as the service spells it, or job_id, as some of its pages do. If
// the body is an error's, so is the result: an [*Error] with its code and message. It
// does not know the answer's HTTP status: say that beside the error.
func JobID(body []byte) (string, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return "", errors.New("the answer has no job id: it is empty")
	}
	var answer struct {
		JobID  json.RawMessage `json:"jobId"`
		JobID2 json.RawMessage `json:"job_id"`
	}
	err := json.Unmarshal(body, &answer)
	said := apierror.Decode(body)
	if err != nil || body[0] != '{' {
		return "", fmt.Errorf("the answer has no job id: %s", said.Message)
	}
	found := answer.JobID
	if absent(found) {
		found = answer.JobID2
	}
	if absent(found) {
		if said.Code != "" {
			return "", &Error{Code: said.Code, Message: said.Message, RequestID: said.RequestID, Err: errors.New("the call was refused")}
		}
		return "", errors.New("the answer has no job id: neither jobId nor job_id is in it")
	}
	var id string
	if err := json.Unmarshal(found, &id); err != nil {
		return "", errors.New("the answer's job id is not a string")
	}
	if err := checkSegment("job id", id); err != nil {
		return "", fmt.Errorf("the answer has no usable job id: %w", err)
	}
	return id, nil
}

func absent(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
}

// CheckID says what is wrong with a job id that no Poller can ask for: one that is
// empty or blank, "." or "..". Any other id is the service's own affair.
func CheckID(jobID string) error {
	if err := checkSegment("job id", jobID); err != nil {
		return fmt.Errorf("%w: give the one that the submitting call answered with", err)
	}
	return nil
}
