package riverwait_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/status"
)

func TestAwaitArgs(t *testing.T) {
	t.Run("survive JSON", func(t *testing.T) {
		args := riverwait.AwaitArgs{JobID: "j", Job: scripted.Running, Payload: json.RawMessage(`{"share":"x"}`)}
		encoded, err := json.Marshal(args)
		require.NoError(t, err)
		var decoded riverwait.AwaitArgs
		require.NoError(t, json.Unmarshal(encoded, &decoded))
		assert.Equal(t, args, decoded)
	})
	t.Run("are small without a checkpoint", func(t *testing.T) {
		encoded, err := json.Marshal(riverwait.AwaitArgs{JobID: "j"})
		require.NoError(t, err)
		assert.JSONEq(t, `{"job_id":"j"}`, string(encoded))
	})
	t.Run("with an id that cannot be polled are not inserted", func(t *testing.T) {
		for _, id := range []string{"", "a b", "a\x00"} {
			_, err := json.Marshal(riverwait.AwaitArgs{JobID: id})
			assert.Error(t, err, id)
		}
	})
	t.Run("with another job's checkpoint are not inserted", func(t *testing.T) {
		_, err := json.Marshal(riverwait.AwaitArgs{JobID: "j", Job: status.Job{ID: "k"}})
		assert.ErrorContains(t, err, `is job "k"`)
	})
	t.Run("have as many attempts as River can count", func(t *testing.T) {
		assert.Equal(t, math.MaxInt16, riverwait.AwaitArgs{}.InsertOpts().MaxAttempts)
	})
}

func TestOutputOf(t *testing.T) {
	t.Run("a River job that has not polled is zero", func(t *testing.T) {
		o, err := riverwait.OutputOf(&rivertype.JobRow{Metadata: []byte(`{}`)})
		require.NoError(t, err)
		assert.Equal(t, riverwait.Output{}, o)
	})
	t.Run("what cannot be read is an error that names the River job", func(t *testing.T) {
		_, err := riverwait.OutputOf(&rivertype.JobRow{ID: 7, Metadata: []byte(`{"output":{"progress":{"memory":1}}}`)})
		assert.ErrorContains(t, err, "River job 7")
	})
}

func TestNextRetry(t *testing.T) {
	for attempt, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		next := (&riverwait.Worker[any]{}).NextRetry(&river.Job[riverwait.AwaitArgs]{JobRow: &rivertype.JobRow{Attempt: attempt}})
		assert.WithinDuration(t, time.Now().Add(want), next, 500*time.Millisecond, attempt)
	}
}
