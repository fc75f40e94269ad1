package poller

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/poller/credential"
)

// Verdict is what a failed poll means for a wait.
type Verdict int

const (
	Passing      Verdict = iota // poll again: the service, or the way to it, has a problem that may pass
	Throttled                   // poll again, more slowly: the service works, and limits its callers
	NotFound                    // no such job: not yet, or no longer
	Unauthorized                // the credential was rejected, and renewing it did not help
	Permanent                   // polling again can't help
)

// String returns the verdict in words, such as "not found".
func (v Verdict) String() string {
	switch v {
	case Passing:
		return "passing"
	case Throttled:
		return "throttled"
	case NotFound:
		return "not found"
	case Unauthorized:
		return "unauthorized"
	case Permanent:
		return "permanent"
	}
	return "Verdict(" + strconv.Itoa(int(v)) + ")"
}

// Classify returns the verdict on any error that a [Poller] may return. It is pure.
//
// A [backoff.PermanentError] is Permanent, whatever it wraps. A [credential.Error] is
// Unauthorized if Rejected is set, Permanent if Permanent is set or a certificate did not
// verify, and otherwise Passing. An [*Error] is classified by its HTTP status first and
// its code second, by the service's error pages:
//
//	200 to 299                                     Passing
//	300 to 399                                     Permanent
//	400 SFS.TURBO.0001, SFS.TURBO.0002             NotFound
//	400 SFS.TURBO.0005, 408, 425, 500 and above    Passing
//	401                                            Unauthorized
//	404 APIGW.0101, APIG.0101, APIC.0101           Permanent: the address is wrong
//	404                                            NotFound
//	429                                            Throttled
//	any other 4xx                                  Permanent
//
// If there was no response, these are Permanent: a certificate that does not verify, a URL
// scheme that net/http does not support, one that is not what the port speaks, such as
// https:// to a port of plain HTTP ([http.ErrSchemeMismatch]), and a proxy that refuses to
// connect with a 3xx, or with a 4xx other than 408, 425 and 429. Everything else is
// Passing: nil, the end of a context, a network failure, and any error that Classify does
// not know.
func Classify(err error) Verdict {
	if isNil(err) {
		return Passing
	}
	if _, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return Permanent
	}
	if e, ok := errors.AsType[*credential.Error](err); ok && e != nil {
		switch {
		case e.Rejected:
			return Unauthorized
		case e.Permanent, wire.BadCertificate(e):
			return Permanent
		}
		return Passing // even after a rejection: renewing may work later
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		if e.StatusCode == 0 {
			return Classify(e.Err)
		}
		return byResponse(e)
	}
	if wire.BadCertificate(err) || wire.WrongScheme(err) {
		return Permanent
	}
	return Passing
}

func byResponse(e *Error) Verdict {
	switch s := e.StatusCode; {
	case s == http.StatusBadRequest:
		switch e.Code {
		case "SFS.TURBO.0001", "SFS.TURBO.0002":
			return NotFound
		case "SFS.TURBO.0005": // internal error, documented with 400 too
			return Passing
		}
		return Permanent
	case s == http.StatusUnauthorized:
		return Unauthorized
	case s == http.StatusNotFound && wrongAddress(e.Code):
		return Permanent
	case s == http.StatusNotFound:
		return NotFound
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		return Passing
	case s == http.StatusTooManyRequests:
		return Throttled
	case s >= 300 && s < 500:
		return Permanent
	}
	return Passing
}

// wrongAddress reports whether a code is the gateway's for an API that does not exist.
// The prefix differs from cloud to cloud, the number does not.
func wrongAddress(code string) bool {
	prefix, number, _ := strings.Cut(code, ".")
	return number == "0101" && isGateway(prefix)
}

func isGateway(prefix string) bool { return prefix == "APIGW" || prefix == "APIG" || prefix == "APIC" }

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Kind returns what kind of failure err is, for counting failed polls. It is one of
//
//	"301", "429", "503", ...   the HTTP status of a response other than 2xx
//	"bad answer"               a 2xx that is not the job
//	"timeout"                  no response, or not all of it, in time
//	"credential"               the request could not be authorized
//	"network"                  no response, for any other reason
//	"other"
//
// and "" for nil. It is pure.
func Kind(err error) string {
	switch {
	case err == nil:
		return ""
	case isNil(err):
		return "other"
	}
	e, responded := errors.AsType[*Error](err)
	responded = responded && e != nil && e.StatusCode >= 100 && e.StatusCode <= 999
	network, isNet := errors.AsType[net.Error](err)
	switch {
	case is[*credential.Error](err):
		return "credential"
	case responded && e.StatusCode/100 != 2:
		return strconv.Itoa(e.StatusCode)
	case errors.Is(err, context.DeadlineExceeded), isNet && network.Timeout():
		return "timeout"
	case responded:
		return "bad answer"
	case errors.Is(err, context.Canceled): // the caller's doing, although net/http wraps it
		return "other"
	case isNet, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), wire.BadCertificate(err),
		is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return "network"
	}
	return "other"
}
