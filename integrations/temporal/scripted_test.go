package temporalwait_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// script is what the polls of a job show, one after the other, whenever they come; the last one
// from then on. Each is a status.Job or an error.
type script struct {
	mu    sync.Mutex
	polls int
	show  []any
}

func scripted(show ...any) *script { return &script{show: show} }

func (s *script) Poll(_ context.Context, jobID string) (poller.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.show[min(s.polls, len(s.show)-1)]
	s.polls++
	if err, ok := now.(error); ok {
		return poller.Reply{}, err
	}
	job := now.(status.Job).Clone()
	job.ID = jobID
	return poller.Reply{Job: job}, nil
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polls
}

func newWaiter(t testing.TB, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	w, err := waiter.New(p, opts...)
	require.NoError(t, err)
	return w
}

func refused(statusCode int) error { return &poller.Error{StatusCode: statusCode} }

var (
	running   = status.Job{Type: "bind_ldap", Status: status.Running, SubJobs: []status.Job{{ID: "s1", Type: "join", Status: status.Running}}}
	succeeded = status.Job{Type: "bind_ldap", Status: status.Success, SubJobs: []status.Job{{ID: "s1", Type: "join", Status: status.Success}}}
	failed    = status.Job{Type: "bind_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "LDAP server unreachable"}

	whole = []string{":->running", "s1:->running", "s1:running->success", ":running->success"}
)
