package wire

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// CheckProxy returns an error if the environment's proxy for a URL is one that net/http reads as
// another or ignores without a word, as it does if the password has a % or a # in it. The error
// does not quote it. getenv is os.Getenv, or a func like it.
func CheckProxy(getenv func(name string) string, base string) error {
	u, _ := url.Parse(base)
	if u == nil || u.Host == "" {
		return nil // not what this is about
	}
	name := "HTTPS_PROXY"
	if u.Scheme == "http" {
		name = "HTTP_PROXY"
	}
	value, exempt := getenv(name), getenv("NO_PROXY")
	if value == "" {
		name = strings.ToLower(name)
		value = getenv(name)
	}
	if exempt == "" {
		exempt = getenv("no_proxy")
	}
	if value == "" || loopback(u.Hostname()) || exempts(exempt, u.Hostname()) || isProxy(value) {
		return nil
	}
	return fmt.Errorf("%s is not read as the proxy that it is meant to be: give it like http://user:password@proxy.example.com:3128, "+
		"without spaces or newlines, and with each special character in the user and the password percent-encoded: %% as %%25, # as %%23, / as %%2F", name)
}

// isProxy reports whether net/http reads value as it stands there. See parseProxy in
// golang.org/x/net/http/httpproxy: what is not a URL is read once more with http:// before it.
func isProxy(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		if strings.Contains(value, "://") {
			return false // net/http ignores it, or takes "http" for the host
		}
		if u, err = url.Parse("http://" + value); err != nil {
			return false
		}
	}
	if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) || u.Hostname() == "" {
		return false
	}
	u.Scheme, u.User, u.Host = "", nil, ""
	return !strings.Contains(u.String(), "@") // it ends the password: what is before it is no host
}

// exempts reports whether a NO_PROXY has a host, by its name or its domain's.
func exempts(list, host string) bool {
	for one := range strings.SplitSeq(strings.ToLower(list), ",") {
		one = strings.TrimSpace(one)
		if one == "*" {
			return true
		}
		if name, _, err := net.SplitHostPort(one); err == nil {
			one = name
		}
		one = strings.TrimPrefix(strings.TrimPrefix(one, "*"), ".")
		if one != "" && (host == one || strings.HasSuffix(host, "."+one)) {
			return true
		}
	}
	return false
}
