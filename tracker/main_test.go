package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a subtest in virtual time.
func bubble(t *testing.T, behavior string, test func(t *testing.T)) {
	t.Helper()
	t.Run(behavior, func(t *testing.T) { synctest.Test(t, test) })
}

// A service has jobs that run for a time from their first poll, and then succeed. A job runs for a
// minute unless set.
type service struct {
	mu     sync.Mutex
	lasts  map[string]time.Duration
	began  map[string]time.Time
	polls  map[string][]time.Duration // since the service began
	since  time.Time
	took   time.Duration
	flying int
	most   int // polls in flight
	fail   func(id string, n int) error
}

func newService() *service {
	return &service{lasts: map[string]time.Duration{}, began: map[string]time.Time{}, polls: map[string][]time.Duration{}, since: time.Now()}
}

func (s *service) Poll(ctx context.Context, id string) (poller.Reply, error) {
	s.mu.Lock()
	if s.began[id].IsZero() {
		s.began[id] = time.Now()
	}
	s.polls[id] = append(s.polls[id], time.Since(s.since))
	s.flying++
	s.most = max(s.most, s.flying)
	n, took, fail := len(s.polls[id]), s.took, s.fail
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.flying--
	}()
	if took > 0 {
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return poller.Reply{}, ctx.Err()
		}
	}
	if fail != nil {
		if err := fail(id, n); err != nil {
			return poller.Reply{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := status.Job{ID: id, Type: "bind_ldap", Status: status.Running}
	lasts, ok := s.lasts[id]
	if !ok {
		lasts = time.Minute
	}
	if time.Since(s.began[id]) >= lasts {
		j.Status = status.Success
	}
	return poller.Reply{Job: j}, nil
}

// of returns when the polls of a job began.
func (s *service) of(id string) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.polls[id])
}

func (s *service) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, polls := range s.polls {
		n += len(polls)
	}
	return n
}

// times returns when all polls began, in order.
func (s *service) times() (list []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, polls := range s.polls {
		list = append(list, polls...)
	}
	slices.Sort(list)
	return list
}

// every polls in this interval, whether or not polls fail.
func every(d time.Duration) []waiter.Option {
	constant := func() backoff.BackOff { return backoff.NewConstantBackOff(d) }
	return []waiter.Option{waiter.WithBackOff(constant), waiter.WithFailureBackOff(constant)}
}

func newWaiter(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	t.Helper()
	w, err := waiter.New(p, append(every(time.Second), opts...)...)
	require.NoError(t, err)
	return w
}

func newTracker(t *testing.T, w *waiter.Waiter, opts ...tracker.Option) *tracker.Tracker {
	t.Helper()
	tr, err := tracker.New(w, opts...)
	require.NoError(t, err)
	return tr
}

// run runs tr until stop is called, which returns what Run does.
func run(t *testing.T, tr *tracker.Tracker) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return stop
}

// notes are lines in the order in which they come.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (l *notes) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *notes) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

func (l *notes) option() waiter.Option {
	return waiter.OnTransition(func(tr status.Transition) { l.add(line(tr)) })
}

func line(t status.Transition) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s->%s", t.JobID, t.SubJob, t.From, t.To))
}

func ids(prefix string, n int) (list []status.Job) {
	for i := range n {
		list = append(list, status.Job{ID: fmt.Sprint(prefix, i)})
	}
	return list
}

func snapshots(tr *tracker.Tracker) map[string]tracker.Snapshot {
	all := map[string]tracker.Snapshot{}
	for s := range tr.Jobs() {
		all[s.Job.ID] = s
	}
	return all
}

// memory is a journal.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	fail    error
	commits int
}

func (m *memory) Load() iter.Seq2[tracker.Record, error] {
	return func(yield func(tracker.Record, error) bool) {
		for k, data := range m.stored() {
			if !yield(tracker.Record{Key: k, Data: data}, nil) {
				return
			}
		}
	}
}

func (m *memory) Commit(records []tracker.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.commits++
	if m.records == nil {
		m.records = map[string][]byte{}
	}
	for _, r := range records {
		if m.records[r.Key] = slices.Clone(r.Data); r.Data == nil {
			delete(m.records, r.Key)
		}
	}
	return nil
}

func (m *memory) stored() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

var errFull = errors.New("the disk is full")

// sleep lets virtual time pass, and what is due then happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
