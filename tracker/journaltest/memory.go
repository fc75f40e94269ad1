package journaltest

import (
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/sfsturbo/waiter/tracker"
)

// Memory is a [tracker.Journal] for tests: a "restarted" Tracker is a new one with the same Memory.
// The zero value is ready. It is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	records map[string][]byte
	fail    error
}

// Fail makes each Commit fail with err, until it is called with nil.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Load implements [tracker.Journal].
func (m *Memory) Load() iter.Seq2[tracker.Record, error] {
	m.mu.Lock()
	records := maps.Clone(m.records)
	m.mu.Unlock()
	return func(yield func(tracker.Record, error) bool) {
		for key, data := range records {
			if !yield(tracker.Record{Key: key, Data: slices.Clone(data)}, nil) {
				return
			}
		}
	}
}

// Commit implements [tracker.Journal].
func (m *Memory) Commit(records []tracker.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.records == nil {
		m.records = make(map[string][]byte)
	}
	for _, r := range records {
		if r.Data == nil {
			delete(m.records, r.Key)
			continue
		}
		m.records[r.Key] = slices.Clone(r.Data)
	}
	return nil
}
