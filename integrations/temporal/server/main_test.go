package server

import (
	"testing"

	"go.temporal.io/server/temporaltest"

	_ "github.com/sfsturbo/waiter/integrations/temporal"
)

func TestMain(m *testing.M) { _ = temporaltest.NewServer }
