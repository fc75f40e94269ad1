package waiter_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

func TestLogsAreShortAndAnErrorIsNotLoggedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		long := status.Status(strings.Repeat("long\n", 100_000))
		w := newWaiter(t, answers(job(long), httpError(503), job("running"), httpError(503), httpError(403)), waiter.WithLogger(zap.New(core)))
		require.Error(t, wait(t.Context(), t, w).err)
		for _, entry := range logs.All() {
			for key, value := range entry.ContextMap() {
				if text, ok := value.(string); ok {
					require.Less(t, len(text), 1000, key)
				}
			}
			require.Less(t, len(entry.Message), 1000)
		}
		require.Equal(t, 2, logs.FilterMessage("poll failed").Len(), "one a run of the same failure, none for the end")
	})
}

func TestARunOfTheSameFailureIsLoggedOnceHoweverItIsWaited(t *testing.T) {
	each(t, func(t *testing.T, v verb) {
		core, logs := observer.New(zap.WarnLevel)
		w := newWaiter(t, answers(httpError(503), httpError(503), httpError(502), job("success")), waiter.WithLogger(zap.New(core)))
		require.NoError(t, v(t.Context(), t, w).err)
		require.Equal(t, 2, logs.FilterMessage("poll failed").Len())
	})
}
