package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrPlainHTTP is the error for a URL that begins with http://.
var ErrPlainHTTP = errors.New("begins with http://, so a token or a password would be sent in the clear: use https://")

// CheckBase checks the URL of a service that secrets are sent to, and returns it without trailing
// slashes and without an empty port. It must be https://, or http:// to this machine's loopback, or
// http:// to anywhere if plainHTTP. The host must be one that net/http sends as it is, because it
// is signed. The error names the URL by name, shows the example, and does not quote the URL: there
// may be a password in it.
func CheckBase(name, raw, example string, plainHTTP bool) (string, error) {
	wanted := ": give one like " + example
	fail := func(text string) (string, error) { return "", errors.New("the " + name + " " + text) }
	if strings.TrimSpace(raw) == "" {
		return fail("is empty" + wanted)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fail("is not a URL" + wanted)
	}
	wrong := wrongHost(u, wanted)
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fail("does not begin with https://" + wanted)
	case u.User != nil:
		return fail("has a user or a password in it: remove them, and use a credential")
	case wrong != "":
		return fail(wrong)
	case strings.ContainsAny(raw, "?#"):
		return fail("has a query or a fragment: end it before the ? or #")
	case u.Scheme == "http" && !plainHTTP && !loopback(u.Hostname()):
		return "", fmt.Errorf("the %s %w", name, ErrPlainHTTP)
	}
	return u.Scheme + "://" + strings.TrimSuffix(u.Host, ":") + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// RegionURL returns the public cloud's URL of a service in a region.
func RegionURL(service, region string) string { return CloudURL(service, region, Cloud(region)) }

// CloudURL returns the URL of a service in a region of the cloud with that domain.
func CloudURL(service, region, cloud string) string {
	return "https://" + service + "." + region + "." + cloud
}

// Cloud returns the domain of the public cloud that has a region.
func Cloud(region string) string {
	if strings.HasPrefix(region, "eu-west-1") { // of Europe; eu-west-0 is another operator's
		return "myhuaweicloud.eu"
	}
	return "myhuaweicloud.com"
}

// OfCloud reports whether a URL's host is in the domain of a cloud.
func OfCloud(raw, cloud string) bool {
	u, err := url.Parse(raw)
	return err == nil && strings.HasSuffix(strings.ToLower(u.Hostname()), "."+strings.ToLower(cloud))
}

// wrongHost says what is wrong with the host, or "". A zone and a name that is not ASCII are not
// sent as they are, so a signature would be for another host.
func wrongHost(u *url.URL, wanted string) string {
	host, port := u.Hostname(), u.Port()
	_, zone, zoned := strings.Cut(host, "%")
	literal := strings.HasPrefix(u.Host, "[")
	switch {
	case host == "", strings.HasPrefix(host, "."), strings.Contains(host, ".."):
		return "has no valid host, perhaps because a region is missing" + wanted
	case literal && zoned:
		return "has an IPv6 zone (%" + Line(zone, 32) + "): a certificate can't be for one, and it is not sent: give an address without a zone, or a host name"
	case strings.ContainsFunc(host, func(c rune) bool { return c >= utf8.RuneSelf }):
		return "has a host name that is not ASCII: give its ASCII form, which begins with xn--, such as https://xn--bcher-kva.example"
	case !literal && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-._") != "":
		return "has a host name with a character other than letters, digits, hyphens and dots" + wanted
	case port != "" && !validPort(port):
		return "has a port that is not between 1 and 65535"
	}
	return ""
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
