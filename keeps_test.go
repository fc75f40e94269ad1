package waiter_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// Codes and reasons come with the job, with what is told, and with what is kept.
func TestNothingThatTheServiceSaysIsLost(t *testing.T) {
	failed := job("failed", status.Job{ID: "a", Status: "failed", ErrorCode: "SFS.TURBO.0101", FailReason: "no answer"})
	failed.ErrorCode, failed.FailReason = "SFS.TURBO.0100", "binding LDAP failed"
	var folded status.Job
	got, err := newWaiter(t, answers(failed)).Wait(t.Context(), id, waiter.OnTransition(func(tr status.Transition) {
		folded = status.Apply(folded, tr)
	}))
	require.ErrorIs(t, err, waiter.ErrJobFailed)
	require.Equal(t, failed, got)
	require.Equal(t, failed, folded)
	require.Equal(t, failed.SubJobs, status.Merge(failed, job("failed")).SubJobs)
}

func TestTheDefaultScheduleIsNotTheSameForAll(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 10 {
		b := pace.Exponential()
		b.Reset()
		seen[b.NextBackOff()] = true
	}
	require.Greater(t, len(seen), 5)
}
