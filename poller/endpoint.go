package poller

import (
	"errors"
	"fmt"

	"github.com/sfsturbo/waiter/internal/baseurl"
)

// Endpoint returns the public cloud's endpoint of a region, such as "cn-north-4".
// It asks nobody whether the region exists. Other clouds on the same stack have
// endpoints of their own: give those to [New] as they are.
func Endpoint(region string) string {
	return baseurl.OfRegion("sfs-turbo", region)
}

func checkEndpoint(endpoint string, plainHTTP bool) (string, error) {
	base, err := baseurl.Check("endpoint", endpoint, Endpoint("cn-north-4"), plainHTTP)
	if errors.Is(err, baseurl.ErrPlainHTTP) {
		return "", fmt.Errorf("poller: %w, or WithPlainHTTP if that is meant", err)
	}
	if err != nil {
		return "", fmt.Errorf("poller: %w", err)
	}
	return base, nil
}
