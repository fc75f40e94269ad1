package conformance_test

import (
	"testing"

	"github.com/sfsturbo/waiter/poller/pollertest/conformance"
)

// The Poller of the example is right.
func TestTheExample(t *testing.T) { conformance.Test(t, newMyPoller) }
