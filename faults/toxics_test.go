package faults_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/faults/internal/truth"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
)

const (
	waits   = 100 // through each network
	longest = 1200 * time.Millisecond
)

// network is a way to the service on which something is wrong.
type network struct {
	toxics []string
	rule   pollertest.Rule // what the service itself does wrong
	during func(*testing.T, *toxiproxy.Proxy)
	limit  time.Duration // of a poll

	// How it is known that the toxic was met, and that nothing else went wrong:
	kinds    []string      // the kinds of failures that there are, each of them
	says     string        // what some failure says
	slowest  time.Duration // a good answer took so long, or longer
	quickest time.Duration // every good answer took so long
	patient  time.Duration // every failure took so long
}

// A toxic with toxicity 0.5 takes half of the connections: those that it breaks are
// replaced, until all 64 are whole. One with toxicity 1 breaks them again and again.
// A reset_peer with toxicity 0 never acts, but the proxy closes such a connection,
// when another toxic ends it, with RST and not with FIN.
const resetAtTheEnd = `{"type": "reset_peer", "toxicity": 0}`

var networks = map[string]network{
	"latency with jitter": {
		toxics: []string{`{"type": "latency", "attributes": {"latency": 50, "jitter": 40}}`},
		limit:  10 * time.Second, quickest: 10 * time.Millisecond, slowest: 60 * time.Millisecond,
	},
	"1 KB a second": {
		toxics: []string{`{"type": "bandwidth", "attributes": {"rate": 1}}`},
		limit:  10 * time.Second, quickest: 200 * time.Millisecond, slowest: 400 * time.Millisecond,
	},
	"a few bytes at a time": {
		toxics: []string{`{"type": "slicer", "attributes": {"average_size": 10, "size_variation": 5, "delay": 1000}}`},
		limit:  10 * time.Second, quickest: 20 * time.Millisecond, slowest: 30 * time.Millisecond,
	},
	"a connection that is slow to close": { // the service breaks off, and the client learns of it late
		toxics: []string{`{"type": "slow_close", "attributes": {"delay": 300}}`},
		rule:   pollertest.Rule{Call: pollertest.Poll, Times: 150, Break: pollertest.Truncate, After: 20},
		limit:  10 * time.Second, kinds: []string{"bad answer"}, says: "the answer broke off: unexpected EOF",
		patient: 300 * time.Millisecond,
	},
	"reset before the first byte": {
		toxics: []string{`{"type": "reset_peer", "toxicity": 0.5}`},
		limit:  10 * time.Second, kinds: []string{"network"}, says: "connection reset by peer",
	},
	"reset within every fourth answer or so": {
		toxics: []string{`{"type": "limit_data", "attributes": {"bytes": 1900}}`, resetAtTheEnd},
		limit:  10 * time.Second, kinds: []string{"bad answer", "network"}, says: "the answer broke off: read tcp",
	},
	"closed within every fourth answer or so": {
		toxics: []string{`{"type": "limit_data", "attributes": {"bytes": 1900}}`},
		limit:  10 * time.Second, kinds: []string{"bad answer", "network"}, says: "the answer broke off: unexpected EOF",
	},
	"silence": {
		toxics: []string{`{"type": "timeout", "toxicity": 0.5}`},
		limit:  400 * time.Millisecond, kinds: []string{"timeout"}, says: "no answer from",
	},
	"silence, then closed": {
		toxics: []string{`{"type": "timeout", "toxicity": 0.5, "attributes": {"timeout": 100}}`},
		limit:  10 * time.Second, kinds: []string{"network"}, says: "EOF",
	},
	"down for a while": {
		during: func(t *testing.T, proxy *toxiproxy.Proxy) {
			time.Sleep(longest / 6)
			proxy.Stop()
			time.Sleep(longest / 3)
			assert.NoError(t, proxy.Start(), "is its port taken?")
		},
		limit: 10 * time.Second, kinds: []string{"network"}, says: "connection refused",
	},
}

// A thousand waits, by the Client that users have, with its 64 connections.
func TestWaitsThroughANetworkThatBreaks(t *testing.T) {
	require.Equal(t, 1000, waits*len(networks))
	var reports int64
	for name, network := range networks {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), // after what is closed below
				// The proxy leaves these behind when a client leaves in the middle of an answer.
				goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
				goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
			t.Run("waits", func(t *testing.T) { reports += through(t, network) })
		})
	}
	assert.Positive(t, reports, "no wait was given up after a failed poll")
}

// through waits for a hundred jobs by way of network. It returns how many errors
// had failed polls to report.
func through(t *testing.T, network network) int64 {
	server := pollertest.New()
	t.Cleanup(server.Close)
	server.Fail(network.rule)
	proxy, endpoint := proxied(t, server.Start())
	for _, description := range network.toxics {
		toxic(t, proxy, description)
	}
	client, err := poller.New(endpoint, "a-project", poller.WithCredential(credential.Token("a-token")))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	polls := &measured{Poller: client, limit: network.limit, kinds: map[string]int{}}
	w, err := waiter.New(polls, waiter.WithPollTimeout(network.limit),
		waiter.WithBackOff(schedule(100*time.Millisecond, 300*time.Millisecond)),
		waiter.WithFailureBackOff(schedule(50*time.Millisecond, 400*time.Millisecond)))
	require.NoError(t, err)

	var all sync.WaitGroup
	var reported atomic.Int64
	for n := range waits {
		all.Go(func() {
			if await(t, server, w, fmt.Sprintf("%s-%d", t.Name(), n)) {
				reported.Add(1)
			}
		})
	}
	if network.during != nil {
		network.during(t, proxy)
	}
	all.Wait()

	t.Logf("%d polls; good ones took %v to %v, failed ones %v to %v: %v", polls.polls,
		polls.answered.least, polls.answered.most, polls.broken.least, polls.broken.most, polls.kinds)
	assert.ElementsMatch(t, network.kinds, slices.Collect(maps.Keys(polls.kinds)), polls.said)
	assert.Contains(t, strings.Join(polls.said, "\n"), network.says)
	assert.GreaterOrEqual(t, polls.answered.most, network.slowest)
	assert.GreaterOrEqual(t, polls.answered.least, network.quickest)
	assert.GreaterOrEqual(t, polls.broken.least, network.patient)
	return reported.Load()
}

// await waits for one job that begins now, and judges the wait. It returns whether
// the error had failed polls to report.
func await(t *testing.T, server *pollertest.Server, w *waiter.Waiter, id string) bool {
	job := truth.Draw(id, longest)
	server.Add(job.Script)
	witness := truth.NewWitness(job)
	ctx, cancel := witness.Context(t.Context())
	defer cancel()
	tally := newTally(ctx)
	got, err := w.Wait(ctx, id, append(tally.options(), waiter.OnTransition(witness.Tell))...)
	assert.NoError(t, witness.Judge(ctx, got, err))

	unfinished, ok := errors.AsType[*waiter.UnfinishedError](err)
	if !ok {
		return false
	}
	assert.NoError(t, tally.check(unfinished))
	return !tally.unsure && len(tally.kinds) > 0
}

func schedule(first, most time.Duration) func() backoff.BackOff {
	return func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMaxInterval(most),
			backoff.WithRandomizationFactor(0.2), backoff.WithMaxElapsedTime(0))
	}
}
