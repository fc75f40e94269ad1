package faults_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// These jobs end while the schedule sleeps until long after the deadline: only the last look sees
// it. Half of the looks may return too late, as they may on a busy machine.
func TestLastLookSeesTheEnd(t *testing.T) {
	const jobs, patience = 20, 6 * time.Second
	server := pollertest.New()
	t.Cleanup(server.Close)
	proxy, endpoint := proxied(t, server.Start())
	toxic(t, proxy, `{"type": "latency", "attributes": {"latency": 1000}}`)
	client, err := poller.New(endpoint, "a-project", poller.WithCredential(credential.Token("a-token")))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	w, err := waiter.New(client, waiter.WithBackOff(schedule(time.Hour, time.Hour)))
	require.NoError(t, err)

	var all sync.WaitGroup
	var seen atomic.Int64
	for n := range jobs {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			id := server.Add(pollertest.Script{ID: fmt.Sprint("job-", n), Steps: []pollertest.Step{
				{Job: status.Job{Status: status.Running}}, {After: patience / 3, Job: status.Job{Status: status.Success}},
			}})
			if _, err := w.Wait(ctx, id); err == nil {
				seen.Add(1)
			} else {
				assert.ErrorIs(t, err, waiter.ErrUnfinished)
			}
		})
	}
	all.Wait()
	assert.GreaterOrEqual(t, seen.Load(), int64(jobs/2), "of %d jobs that ended before the deadline", jobs)
}
