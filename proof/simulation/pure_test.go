package simulation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/simulation"
)

// everyEnd lists the ends that the seeds have to meet; otherwise they prove little.
var everyEnd = []simulation.End{
	simulation.Success, simulation.Failed, simulation.NotFound, simulation.Disappeared,
	simulation.Unauthorized, simulation.Permanent, simulation.Stalled, simulation.Stopped,
	simulation.Refused, simulation.TimedOut, simulation.Canceled, simulation.Crashed,
}

func TestPure(t *testing.T) {
	t.Run("nothing is wrong", func(t *testing.T) {
		tally, ok := simulate(t, simulation.PureTier, simulation.Pure, *seeds)
		if !ok || *seeds < somePureSeeds {
			return
		}
		for _, end := range everyEnd {
			require.Greater(t, tally.Ends[end], somePureSeeds/200, end)
		}
		require.Empty(t, tally.Unmet())
	})
	t.Run("a trace is a function of the seed", func(t *testing.T) {
		for seed := range uint64(200) {
			once, again := simulation.Draw(simulation.PureTier, seed), simulation.Draw(simulation.PureTier, seed)
			require.Equal(t, once, again)
			require.Equal(t, simulation.Pure(&once), simulation.Pure(&again))
		}
	})
}
