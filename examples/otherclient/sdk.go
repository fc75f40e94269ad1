package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// sdk stands for the client that a program already has: generated, with pointers for fields, errors
// of its own, and no context.
type sdk struct {
	endpoint, project, token string
}

type jobDetail struct {
	RequestID  string      `json:"-"` // from the header
	JobID      *string     `json:"job_id"`
	JobType    *string     `json:"job_type"`
	Status     *string     `json:"status"`
	BeginTime  *string     `json:"begin_time"`
	EndTime    *string     `json:"end_time"`
	ErrorCode  *string     `json:"error_code"`
	FailReason *string     `json:"fail_reason"`
	SubJobs    []jobDetail `json:"sub_jobs"`
}

type sdkError struct {
	StatusCode int
	RequestID  string
	Code       string `json:"errCode"`
	Message    string `json:"errMsg"`
}

func (e *sdkError) Error() string { return fmt.Sprintf("sdk: HTTP %d: %s", e.StatusCode, e.Message) }

func (s *sdk) ShowJobDetail(jobID string) (*jobDetail, error) {
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
		e := &sdkError{StatusCode: resp.StatusCode, RequestID: resp.Header.Get("X-Request-Id")}
		_ = json.Unmarshal(body, e) // it may be a proxy's page
		return nil, e
	}
	job := &jobDetail{RequestID: resp.Header.Get("X-Request-Id")}
	return job, json.Unmarshal(body, job)
}
