package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ErrPlainHTTP is the error for a URL that begins with http://.
var ErrPlainHTTP = errors.New("begins with http://, so a token or a password would be sent in the clear: use https://")

// CheckBase checks the URL of a service that secrets are sent to, and returns it
// without trailing slashes. It must be https://, or http:// to this machine's loopback,
// or http:// to anywhere if plainHTTP. The error names the URL by name, shows the
// example, and does not quote the URL: there may be a password in it.
func CheckBase(name, raw, example string, plainHTTP bool) (string, error) {
	wanted := ": give one like " + example
	fail := func(text string) (string, error) { return "", errors.New("the " + name + " " + text) }
	if strings.TrimSpace(raw) == "" {
		return fail("is empty" + wanted)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fail("is not a URL" + wanted)
	case u.Scheme != "https" && u.Scheme != "http":
		return fail("does not begin with https://" + wanted)
	case u.User != nil:
		return fail("has a user or a password in it: remove them, and use a credential")
	case !validHost(u):
		return fail("has no valid host, perhaps because a region is missing" + wanted)
	case strings.ContainsAny(raw, "?#"):
		return fail("has a query or a fragment: end it before the ? or #")
	case u.Scheme == "http" && !plainHTTP && !loopback(u.Hostname()):
		return "", fmt.Errorf("the %s %w", name, ErrPlainHTTP)
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// RegionURL returns the public cloud's URL of a service in a region.
func RegionURL(service, region string) string {
	domain := "com"
	if region == "eu-west-101" {
		domain = "eu"
	}
	return "https://" + service + "." + region + ".myhuaweicloud." + domain
}

func validHost(u *url.URL) bool {
	host := u.Hostname()
	if host == "" || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
