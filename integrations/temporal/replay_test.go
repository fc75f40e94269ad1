package temporalwait_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter/status"
)

// The history is of a real server: `go test -run TestServer -update` in the module server writes
// it.
func TestReplay(t *testing.T) {
	const file = "testdata/history.json"
	t.Run("a workflow of an earlier program goes the same way, with each change once", func(t *testing.T) {
		var out output
		replayer := worker.NewWorkflowReplayer()
		replayer.RegisterWorkflowWithOptions(func(ctx workflow.Context, in input) (_ output, err error) {
			out, err = recorded(ctx, in)
			return out, err
		}, workflow.RegisterOptions{Name: "recorded"})
		require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, file))
		assert.Equal(t, append([]string{":->waiting", ":waiting->running"}, whole[1:]...), out.Told)
		assert.Equal(t, status.Success, out.Job.Status)
		assert.Equal(t, 7, out.Progress.Polls)
	})
	t.Run("one that awaits nothing does not", func(t *testing.T) {
		replayer := worker.NewWorkflowReplayer()
		replayer.RegisterWorkflowWithOptions(func(workflow.Context, input) (output, error) {
			return output{}, nil
		}, workflow.RegisterOptions{Name: "recorded"})
		require.Error(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, file))
	})
}
