package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Unreached says what to check if a request got no response because of err; "" if err says
// nothing about that. The address is what the user calls it, such as "IAM endpoint".
func Unreached(err error, address string) string {
	if err == nil {
		return ""
	}
	network, isNetwork := errors.AsType[*net.OpError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	proxy, proxied := errors.AsType[*ProxyError](err)
	switch {
	case proxied && (proxy.Refusal != "" || proxy.Unreached()):
		return "" // it says itself what to check
	case isNetwork && network.Op == "proxyconnect":
		return "the proxy cannot be reached: check HTTPS_PROXY and NO_PROXY"
	case isDNS && dns.IsNotFound:
		return "check the region in the " + address
	case isDNS:
		return "this machine's name service (DNS) does not respond: check it"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "this port speaks plain HTTP, not TLS: check the port in the " + address
	case speaksTLS(err):
		return "this port speaks TLS: begin the " + address + " with https://"
	case BadCertificate(err):
		return badCertificate(err, address)
	case is[tls.RecordHeaderError](err):
		return "this port does not speak TLS: check the port in the " + address
	case isNetwork && network.Op == "remote error": // crypto/tls: an alert
		return "the server refused the TLS handshake: if this persists, check the " + address + " and the proxies on the way"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: check the host and the port in the " + address + ", and whether the way there leads through a proxy"
	case TooLong(Text(err)):
		return "the header of the request may be too long for this server: see the token's length, or use an access key"
	case isClosed(err) && proxied:
		return "the proxy, or what is behind it, closed the connection: if this persists, check whether the proxy lets this host through, or put the host into NO_PROXY"
	case isClosed(err):
		return "the server, or a proxy or firewall on the way, closed the connection: if this persists, check the " + address + " and the way there"
	case isNetwork && network.Op == "dial":
		return "there is no way there: check the " + address + ", and this machine's network, firewall and proxy"
	}
	return ""
}

// isClosed reports whether the other side closed the connection. It matches
// the text where net/http has no type.
func isClosed(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || is[repeated](err) {
		return true
	}
	text := Text(err)
	return strings.Contains(text, "GOAWAY") || strings.Contains(text, "server closed")
}

// BadCertificate reports whether a certificate did not verify.
func BadCertificate(err error) bool {
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.CertificateInvalidError](err) || is[x509.ConstraintViolationError](err) ||
		is[x509.HostnameError](err) || is[x509.InsecureAlgorithmError](err) ||
		is[x509.SystemRootsError](err) || is[x509.UnhandledCriticalExtension](err) ||
		is[x509.UnknownAuthorityError](err)
}

func badCertificate(err error, address string) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case isInvalid && invalid.Reason == x509.Expired && strings.Contains(invalid.Detail, " is before "):
		return "the certificate is not valid yet, most likely because this machine's clock is behind: set it right, for example with NTP"
	case isInvalid && invalid.Reason == x509.Expired:
		return "check this machine's clock; if it is right, the certificate must be renewed"
	case is[x509.HostnameError](err):
		return "check the host in the " + address
	case is[x509.UnknownAuthorityError](err):
		return "check the " + address + " and this machine's root certificates: a private cloud, or a proxy that reads along, has an authority of its own"
	}
	return "check the " + address + ", this machine's clock and its root certificates"
}

// WrongScheme reports whether the scheme of a URL is one that net/http does not support, or not
// what its port speaks.
func WrongScheme(err error) bool {
	u, ok := errors.AsType[*url.Error](err)
	return ok && u.Err != nil && strings.HasPrefix(Text(u.Err), "unsupported protocol scheme") ||
		errors.Is(err, http.ErrSchemeMismatch) || speaksTLS(err)
}

// speaksTLS reports whether a server responded to plain HTTP with an alert of TLS. It matches the
// text, because net/http has no type for this error.
func speaksTLS(err error) bool {
	u, ok := errors.AsType[*url.Error](err)
	return ok && u.Err != nil && strings.Contains(Text(u.Err), `malformed HTTP response "\x15\x03`)
}

// TooLong reports whether a text says that the header of a request is too long, most likely because
// of a token of many KB. nginx says so over HTTP/1.1, and over HTTP/2 ends the connection with
// ENHANCE_YOUR_CALM, which may also be for another reason.
func TooLong(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "header or cookie too large") || strings.Contains(text, "header fields too large") ||
		strings.Contains(text, "header list larger than peer") || strings.Contains(text, "enhance_your_calm")
}

// WantsTLS reports whether the message of a 400 says that the port speaks TLS. Servers of Go and
// nginx respond with such a message to plain HTTP.
func WantsTLS(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "http request to an https server") ||
		strings.Contains(message, "http request was sent to https port")
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
