package main

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/poller/pollertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func demo(ctx context.Context, t *testing.T, jobs int) (server *pollertest.Server, out string) {
	server = pollertest.New()
	defer server.Close()
	endpoint, connections := server.Memory()
	var b bytes.Buffer
	require.NoError(t, run(ctx, server, endpoint, connections, jobs, &b))
	return server, b.String()
}

func TestAllJobsAreAwaitedWithinTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		server, out := demo(t.Context(), t, 1000)
		require.Contains(t, out, "\n990 succeeded, 10 failed, ")
		mean := regexp.MustCompile(`mean ([\d.]+) s`).FindStringSubmatch(out)
		require.NotNil(t, mean)
		delay, err := strconv.ParseFloat(mean[1], 64)
		require.NoError(t, err)
		require.Less(t, delay, 15., "in turn, a job would be polled every 20 s")

		polls := server.Requests()
		require.LessOrEqual(t, len(polls), callsPerSecond*int(time.Since(start).Seconds()+1))
	})
}

func TestAnInterruptSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, out := demo(ctx, t, 100)
		require.Contains(t, out, "Interrupted. The waiting has stopped, the jobs go on.")
	})
}
