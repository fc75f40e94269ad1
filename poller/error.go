package poller

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
)

// Error is a response of the service, or of a gateway or proxy in front of it, that is
// not a job; or a request that got no response. It is used as *Error.
type Error struct {
	StatusCode int           // of the HTTP response; 200 for one that makes no sense; 0 if there was none
	Code       string        // "SFS.TURBO.0019", "APIGW.0301", ...; "" if there is none
	Message    string        // the service's own words; they change, so do not match them
	RequestID  string        // for the service's support; "" if there is none
	RetryAfter time.Duration // do not ask again sooner; 0 if the response does not say
	Err        error         // what is wrong with the response, or why there was none; otherwise nil
	Asked      string        // the endpoint and the project that were asked, without secrets; "" if unknown
}

// Error says on one line what the response was, and how to fix what a person can fix. If
// the address may be wrong, it names what was asked.
func (e *Error) Error() string {
	if e == nil {
		return "no response (a nil *poller.Error)"
	}
	if hint := e.hint(); hint != "" {
		return e.said() + "; " + hint
	}
	return e.said()
}

func (e *Error) said() string {
	first := "no response"
	if e.StatusCode != 0 {
		first = strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.StatusCode, http.StatusText(e.StatusCode)))
	}
	if e.Asked != "" && e.addressMatters() {
		first += " from " + e.Asked
	}
	parts := []string{first}
	if e.Err != nil {
		cause := e.Err
		if u, ok := errors.AsType[*url.Error](cause); ok && u.Err != nil { // the URL hides the reason behind it
			cause = u.Err
		}
		parts = append(parts, wire.Text(cause))
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := wire.OneLine(strings.Join(parts, ": "))
	if e.RequestID != "" {
		text += " (request id " + wire.RequestID(e.RequestID) + ")"
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(", retry after %v", e.RetryAfter)
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// addressMatters reports whether a wrong endpoint or project may be the cause.
func (e *Error) addressMatters() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return e.StatusCode < 400 || byResponse(e) == NotFound
}

// errRefused marks an Error of a call that submits a job.
var errRefused = errors.New("the call was refused")

func (e *Error) hint() string {
	switch {
	case e.StatusCode == 0:
		return e.hintWithoutResponse()
	case e.StatusCode == http.StatusNotFound && wrongAddress(e.Code):
		return "nothing is served at this address: check the endpoint, its region and its path"
	case e.StatusCode == http.StatusUnauthorized:
		return "the credential was rejected: check that the token or access key is right for this project and region, not expired and not locked, and that this machine's clock is right"
	case e.StatusCode == http.StatusForbidden:
		return "no permission: check the project id, and what the user may do in that project"
	case e.StatusCode == http.StatusTooManyRequests:
		return "throttled: all calls of a user share one limit, so poll less often"
	case e.StatusCode/100 == 3:
		return "a redirect is never followed, because the token would go with it: use its target as the endpoint"
	case byResponse(e) == NotFound && !errors.Is(e.Err, errRefused):
		return "no such job: check the job id, the project id and the region, or whether the job was deleted"
	}
	return ""
}

func (e *Error) hintWithoutResponse() string {
	if proxy, ok := errors.AsType[*wire.ProxyError](e.Err); ok && (proxy.Refusal != "" || proxy.Unreached()) {
		return "" // it says itself what to check
	}
	if dns, ok := errors.AsType[*net.DNSError](e.Err); ok && dns.IsNotFound {
		return "check the region in the endpoint"
	}
	if badCertificate(e.Err) {
		return "check the endpoint, this machine's clock and its root certificates"
	}
	return ""
}
