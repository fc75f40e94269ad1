package poller

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/apierror"
)

// Error is an answer of the service, or of a gateway or proxy before it, that is
// not a job. It is used as *Error.
type Error struct {
	StatusCode int           // of the HTTP answer; 200 for an answer that makes no sense; 0 if there was none
	Code       string        // "SFS.TURBO.0019", "APIGW.0301", ...; "" if it sent none
	Message    string        // the service's own words; they change, don't match them
	RequestID  string        // what the service's support asks for; "" if it sent none
	RetryAfter time.Duration // do not ask again sooner; 0 if the answer says nothing
	Err        error         // what is wrong with an answer that makes no sense; else nil
}

// Error says on one line what was answered, and for the situations that a person
// can change, how.
func (e *Error) Error() string {
	if hint := e.hint(); hint != "" {
		return e.said() + "; " + hint
	}
	return e.said()
}

func (e *Error) said() string {
	var parts []string
	if e.StatusCode != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.StatusCode, http.StatusText(e.StatusCode))))
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no answer")
	}
	text := apierror.Line(strings.Join(parts, ": "), longestText)
	if e.RequestID != "" {
		text += " (request id " + apierror.RequestID(e.RequestID) + ")"
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", retry after %v", e.RetryAfter)
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

const longestText = 768 // characters, without request id and hint

func (e *Error) hint() string {
	switch {
	case e.StatusCode == http.StatusNotFound && wrongAddress(e.Code):
		return "nothing is served at this address: check the endpoint, its region and its path"
	case e.StatusCode == http.StatusUnauthorized:
		return "the token or access key is missing, wrong, expired, revoked or locked: get a good one, for this project and region"
	case e.StatusCode == http.StatusForbidden:
		return "no permission to read this job: check the project id, and what the user may do in that project"
	case e.StatusCode == http.StatusTooManyRequests:
		return "throttled: all calls of a user share one limit, so poll less often"
	case e.StatusCode/100 == 3:
		return "a redirect is never followed, because the token would go with it: give the address where it leads as endpoint"
	case byAnswer(e) == NotFound:
		return "no such job: check the job id, the project id and the region, or whether it was deleted since"
	}
	return ""
}

// noAnswer is a request that ended without one. Its text leaves out the URL: the
// job's id and the project's are known, and hide the reason behind them.
type noAnswer struct {
	host string
	err  error
}

func (e *noAnswer) Error() string {
	cause, hint := e.err, ""
	if u, ok := errors.AsType[*url.Error](e.err); ok {
		cause = u.Err
	}
	if dns, ok := errors.AsType[*net.DNSError](e.err); ok && dns.IsNotFound {
		hint = "; check the region in the endpoint"
	} else if badCertificate(e.err) {
		hint = "; check the endpoint, this machine's clock and its root certificates"
	}
	return "no answer from " + e.host + ": " + apierror.Line(cause.Error(), longestText) + hint
}

func (e *noAnswer) Unwrap() error { return e.err }
