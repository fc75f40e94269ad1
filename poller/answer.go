package poller

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/apierror"
	"github.com/sfsturbo/waiter/internal/header"
	"github.com/sfsturbo/waiter/internal/redirect"
	"github.com/sfsturbo/waiter/status"
)

const (
	maxBody    = 1 << 20 // bytes, after decompression
	maxSubJobs = 2_000
)

// read makes of an answer a Reply, without the job, or an *Error. It reads the body to its end, so
// that the connection can be used again, unless the body is too long: then it is
// cheaper to close it.
func read(resp *http.Response, decode func(body []byte, secrets []string) error, secrets []string, now time.Time) (Reply, error) {
	var body []byte
	var err error
	if resp.StatusCode >= 200 { // what follows a 101 does not end with the request's context
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	}
	date := header.Date(resp.Header.Get("Date"))
	reply := Reply{
		RequestID:  apierror.RequestID(resp.Header.Get("X-Request-Id"), secrets...),
		ServerTime: date,
		RetryAfter: header.RetryAfter(resp.Header.Get("Retry-After"), date, now),
	}
	if resp.StatusCode == http.StatusOK {
		switch {
		case err != nil:
			err = fmt.Errorf("the answer broke off: %w", err)
		case len(body) > maxBody:
			err = errors.New("the answer is longer than 1 MiB")
		default:
			err = decode(body, secrets)
		}
		if err == nil {
			return reply, nil
		}
	} else {
		err = nil // of an answer that refuses the status is known, and says more
		switch {
		case resp.StatusCode < 200:
			err = errors.New("this is no answer to a request: check the endpoint and the proxies on the way")
		case resp.StatusCode < 300:
			err = errors.New("only a 200 is a good answer")
		}
	}

	said := apierror.Decode(body, secrets...)
	if resp.StatusCode/100 == 2 && said.Code == "" {
		said.Message = "" // not an error's body: err says what is wrong with it
	}
	if resp.StatusCode/100 == 3 {
		said.Message = apierror.Redact(pointsTo(resp), secrets...)
	}
	e := &Error{
		StatusCode: resp.StatusCode,
		Code:       said.Code,
		Message:    said.Message,
		RequestID:  reply.RequestID,
		RetryAfter: reply.RetryAfter,
		Err:        scrub(err, secrets),
	}
	if e.RequestID == "" {
		e.RequestID = said.RequestID
	}
	return Reply{}, e
}

// decode reads a good answer's body.
func decode(body []byte, jobID string) (status.Job, error) {
	switch trimmed := bytes.TrimSpace(body); {
	case len(trimmed) == 0:
		return status.Job{}, errors.New("the answer is empty")
	case trimmed[0] != '{':
		return status.Job{}, fmt.Errorf("the answer is not a job: %s: if this stays, check the endpoint and the proxies on the way", apierror.Decode(body).Message)
	}
	// The job is not decoded before its sub-jobs are counted: 1 MiB of {} would
	// become 150 MiB. A short answer can't hold too many.
	if len(body) > maxSubJobs*len("{},") {
		var counted struct {
			SubJobs count `json:"sub_jobs"`
		}
		if err := json.Unmarshal(body, &counted); err != nil {
			return status.Job{}, fmt.Errorf("the answer is not a job: %w", err)
		}
	}
	var job status.Job
	if err := job.UnmarshalJSON(body); err != nil { // json.Unmarshal would read it twice more before
		return status.Job{}, fmt.Errorf("the answer is not a job: %w", err)
	}
	switch {
	case strings.TrimSpace(string(job.Status)) == "":
		return status.Job{}, errors.New("the answer has no status")
	case job.ID != "" && !status.SameID(job.ID, jobID):
		return status.Job{}, fmt.Errorf("the answer is for another job, %q", apierror.Line(job.ID, 64))
	}
	return job, nil
}

// redact takes the token out of what the service says of a job, should it quote it.
func redact(job *status.Job, secrets []string) {
	for _, said := range []*string{&job.Type, &job.ErrorCode, &job.FailReason} {
		*said = apierror.Redact(*said, secrets...)
	}
	if !status.Status(strings.ToLower(string(job.Status))).Known() {
		job.Status = status.Status(apierror.Redact(string(job.Status), secrets...))
	}
	for i := range job.SubJobs {
		job.SubJobs[i].ID = apierror.Redact(job.SubJobs[i].ID, secrets...)
		redact(&job.SubJobs[i], secrets)
	}
}

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
	var element json.RawMessage // its memory is used again
	for d.More() {
		if err := d.Decode(&element); err != nil {
			return err
		}
		if *n++; *n > maxSubJobs {
			return fmt.Errorf("more than %d sub-jobs", maxSubJobs)
		}
	}
	return nil
}

// pointsTo says where a redirect leads: the host only, as a path or a query may
// hold what is nobody's business.
func pointsTo(resp *http.Response) string {
	target := redirect.Target(resp)
	if target == "" {
		return "a redirect to nowhere"
	}
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return "a redirect to what is no URL"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "a redirect to a " + apierror.Line(u.Scheme, 32) + " URL"
	case u.Host == "":
		return "a redirect to another path of the same host"
	case u.Scheme == "http" && resp.TLS != nil:
		return "a redirect to " + apierror.Line(u.Host, 255) + ", without TLS"
	default:
		return "a redirect to " + apierror.Line(u.Host, 255)
	}
}

// secretsOf returns what in a request no error may quote.
func secretsOf(r *http.Request) []string {
	var secrets []string
	for _, name := range []string{"X-Auth-Token", "X-Security-Token", "Authorization"} {
		for _, value := range r.Header.Values(name) {
			value = value[strings.LastIndexByte(value, ' ')+1:] // without the scheme's name
			secrets = append(secrets, strings.TrimPrefix(value, "Signature="))
		}
	}
	return secrets
}

// scrub returns err, or if its text has a secret in it, one that has only the rest.
func scrub(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	if text := apierror.Redact(err.Error(), secrets...); text != err.Error() {
		return errors.New(text)
	}
	return err
}
