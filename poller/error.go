package poller

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
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

	clock time.Duration // how far this machine's clock is ahead of the service's, if that may be the cause
}

// Error says on one line what the response was, and how to fix what a person can fix. If
// the address may be wrong, it names what was asked.
func (e *Error) Error() string {
	if e == nil {
		return "no response (a nil *poller.Error)"
	}
	if hint := e.hint(); hint != "" {
		return e.said(longest-utf8.RuneCountInString(hint)) + "; " + hint
	}
	return e.said(longest)
}

// longest is how many characters an error has at most, by a bit. A report that quotes it cuts it
// at [wire.MaxText], and must not cut off its hint.
const longest = wire.MaxText - 128

// said returns what the response was. It cuts the sender's words to fit the limit.
func (e *Error) said(limit int) string {
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
	after := ""
	if e.RequestID != "" {
		after = " (request id " + wire.RequestID(e.RequestID) + ")"
	}
	if e.RetryAfter > 0 {
		after += fmt.Sprintf(", retry after %v", e.RetryAfter)
	}
	return wire.Line(strings.Join(parts, ": "), limit-utf8.RuneCountInString(after)) + after
}

// Unwrap returns Err.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// withText is a response with a text that does not have its hint, where that would be wrong.
type withText struct {
	text     string
	response *Error
}

func (e withText) Error() string { return e.text }
func (e withText) Unwrap() error { return e.response }

func unauthorized(err error) error {
	if is[*credential.Error](err) {
		return err
	}
	return &credential.Error{Err: err}
}

// unrenewed is the error of a poll whose credential was rejected and could not be renewed.
func unrenewed(rejection, err error) error {
	e, ok := errors.AsType[*credential.Error](err)
	failed := &credential.Error{Permanent: ok && e.Permanent, Rejected: ok && e.Rejected}
	if err == error(e) { //nolint:errorlint // not one that e is wrapped in
		err = e.Err // its text begins like that of failed
	}
	if r, ok := errors.AsType[*Error](rejection); ok {
		rejection = withText{r.said(longest), r} // "get a new one" is what has failed
	}
	failed.Err = fmt.Errorf("renewing it failed: %w; this was after: %w", err, rejection)
	return failed
}

// noResponse is the error of a request that got no response.
func noResponse(what call, secrets []string, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		u.Err = scrub(u.Err, secrets) // net/http quotes a response that it can't parse
	}
	return &Error{Err: err, Asked: what.asked()}
}
