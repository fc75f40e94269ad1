package poller

import (
	"errors"
	"fmt"

	"github.com/sfsturbo/waiter/internal/wire"
)

// Endpoint returns the public cloud's endpoint of a region, such as "cn-north-4". It does
// not check whether the region exists. Other clouds on the same stack have endpoints of
// their own: pass those to [New] as they are.
func Endpoint(region string) string {
	return wire.RegionURL("sfs-turbo", region)
}

func checkEndpoint(endpoint string, plainHTTP bool) (string, error) {
	base, err := wire.CheckBase("endpoint", endpoint, Endpoint("cn-north-4"), plainHTTP)
	if errors.Is(err, wire.ErrPlainHTTP) {
		return "", fmt.Errorf("poller: %w, or WithPlainHTTP if that is meant", err)
	}
	if err != nil {
		return "", fmt.Errorf("poller: %w", err)
	}
	return base, nil
}
