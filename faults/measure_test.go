package faults_test

import (
	"context"
	"sync"
	"time"

	"github.com/sfsturbo/waiter/poller"
)

// measured is a Poller that keeps count of what polls bring: the proof that a fault
// has been met.
type measured struct {
	poller.Poller
	limit time.Duration // of a poll

	mu       sync.Mutex
	polls    int
	answered spread         // how long the good ones took
	broken   spread         // and the failed ones
	kinds    map[string]int // of failures, by poller.Kind
	said     []string       // by the failures
}

func (m *measured) Poll(ctx context.Context, jobID string) (poller.Reply, error) {
	began := time.Now()
	reply, err := m.Poller.Poll(ctx, jobID)
	took := time.Since(began)

	m.mu.Lock()
	defer m.mu.Unlock()
	m.polls++
	if err == nil {
		m.answered.add(took)
		return reply, nil
	}
	if ctx.Err() != nil && took < m.limit { // the wait cut it, at its end or for its last look: not the network's doing
		return reply, err
	}
	m.broken.add(took)
	m.said = append(m.said, err.Error())
	m.kinds[poller.Kind(err)]++
	return reply, err
}

// spread is the shortest and the longest of some durations.
type spread struct{ least, most time.Duration }

func (s *spread) add(d time.Duration) {
	if s.most == 0 {
		s.least = d
	}
	s.least, s.most = min(s.least, d), max(s.most, d)
}
