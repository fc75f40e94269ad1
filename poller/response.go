package poller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

// read turns a response into a Reply without the job, or an *Error. It reads the body to
// its end, so that the connection can be reused. A body that is too long is not read to
// its end: closing the connection is cheaper.
func read(resp *http.Response, what call, decode func(body []byte, secrets []string) error, secrets []string, date, now time.Time) (Reply, error) {
	b := bodies.Get().(*body) //nolint:forcetypeassert // there is nothing else in it
	defer b.free()
	var err error
	if resp.StatusCode >= 200 { // the body of a 101 does not end with the request's context
		err = b.read(resp.Body)
	}
	body := b.Bytes()
	reply := Reply{
		RequestID:  wire.RequestID(resp.Header.Get("X-Request-Id"), secrets...),
		ServerTime: date,
		RetryAfter: wire.RetryAfter(resp.Header.Get("Retry-After"), date, now),
	}
	if resp.StatusCode == http.StatusOK {
		switch {
		case err != nil:
			err = fmt.Errorf("the response broke off: %w", err)
		case len(body) > maxBody:
			err = errors.New("the response is longer than 1 MiB")
		default:
			err = decode(body, secrets)
		}
		if err == nil {
			return reply, nil
		}
	} else {
		err = nil // the status says more than a body that broke off
		switch {
		case resp.StatusCode < 200:
			err = errors.New("not a response to a request: check the endpoint and the proxies on the way")
		case resp.StatusCode < 300:
			err = errors.New("only a 200 is a good response")
		}
	}

	said := wire.DecodeError(body, secrets...)
	if resp.StatusCode/100 == 2 && said.Code == "" {
		said.Message = "" // not an error body: err says what is wrong
	}
	if resp.StatusCode/100 == 3 {
		said.Message = wire.Redact(wire.PointsTo(resp), secrets...)
	}
	e := &Error{
		StatusCode: resp.StatusCode,
		Code:       said.Code,
		Message:    said.Message,
		RequestID:  reply.RequestID,
		RetryAfter: reply.RetryAfter,
		Err:        scrub(err, secrets),
		Asked:      what.asked(),
	}
	if e.RequestID == "" {
		e.RequestID = said.RequestID
	}
	return Reply{}, e
}

// feedback says what a response means for the credential of its request. Only what the
// service itself says, behind the gateway, shows that the credential was accepted: own is
// whether a good response is the service's own.
func feedback(date time.Time, own bool, err error) credential.Feedback {
	f := credential.Feedback{Date: date, Err: err}
	e, failed := errors.AsType[*Error](err)
	switch {
	case !failed && own:
		f.Result = credential.Accepted
	case !failed:
	case e.StatusCode == http.StatusUnauthorized:
		f.Result = credential.Rejected
	case strings.HasPrefix(e.Code, "SFS.TURBO."):
		f.Result = credential.Accepted
	}
	return f
}

// decode reads the body of a good response. It returns in words what it could not read.
func decode(body []byte, jobID string, secrets []string) (job status.Job, dropped string, err error) {
	body = wire.TrimBody(body)
	switch {
	case len(body) == 0:
		return status.Job{}, "", errors.New("the response is empty")
	case body[0] != '{':
		return status.Job{}, "", fmt.Errorf("the response is not a job: %s: if this persists, check the endpoint and the proxies on the way", wire.Describe(body, secrets...))
	}
	// The sub-jobs are counted before they are decoded: 1 MiB of {} would become 150 MiB.
	// A short body can't hold too many.
	if len(body) > status.MaxSubJobs*len("{},") {
		var counted struct {
			SubJobs count `json:"sub_jobs"`
		}
		if err := json.Unmarshal(body, &counted); err != nil {
			return status.Job{}, "", fmt.Errorf("the response is not a job: %w", err)
		}
	}
	job, dropped, err = status.Decode(body)
	switch {
	case err != nil:
		return status.Job{}, "", fmt.Errorf("the response is not a job: %w", err)
	case job.Status == "":
		return status.Job{}, "", errors.New("the response has no status")
	case job.ID != "" && !status.SameID(job.ID, jobID):
		return status.Job{}, "", fmt.Errorf("the response is for another job, %q", wire.Line(job.ID, 64))
	}
	return job, dropped, nil
}

// redact removes the credential from what the service says about a job.
func redact(job *status.Job, secrets []string) {
	for _, said := range []*string{&job.Type, &job.ErrorCode, &job.FailReason, (*string)(&job.BeginTime), (*string)(&job.EndTime)} {
		*said = wire.Redact(*said, secrets...)
	}
	if !known(job.Status) {
		job.Status = status.Status(wire.Redact(string(job.Status), secrets...))
	}
	for i := range job.SubJobs {
		job.SubJobs[i].ID = wire.Redact(job.SubJobs[i].ID, secrets...)
		redact(&job.SubJobs[i], secrets)
	}
}

// known reports whether a status is one of the four, in any case.
func known(s status.Status) bool { return status.Status(strings.ToLower(string(s))).Known() }

// count counts the elements of lists.
type count int

func (n *count) UnmarshalJSON(data []byte) error {
	if data[0] != '[' {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	var element json.RawMessage // reuses its memory
	for d.More() {
		if err := d.Decode(&element); err != nil {
			return err
		}
		if *n++; *n > status.MaxSubJobs {
			return fmt.Errorf("more than %d sub-jobs", status.MaxSubJobs)
		}
	}
	return nil
}

// scrub returns err. If its text has a secret in it, it returns an error with the redacted
// text and the same verdict instead.
func scrub(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	text := wire.Text(err)
	redacted := wire.Redact(text, secrets...)
	switch {
	case redacted == text:
		return err
	case Classify(err) == Permanent:
		return backoff.Permanent(errors.New(redacted))
	}
	return errors.New(redacted)
}
