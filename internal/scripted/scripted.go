// Package scripted is a Poller for the tests of the engines' modules, and what they wait for.
package scripted

import (
	"context"
	"sync"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// A Poller answers the polls of a job one after the other, whenever they come, and the last one
// from then on. It is safe for concurrent use.
type Poller struct {
	mu    sync.Mutex
	polls int
	show  []any
}

// New returns a Poller that shows these: each is a status.Job or an error.
func New(show ...any) *Poller { return &Poller{show: show} }

// Poll implements [poller.Poller].
func (p *Poller) Poll(_ context.Context, jobID string) (poller.Reply, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.show[min(p.polls, len(p.show)-1)]
	p.polls++
	switch now := now.(type) {
	case error:
		return poller.Reply{}, now
	case status.Job:
		job := now.Clone()
		job.ID = jobID
		return poller.Reply{Job: job}, nil
	default:
		panic("neither a status.Job nor an error")
	}
}

// Polls returns how often Poll was called.
func (p *Poller) Polls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.polls
}

// Refused is the error of a poll that the service answered with this HTTP status.
func Refused(statusCode int) error { return &poller.Error{StatusCode: statusCode} }

// What a job with one sub-job shows.
var (
	Running   = status.Job{Type: "bind_ldap", Status: status.Running, SubJobs: []status.Job{{ID: "s1", Type: "join", Status: status.Running}}}
	Succeeded = status.Job{Type: "bind_ldap", Status: status.Success, SubJobs: []status.Job{{ID: "s1", Type: "join", Status: status.Success}}}
	Failed    = status.Job{Type: "bind_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "LDAP server unreachable"}
)
