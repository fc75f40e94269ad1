package poller

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Endpoint returns the public cloud's endpoint of a region, such as "cn-north-4".
// It asks nobody whether the region exists. Other clouds on the same stack have
// endpoints of their own: give those to [New] as they are.
func Endpoint(region string) string {
	domain := "com"
	if region == "eu-west-101" {
		domain = "eu"
	}
	return "https://sfs-turbo." + region + ".myhuaweicloud." + domain
}

const wanted = ": give one like https://sfs-turbo.cn-north-4.myhuaweicloud.com"

// baseURL checks an endpoint and returns it without trailing slashes. No error
// quotes it: there may be a password in it.
func baseURL(endpoint string, plainHTTP bool) (string, error) {
	if strings.TrimSpace(endpoint) == "" {
		return "", errors.New("poller: the endpoint is empty" + wanted)
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return "", errors.New("poller: the endpoint is not a URL" + wanted)
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("poller: the endpoint does not begin with https://" + wanted)
	case u.User != nil:
		return "", errors.New("poller: the endpoint has a user or a password in it: take them out, and use WithCredential")
	case !validHost(u):
		return "", errors.New("poller: the endpoint has no valid host, perhaps for lack of a region" + wanted)
	case strings.ContainsAny(endpoint, "?#"):
		return "", errors.New("poller: the endpoint has a query or a fragment: end it before the ? or #")
	case u.Scheme == "http" && !plainHTTP && !loopback(u.Hostname()):
		return "", errors.New("poller: the endpoint begins with http://, so the token would be sent in the clear: use https://, or WithPlainHTTP if that is meant")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
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
