package simulation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/simulation"
)

func TestHTTP(t *testing.T) {
	tally, ok := simulate(t, simulation.HTTPTier, simulation.HTTP(t), *httpSeeds)
	if !ok {
		return
	}
	if *httpSeeds >= someHTTPSeeds {
		require.Greater(t, len(tally.Ends), len(everyEnd)-3, tally)
	}
	if *httpSeeds >= 3000 { // fewer do not meet everything
		require.Empty(t, tally.Unmet())
	}
}
