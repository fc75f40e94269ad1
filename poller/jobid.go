package poller

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/sfsturbo/waiter/internal/wire"
)

// JobID returns the id of the job that a call has started, from the HTTP status and the
// body of its response: jobId, as the service spells it, or job_id, as some of its pages
// do. The error is always an [*Error] with the status, so that [Classify] knows it. If
// the status is not 2xx or the body is an error's, it has that body's code, message and
// request id.
func JobID(statusCode int, body []byte) (string, error) {
	said := wire.DecodeError(body)
	if statusCode/100 != 2 {
		return "", &Error{StatusCode: statusCode, Code: said.Code, Message: said.Message, RequestID: said.RequestID, Err: errRefused}
	}
	id, err := jobID(body)
	switch {
	case err == nil:
		return id, nil
	case said.Code != "":
		return "", &Error{StatusCode: statusCode, Code: said.Code, Message: said.Message, RequestID: said.RequestID, Err: errRefused}
	}
	return "", &Error{StatusCode: statusCode, RequestID: said.RequestID, Err: err}
}

func jobID(body []byte) (string, error) {
	body = wire.TrimBody(body)
	if len(body) == 0 {
		return "", errors.New("the response has no job id: it is empty")
	}
	var response struct {
		JobID  json.RawMessage `json:"jobId"`
		JobID2 json.RawMessage `json:"job_id"`
	}
	if err := json.Unmarshal(body, &response); err != nil || body[0] != '{' {
		return "", fmt.Errorf("the response has no job id: %s", wire.Describe(body))
	}
	found := response.JobID
	if absent(found) {
		found = response.JobID2
	}
	if absent(found) {
		return "", errors.New("the response has no job id: neither jobId nor job_id is in it")
	}
	var id string
	if err := json.Unmarshal(found, &id); err != nil {
		return "", errors.New("the response's job id is not a string")
	}
	if err := checkSegment("job id", id); err != nil {
		return "", fmt.Errorf("the response has no usable job id: %w", err)
	}
	return id, nil
}

func absent(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
}

// CheckID returns an error for a job id that can't be one: it is empty, is "." or "..",
// has nothing but dashes, or has a space, a control character or an invisible character in it. Any
// other id is left to the service.
func CheckID(jobID string) error {
	err := checkSegment("job id", jobID)
	if err == nil && strings.Trim(jobID, "-") == "" {
		err = fmt.Errorf("the job id %.64q has nothing but dashes", jobID)
	}
	if err != nil {
		return fmt.Errorf("%w: use the one that the submitting call returned", err)
	}
	return nil
}

// checkSegment refuses what can't be one segment of a URL's path, or would be read as
// another one than is meant.
func checkSegment(name, value string) error {
	switch strings.TrimSpace(value) {
	case "":
		return fmt.Errorf("the %s is empty", name)
	case ".", "..":
		return fmt.Errorf("the %s is %q", name, value)
	}
	if strings.ContainsFunc(value, func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) }) {
		return fmt.Errorf("the %s %.64q has a space or an invisible character in it", name, value)
	}
	return nil
}
