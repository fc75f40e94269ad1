package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
)

// measured is a Poller that counts the results of polls, to prove that a fault was met.
type measured struct {
	poller.Poller
	limit time.Duration // of a poll

	mu        sync.Mutex
	polls     int
	responded spread         // durations of the good polls
	broken    spread         // durations of the failed polls
	busy      time.Duration  // in all polls together
	good      int            // polls
	kinds     map[string]int // of failures, by poller.Kind
	said      map[string]int // failures by their text, without what differs
}

func newMeasured(p poller.Poller, limit time.Duration) *measured {
	return &measured{Poller: p, limit: limit, kinds: map[string]int{}, said: map[string]int{}}
}

func (m *measured) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	began := time.Now()
	reply, err := m.Poller.Poll(ctx, jobID)
	took := time.Since(began)

	m.mu.Lock()
	defer m.mu.Unlock()
	m.polls++
	m.busy += took
	if err == nil {
		m.good++
		m.responded.add(took)
		return reply, nil
	}
	// The wait cut it, at its end or for its last look: the network did not. On a busy machine it
	// may have taken so long that the poll's own limit has passed as well.
	if ctx.Err() != nil && (took < m.limit || context.Cause(ctx) != context.DeadlineExceeded) {
		return reply, err
	}
	m.broken.add(took)
	m.said[unlike.ReplaceAllString(err.Error(), "#")]++
	m.kinds[poller.Kind(err)]++
	return reply, err
}

// unlike matches what differs in each failure: ports and request ids.
var unlike = regexp.MustCompile(`\b(?:127\.0\.0\.1:\d+|[0-9a-f]{32})\b`)

// spread is the shortest and the longest of some durations.
type spread struct{ least, most time.Duration }

func (s *spread) add(d time.Duration) {
	if s.most == 0 {
		s.least = d
	}
	s.least, s.most = min(s.least, d), max(s.most, d)
}

// outcome is the result of one wait.
type outcome struct {
	took     time.Duration
	lag      time.Duration // after the end of its job, or of its context
	givenUp  bool          // it ended with its context
	reported bool          // its error reports failed polls
	unsure   bool          // what its error should report is not known
}

// The schedules of the waits, with their spread.
const (
	firstPace, mostPace       = 100 * time.Millisecond, 300 * time.Millisecond
	firstFailure, mostFailure = 50 * time.Millisecond, 400 * time.Millisecond
	spreadPercent             = 20
)

// hurried returns what is wrong if there were more polls than the schedules allow. After each poll
// except its last, a wait sleeps for at least the first interval. A wait with a deadline cuts a
// second sleep short, for its last look.
func (m *measured) hurried(waits []outcome) error {
	short := func(d time.Duration, times int) time.Duration {
		return d * (100 - spreadPercent) / 100 * time.Duration(times)
	}
	asleep, cut := -m.busy, len(waits)
	for _, w := range waits {
		asleep += w.took
		if w.givenUp {
			cut++
		}
	}
	failed := 0
	for _, times := range m.kinds {
		failed += times
	}
	least := short(firstPace, m.good) + short(firstFailure, failed) - short(firstPace, cut)
	if asleep < least {
		return fmt.Errorf("%d good polls and %d failed ones, in waits that slept for %v and not for %v", m.good, failed, asleep, least)
	}
	return nil
}

func TestMeasuredCountsOnlyTheNetwork(t *testing.T) {
	const limit = time.Second
	cause := errors.New("the wait's own")
	for name, test := range map[string]struct {
		patience time.Duration // of the wait
		given    time.Duration // to the poll
		took     time.Duration // by the poll
		counts   bool
	}{
		"fails":                                {time.Minute, limit, 0, true},
		"fails at its limit":                   {time.Minute, limit, limit, true},
		"is cut by the wait":                   {limit / 2, limit, limit / 2, false},
		"is cut by the wait, and returns late": {limit / 2, limit, 2 * limit, false},
		"is cut for the last look":             {time.Minute, limit / 2, limit / 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wait, cancel := context.WithTimeoutCause(t.Context(), test.patience, cause)
				defer cancel()
				m := newMeasured(poller.Func(func(context.Context, string) (poller.Reply, error) {
					time.Sleep(test.took)
					synctest.Wait()
					return poller.Reply{}, fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:80: %w", time.Now().Nanosecond(), io.EOF)
				}), limit)
				ctx, stop := context.WithTimeout(wait, test.given)
				defer stop()
				_, err := m.Poll(ctx, "job")
				require.ErrorIs(t, err, io.EOF)
				assert.Equal(t, test.counts, len(m.kinds) == 1)
				if test.counts {
					assert.Equal(t, map[string]int{"read tcp #->#: EOF": 1}, m.said)
				}
			})
		})
	}
}

func TestMeasuredHurried(t *testing.T) {
	m := &measured{good: 10, kinds: map[string]int{"network": 2}, busy: 100 * time.Millisecond}
	// 8 sleeps of 80 ms and 2 of 40, because no sleep follows the last poll of each wait.
	least := 720*time.Millisecond + m.busy
	assert.NoError(t, m.hurried([]outcome{{took: least / 2}, {took: least / 2}}))
	assert.ErrorContains(t, m.hurried([]outcome{{took: least / 2}, {took: least/2 - 2}}), "10 good polls and 2 failed ones")
	assert.NoError(t, m.hurried([]outcome{{took: least / 2}, {took: least/2 - 80*time.Millisecond, givenUp: true}}))
}
