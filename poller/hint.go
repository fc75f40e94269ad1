package poller

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/internal/wire"
)

// addressMatters reports whether a wrong endpoint or project may be the cause: unless the service
// or its gateway says otherwise, the response may be anybody's.
func (e *Error) addressMatters() bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return e.StatusCode < 400 || byResponse(e) == NotFound || !e.isTheServices()
}

// isTheServices reports whether the service or its gateway has sent the response.
func (e *Error) isTheServices() bool {
	prefix, _, found := strings.Cut(e.Code, ".")
	return found && (prefix == "SFS" || isGateway(prefix))
}

// errRefused marks an Error of a call that submits a job.
var errRefused = errors.New("the call was refused")

// hint says what a person can do. It may go by the words of a message, unlike the verdict.
func (e *Error) hint() string {
	const anybody = "if this is not the service's own response, check the endpoint and the proxies on the way"
	hint := e.hintByStatus()
	switch {
	case e.isTheServices() || e.StatusCode == 0 || errors.Is(e.Err, errRefused):
		return hint
	case hint == "" && byResponse(e) == Permanent:
		return anybody
	case e.Code == "" && e.Message != "" && (e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden || e.StatusCode == http.StatusNotFound):
		return hint + ". Or " + anybody
	}
	return hint
}

func (e *Error) hintByStatus() string {
	submits := errors.Is(e.Err, errRefused)
	switch s := e.StatusCode; {
	case s == 0:
		return wire.Unreached(e.Err, "endpoint")
	case s == http.StatusNotFound && wrongAddress(e.Code):
		return "nothing is served at this address: check the endpoint, its region and its path"
	case s == http.StatusUnauthorized:
		return e.hintRefused()
	case s == http.StatusForbidden:
		return "no permission: check the project id, and what the user may do in that project"
	case s == http.StatusTooManyRequests:
		return "throttled: all calls of a user share one limit, so poll less often"
	case s/100 == 3:
		return wire.RedirectHint(s, e.Message, "token", "endpoint")
	case s == http.StatusProxyAuthRequired:
		return "a proxy on the way wants a user and a password: check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
	case s == http.StatusRequestHeaderFieldsTooLarge, s == headerTooLarge, s == http.StatusBadRequest && wire.TooLong(e.Message):
		return "the header of the request is too long for this server: see the token's length, or use an access key"
	case s == http.StatusBadRequest && wire.WantsTLS(e.Message):
		return "this port speaks TLS: begin the endpoint with https://"
	case e.Code == "SFS.TURBO.0011", e.Code == "SFS.TURBO.0037":
		return "a share runs one operation at a time: wait until the other one has ended"
	case byResponse(e) == NotFound && !submits:
		return "no such job: check the job id, the project id and the region, or whether the job was deleted"
	}
	return ""
}

const headerTooLarge = 494 // nginx's own

// hintRefused says why the credential was rejected, as far as that is known.
func (e *Error) hintRefused() string {
	why := wire.WhyRefused(e.Message)
	if _, number, _ := strings.Cut(e.Code, "."); why == wire.Unclear && number == "0307" {
		why = wire.Outdated
	}
	var said string
	switch why {
	case wire.ClockOff:
		return wire.ClockHint(cmp.Or(wire.ClockAhead(e.Message), e.clock))
	case wire.Locked:
		return "the access key is locked for five minutes, because more than five signatures failed: wait, and find the program that signs with a wrong secret key"
	case wire.Disabled:
		return "the access key or its user is disabled: enable it, or use another one"
	case wire.NoSuchKey:
		return "there is no such access key: check that it is spelled right, was not deleted, and belongs to this cloud"
	case wire.Expired:
		said = "the token has expired: get a new one"
	case wire.Outdated:
		said = "the token is too old, or of another region: get a new one, and check the region in the endpoint"
	case wire.Unknown:
		said = "the token cannot be read: check that it is whole, and was issued by this cloud"
	case wire.Mismatch:
		said = "the signature does not match: check the secret key, and whether a proxy on the way changes the path"
	default:
		said = "the credential was rejected: check that the token or access key is right for this project and region, not expired and not locked, and that this machine's clock is right"
	}
	switch {
	case e.clock == 0:
		return said
	case why == wire.Unclear, why == wire.Mismatch: // a signature is good for 15 minutes
		return wire.ClockHint(e.clock) + ". If that does not help, check the credential"
	}
	return said + "; and " + wire.ClockHint(e.clock)
}

// clockMatters is nearly the 15 minutes that a signature is good for.
const clockMatters = 14 * time.Minute

// blameClock notes in a rejection how far this machine's clock is off, if it is far enough off to
// matter: by the response's Date, the time that the request was signed for, and otherwise now.
func blameClock(err error, r *http.Request, date, now time.Time) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.StatusCode != http.StatusUnauthorized || date.IsZero() {
		return
	}
	if signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Sdk-Date")); err == nil {
		now = signed
	}
	if ahead := now.Sub(date); ahead.Abs() > clockMatters {
		e.clock = ahead
	}
}
