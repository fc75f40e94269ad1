package bench

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/proof/bench/jobs"
	"github.com/sfsturbo/waiter/status"
)

// learn returns the JSON of a History after each of these numbers of jobs, which are drawn at
// random and waited for one after the other by the History's own schedule.
func learn(t *testing.T, d jobs.Distribution, r *rand.Rand, after []int) [][]byte {
	var states [][]byte
	synctest.Test(t, func(t *testing.T) {
		history, err := pace.NewHistory()
		require.NoError(t, err)
		wait := ours(waiter.WithBackOff(history.BackOff))
		n := 0
		for _, stop := range after {
			for _, job := range d.Draw(stop-n, r) {
				_, err := waitFor(t.Context(), job, wait)
				require.NoError(t, err)
			}
			n = stop
			state, err := json.Marshal(history)
			require.NoError(t, err)
			states = append(states, state)
		}
	})
	return states
}

// knowing waits with a History in this state. Each wait begins from the same state, so that the
// figures are those after exactly this number of jobs.
func knowing(state []byte) waitFunc {
	return func(ctx context.Context, poll func() status.Job) error {
		history, err := pace.NewHistory()
		if err != nil {
			return err
		}
		if err := json.Unmarshal(state, history); err != nil {
			return err
		}
		return ours(waiter.WithBackOff(history.BackOff))(ctx, poll)
	}
}
