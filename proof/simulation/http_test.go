package simulation_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/simulation"
)

var httpSeeds = flag.Uint64("http.seeds", someHTTPSeeds, "how many waits the HTTP tier makes")

func TestWaitsOverHTTP(t *testing.T) {
	campaign := simulation.Campaign{
		Name: simulation.HTTPTier, Tier: simulation.HTTP(t), Until: *httpSeeds, Workers: 1,
		Report: func(report string) { t.Error(report) },
	}
	tally := campaign.Run(t.Context())
	t.Log(tally)
	require.Equal(t, int(*httpSeeds), tally.Seeds)
	if *httpSeeds >= someHTTPSeeds {
		require.Greater(t, len(tally.Ends), len(everyEnd)-3, tally)
	}
	if *httpSeeds >= 3000 { // so few do not meet everything
		require.Empty(t, tally.Unmet())
	}
}
