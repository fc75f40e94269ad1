package faults_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
)

const (
	waits   = 100 // through each network
	longest = 1200 * time.Millisecond
)

// network is a path to the service on which something is wrong.
type network struct {
	toxics []string
	rule   pollertest.Rule // what the service itself does wrong
	during func(*testing.T, *toxiproxy.Proxy)
	limit  time.Duration // of a poll

	// What shows that the toxic was met, and that nothing else went wrong:
	kinds    []string      // all kinds of failures that occur
	says     string        // part of a failure's text
	slowest  time.Duration // a good response took this long, or longer
	quickest time.Duration // every good response took at least this long
	patient  time.Duration // every failure took at least this long
}

// A toxic with toxicity 0.5 takes half of the connections: the ones that it breaks are replaced,
// until all 64 are whole. A toxic with toxicity 1 breaks them again and again. A reset_peer with
// toxicity 0 never acts, but if another toxic ends such a connection, the proxy closes it with RST
// and not with FIN.
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
	"a connection that is slow to close": { // the service breaks off; the client learns it late
		toxics: []string{`{"type": "slow_close", "attributes": {"delay": 300}}`},
		rule:   pollertest.Rule{Call: pollertest.Poll, Times: 150, Break: pollertest.Truncate, After: 20},
		limit:  10 * time.Second, kinds: []string{"bad answer"}, says: "the response broke off: unexpected EOF",
		patient: 300 * time.Millisecond,
	},
	"reset before the first byte": {
		toxics: []string{`{"type": "reset_peer", "toxicity": 0.5}`},
		limit:  10 * time.Second, kinds: []string{"network"}, says: "connection reset by peer",
	},
	"reset within about every fourth response": {
		toxics: []string{`{"type": "limit_data", "attributes": {"bytes": 1900}}`, resetAtTheEnd},
		limit:  10 * time.Second, kinds: []string{"bad answer", "network"}, says: "the response broke off: read tcp",
	},
	"closed within about every fourth response": {
		toxics: []string{`{"type": "limit_data", "attributes": {"bytes": 1900}}`},
		limit:  10 * time.Second, kinds: []string{"bad answer", "network"}, says: "the response broke off: unexpected EOF",
	},
	"silence": {
		toxics: []string{`{"type": "timeout", "toxicity": 0.5}`},
		limit:  400 * time.Millisecond, kinds: []string{"timeout"}, says: "no response from",
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

// TestNetworks runs a thousand waits, with the Client that users have and its 64 connections.
func TestNetworks(t *testing.T) {
	require.Equal(t, 1000, waits*len(networks))
	var all []outcome
	for name, network := range networks {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), // after the cleanup below
				// The proxy leaves these behind when a client leaves in the middle of a response.
				goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
				goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
			t.Run("waits", func(t *testing.T) { all = append(all, through(t, network)...) })
		})
	}
	if len(all) < waits*len(networks) {
		return // -run chose some of them
	}
	var afterJob, afterContext []time.Duration
	reported, unsure := 0, 0
	for _, w := range all {
		if w.reported {
			reported++
		}
		if w.unsure {
			unsure++
		}
		if w.givenUp {
			afterContext = append(afterContext, w.lag)
		} else {
			afterJob = append(afterJob, w.lag)
		}
	}
	t.Logf("half of the waits ended within %v of their jobs, or %v of their contexts; of %d the failures are unsure",
		median(afterJob), median(afterContext), unsure)
	assert.Positive(t, reported, "no wait was given up after a failed poll")
	assert.Less(t, unsure, len(all)/20, "it is unknown what too many waits should report")
	// Half, because a busy machine makes some waits late, but not most.
	assert.Less(t, median(afterContext), 500*time.Millisecond, "waits outlast their contexts")
	assert.Less(t, median(afterJob), 2*mostPace+mostFailure, "waits outlast their jobs")
}

func median(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }

// through waits for a hundred jobs through network.
func through(t *testing.T, network network) []outcome {
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
	polls := newMeasured(client, network.limit)
	w, err := waiter.New(polls, waiter.WithPollTimeout(network.limit),
		waiter.WithBackOff(schedule(firstPace, mostPace)), waiter.WithFailureBackOff(schedule(firstFailure, mostFailure)))
	require.NoError(t, err)

	var all sync.WaitGroup
	ended := make([]outcome, waits)
	for n := range waits {
		all.Go(func() { ended[n] = await(t, server, w, fmt.Sprintf("%s-%d", t.Name(), n), longest) })
	}
	if network.during != nil {
		network.during(t, proxy)
	}
	all.Wait()

	t.Logf("%d polls; good ones took %v to %v, failed ones %v to %v: %v", polls.polls,
		polls.responded.least, polls.responded.most, polls.broken.least, polls.broken.most, polls.kinds)
	assert.ElementsMatch(t, network.kinds, slices.Collect(maps.Keys(polls.kinds)), polls.said)
	assert.Contains(t, strings.Join(slices.Collect(maps.Keys(polls.said)), "\n"), network.says)
	assert.GreaterOrEqual(t, polls.responded.most, network.slowest)
	assert.GreaterOrEqual(t, polls.responded.least, network.quickest)
	assert.GreaterOrEqual(t, polls.broken.least, network.patient)
	assert.NoError(t, polls.hurried(ended))
	return ended
}

// await waits for one job that begins now and lasts for at most longest, and judges the wait.
func await(t *testing.T, server *pollertest.Server, w *waiter.Waiter, id string, longest time.Duration) outcome {
	job := truth.Draw(id, longest)
	witness := truth.NewWitness(job)
	ctx, cancel := witness.Context(t.Context())
	defer cancel()
	tally := newTally(ctx)
	server.Add(job.Script)
	began := time.Now()
	got, err := w.Wait(ctx, id, tally.option(), waiter.OnTransition(witness.Observe))
	at := time.Now()
	assert.NoError(t, witness.Judge(ctx, at, got, err))

	o := outcome{took: at.Sub(began), lag: witness.Lag(at), unsure: tally.unsure}
	if unfinished, ok := errors.AsType[*waiter.UnfinishedError](err); ok {
		assert.NoError(t, tally.check(unfinished))
		o.givenUp, o.unsure = true, tally.unsure
		o.reported = !tally.unsure && len(tally.kinds) > 0
	}
	return o
}

func schedule(first, most time.Duration) func() backoff.BackOff {
	return func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMaxInterval(most),
			backoff.WithRandomizationFactor(spreadPercent/100.0), backoff.WithMaxElapsedTime(0))
	}
}
