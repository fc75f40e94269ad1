package poller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller/credential"
)

// Verdict is what a failed poll means for somebody who waits.
type Verdict int

const (
	Passing      Verdict = iota // poll again: the service, or the way to it, has a bad moment
	Throttled                   // poll again, more slowly: the service is well, and has had enough of us
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
// A [backoff.PermanentError] is Permanent, whatever it wraps. A [credential.Error]
// is Unauthorized if it was Rejected, and Permanent if it says so or is for want of
// a good certificate, else Passing. An [*Error] goes by its HTTP status,
// then by its code, as the service's error pages have them:
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
// Without an answer, a certificate that does not verify and a URL scheme that HTTP
// does not support are Permanent. All else is Passing: nil, a context's end, a
// network's failure, and whatever it does not know.
func Classify(err error) Verdict {
	if _, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return Permanent
	}
	if e, ok := errors.AsType[*credential.Error](err); ok {
		switch {
		case e.Rejected:
			return Unauthorized
		case e.Permanent, badCertificate(e):
			return Permanent
		}
		return Passing // even if it is a rejection that could not be renewed just now
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.StatusCode == 0 {
			return Classify(e.Err)
		}
		return byAnswer(e)
	}
	if badCertificate(err) || badScheme(err) {
		return Permanent
	}
	return Passing
}

func byAnswer(e *Error) Verdict {
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

// wrongAddress reports whether a code is the gateway's for an API that it does not
// have. The prefix differs from one cloud to the next, the number does not.
func wrongAddress(code string) bool {
	prefix, number, _ := strings.Cut(code, ".")
	return number == "0101" && (prefix == "APIGW" || prefix == "APIG" || prefix == "APIC")
}

func badCertificate(err error) bool {
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.CertificateInvalidError](err) || is[x509.ConstraintViolationError](err) ||
		is[x509.HostnameError](err) || is[x509.InsecureAlgorithmError](err) ||
		is[x509.SystemRootsError](err) || is[x509.UnhandledCriticalExtension](err) ||
		is[x509.UnknownAuthorityError](err)
}

// badScheme goes by the text: net/http has no type for it.
func badScheme(err error) bool {
	u, ok := errors.AsType[*url.Error](err)
	return ok && strings.HasPrefix(u.Err.Error(), "unsupported protocol scheme")
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Kind returns what sort of failure err is, to count failed polls by. It is one of
//
//	"301", "429", "503", ...   the HTTP status of an answer other than 2xx
//	"bad answer"               a 2xx that is not the job
//	"timeout"                  no answer, or not all of it, in time
//	"credential"               the request could not be authorised
//	"network"                  no answer, for any other reason
//	"other"
//
// and "" for nil. It is pure.
func Kind(err error) string {
	if err == nil {
		return ""
	}
	e, answered := errors.AsType[*Error](err)
	answered = answered && e.StatusCode >= 100 && e.StatusCode <= 999
	network, isNet := errors.AsType[net.Error](err)
	switch {
	case is[*credential.Error](err):
		return "credential"
	case answered && e.StatusCode/100 != 2:
		return strconv.Itoa(e.StatusCode)
	case errors.Is(err, context.DeadlineExceeded), isNet && network.Timeout():
		return "timeout"
	case answered:
		return "bad answer"
	case errors.Is(err, context.Canceled): // the caller's doing, though it comes as the network's
		return "other"
	case isNet, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), badCertificate(err),
		is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return "network"
	}
	return "other"
}
