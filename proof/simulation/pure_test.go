package simulation_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/proof/simulation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everyEnd is what the seeds must meet, or they prove little.
var everyEnd = []simulation.End{
	simulation.Success, simulation.Failed, simulation.NotFound, simulation.Disappeared,
	simulation.Unauthorized, simulation.Permanent, simulation.Stalled, simulation.Stopped,
	simulation.Refused, simulation.TimedOut, simulation.Cancelled, simulation.Crashed,
}

func TestPureWaits(t *testing.T) {
	campaign := simulation.Campaign{
		Name: simulation.PureTier, Tier: simulation.Pure, Until: pureSeeds, Workers: runtime.NumCPU(),
		Report: func(report string) { t.Error(report) },
	}
	tally := campaign.Run(t.Context())
	t.Log(tally)
	require.Equal(t, pureSeeds, tally.Seeds)
	for _, end := range everyEnd {
		require.Greater(t, tally.Ends[end], pureSeeds/200, end)
	}
	require.Empty(t, tally.Unmet())
}

// What a seed becomes is the same every time, whatever else runs.
func TestAPureWaitIsAFunctionOfItsSeed(t *testing.T) {
	for seed := range uint64(200) {
		once, again := simulation.Draw(simulation.PureTier, seed), simulation.Draw(simulation.PureTier, seed)
		require.Equal(t, once, again)
		require.Equal(t, simulation.Pure(&once), simulation.Pure(&again))
	}
}
