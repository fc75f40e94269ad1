package conformance

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// requirement is one thing that every Poller must do.
type requirement struct {
	name  string
	check func(*service) error
}

type rules = map[string]pollertest.Rule

var requirements = []requirement{
	{"a job in each status", eachStatus},
	{"all fields of a job and its sub-jobs", allFields},
	{"absent fields", absentFields},
	{"request id, server time and Retry-After", hints},
	{"ids are escaped", escaped},
	{"ids that can't be one", impossible},
	{"not found", faults(poller.NotFound, rules{
		"404": {Status: 404}, "400 SFS.TURBO.0002": {Status: 400, Code: "SFS.TURBO.0002"},
	})},
	{"unauthorized", faults(poller.Unauthorized, rules{"401": {Status: 401}})},
	{"no permission", faults(poller.Permanent, rules{"403": {Status: 403}})},
	{"wrong address", faults(poller.Permanent, rules{"404 APIGW.0101": {Status: 404, Body: pollertest.Gateway}})},
	{"throttled", faults(poller.Throttled, rules{"429": {Status: 429, RetryAfter: "7"}})},
	{"server errors", faults(poller.Passing, rules{
		"500": {Status: 500}, "502 with a page": {Status: 502, Body: pollertest.HTML}, "503": {Status: 503, RetryAfter: "7"},
		"400 SFS.TURBO.0005": {Status: 400, Code: "SFS.TURBO.0005"},
	})},
	{"responses that break off", faults(poller.Passing, rules{
		"a reset": {Break: pollertest.Reset}, "a reset in the body": {Break: pollertest.Reset, After: 9},
		"truncated": {Break: pollertest.Truncate, After: 9}, "cut": {Break: pollertest.Cut},
	})},
	{"responses that are not a job", faults(poller.Passing, rules{
		"a page": {Body: pollertest.HTML}, "a text": {Raw: "OK"}, "nothing": {Body: pollertest.Empty}, "a list": {Raw: "[]"},
		"no status": {Raw: `{"job_id":"{id}"}`}, "an error": {Body: pollertest.Gateway}, "a 202": {Status: 202},
	})},
	{"another job", faults(poller.Passing, rules{"another id": {Raw: `{"job_id":"another","status":"success"}`}})},
	{"redirects", redirects},
	{"the context's end", contextEnd},
	{"concurrent use", concurrentUse},
	{"no secret in an error", noSecret},
}

func eachStatus(s *service) error {
	var all []error
	for _, want := range []status.Status{status.Waiting, status.Running, status.Success, status.Failed, "SUCCESS", "rolling_back"} {
		reply, err := s.get(status.Job{Type: "bind_ldap", Status: want})
		if err == nil && !strings.EqualFold(string(reply.Job.Status), string(want)) {
			err = fmt.Errorf("the status is %q, want %q", reply.Job.Status, want)
		}
		all = append(all, err)
	}
	if asked := len(s.Requests()); asked != len(all) {
		all = append(all, fmt.Errorf("%d polls made %d requests", len(all), asked))
	}
	return errors.Join(all...)
}

func allFields(s *service) error {
	want := status.Job{
		ID: "26f6b565-1111-2222-3333-03f0bd975433", Type: "bind_ldap", Status: status.Failed,
		BeginTime: "2023-07-26 09:33:58", EndTime: "2023-07-26 09:34:40", ErrorCode: "SFS.TURBO.0100", FailReason: "délai dépassé",
		SubJobs: []status.Job{
			{ID: "5a1c", Type: "check_ldap", Status: status.Failed, BeginTime: "2023-07-26 09:33:58", ErrorCode: "SFS.TURBO.0101", FailReason: "timed out"},
			{Type: "mount_ldap", Status: status.Waiting},
		},
	}
	reply, err := s.get(want)
	if err == nil && !reflect.DeepEqual(reply.Job, want) {
		err = fmt.Errorf("the job is %+v, want %+v", reply.Job, want)
	}
	return err
}

func absentFields(s *service) error {
	var all []error
	for _, raw := range []string{
		`{"status":"running"}`,
		`{"status":"running","job_id":null,"job_type":null,"begin_time":null,"end_time":null,"error_code":null,"fail_reason":null,"sub_jobs":null}`,
		`{"status":"running","job_id":"","sub_jobs":[],"a_new_field":{"a":[1]}}`,
	} {
		id := s.Add(pollertest.Script{})
		s.Fail(pollertest.Rule{JobID: id, Raw: raw})
		reply, err := s.poll(usual, id)
		switch {
		case err != nil:
			all = append(all, fmt.Errorf("%s is an error: %w", raw, err))
		case reply.Job.Status != status.Running || len(reply.Job.SubJobs) > 0 || reply.Job.ErrorCode != "":
			all = append(all, fmt.Errorf("%s is the job %+v", raw, reply.Job))
		}
	}
	return errors.Join(all...)
}

// hints checks what a Reply and an Error may leave out but must not get wrong.
func hints(s *service) error {
	id := s.Add(pollertest.Script{})
	s.Fail(pollertest.Rule{JobID: id, Times: 1, RetryAfter: "7"})
	s.Fail(pollertest.Rule{JobID: id, Status: 503, RetryAfter: "7"})
	reply, err := s.poll(usual, id)
	if err != nil {
		return fmt.Errorf("a good response is an error: %w", err)
	}
	var all []error
	wrongID := func(got string) {
		requests := s.Requests()
		if want := requests[len(requests)-1].RequestID; got != "" && got != want {
			all = append(all, fmt.Errorf("the request id is %q, want %q or none", got, want))
		}
	}
	wrongRetry := func(got time.Duration) {
		if got != 0 && got != 7*time.Second {
			all = append(all, fmt.Errorf("Retry-After is %v, want 7s or none", got))
		}
	}
	wrongID(reply.RequestID)
	wrongRetry(reply.RetryAfter)
	if !reply.ServerTime.IsZero() && time.Since(reply.ServerTime).Abs() > time.Minute {
		all = append(all, fmt.Errorf("the server time is %v, want the response's Date or none", reply.ServerTime))
	}
	_, err = s.poll(usual, id)
	if e, ok := errors.AsType[*poller.Error](err); ok {
		wrongID(e.RequestID)
		wrongRetry(e.RetryAfter)
	}
	return errors.Join(all...)
}

func escaped(s *service) error {
	const id = "a%2Fb?c=d#e;f+g"
	s.Add(pollertest.Script{ID: id})
	_, err := s.poll(usual, id)
	if asked := s.Requests(); len(asked) == 0 || asked[0].JobID != id {
		return fmt.Errorf("asked for the job %q, the service saw %+v", id, asked)
	}
	return err
}

func impossible(s *service) error {
	var all []error
	for _, id := range []string{"", " ", ".", "..", "a\nb"} {
		_, err := s.poll(usual, id)
		if err == nil || poller.Classify(err) != poller.Permanent {
			all = append(all, fmt.Errorf("the job id %q is not a permanent error: %v", id, err)) //nolint:errorlint // may be nil
		}
	}
	if asked := len(s.Requests()); asked > 0 {
		all = append(all, fmt.Errorf("%d requests were sent", asked))
	}
	return errors.Join(all...)
}
