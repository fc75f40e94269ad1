package simulation_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/simulation"
)

var httpSeeds = flag.Uint64("http.seeds", someHTTPSeeds, "how many waits the HTTP tier makes")

func TestWaitsOverHTTP(t *testing.T) {
	result := simulation.Sail(simulation.HTTPTier, simulation.HTTP(t), 0, *httpSeeds, 1, func(report string) { t.Error(report) })
	require.Equal(t, int(*httpSeeds), result.Seeds)
	require.Greater(t, len(result.Ends), len(everyEnd)-3, result)
	t.Log(result)
}
