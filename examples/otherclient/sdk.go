package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// sdk stands for the client that a program already has: generated, with pointers
// for fields, errors of its own, and without a context.
type sdk struct {
	endpoint, project, token string
}

type showJobResponse struct {
	JobID      *string `json:"job_id"`
	JobType    *string `json:"job_type"`
	Status     *string `json:"status"`
	ErrorCode  *string `json:"error_code"`
	FailReason *string `json:"fail_reason"`
}

type sdkError struct {
	StatusCode int
	Body       string
}

func (e *sdkError) Error() string { return fmt.Sprintf("sdk: HTTP %d: %s", e.StatusCode, e.Body) }

func (s *sdk) ShowJobDetail(jobID string) (*showJobResponse, error) {
	r, err := http.NewRequest(http.MethodGet, s.endpoint+"/v1/"+s.project+"/sfs-turbo/jobs/"+jobID, nil) //nolint:noctx // such an SDK takes no context
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Auth-Token", s.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, &sdkError{resp.StatusCode, string(body)}
	}
	job := new(showJobResponse)
	return job, json.Unmarshal(body, job)
}
