package waiter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/status"
)

// Progress is where a wait stands between two calls of [Waiter.Step]: plain JSON,
// so that it survives a restart. Begin with Progress{JobID: id}, or with a
// checkpoint in Job to go on from it.
type Progress struct {
	JobID       string              `json:"job_id"`
	Job         status.Job          `json:"job"`                   // as last seen, merged
	Transitions []status.Transition `json:"transitions,omitempty"` // what the last Step brought, and no other one
	Next        time.Duration       `json:"next,omitempty"`        // how long to sleep before the next Step; 0 is at once, unless Done
	Done        bool                `json:"done,omitempty"`        // the wait has ended: another Step returns the same end, its ages as of then; Progress{JobID, Job} of it waits again
	Started     time.Time           `json:"started,omitzero"`      // when the first Step began
	LastSeen    time.Time           `json:"last_seen,omitzero"`    // when the last good answer arrived
	RequestID   string              `json:"request_id,omitempty"`  // of that answer
	Polls       int                 `json:"polls,omitempty"`
	Failures    map[string]int      `json:"failures,omitempty"`     // failed polls by kind: see poller.Kind
	LastFailure string              `json:"last_failure,omitempty"` // "" if no poll has failed yet
	Memory      follow.Memory       `json:"memory,omitzero"`        // what else the next Step needs
}

// Step polls once, from where p stands, and returns where it stands then: what
// changed, whether the wait is done, and how long to sleep before the next Step. It
// is for those who can't block: Kubernetes reconcilers, durable workflow engines.
//
// The error is nil while the wait goes on, whether or not the poll succeeded, and
// when the job has succeeded; otherwise it is Wait's, with Done set unless the call
// itself was wrong: an option, the id. If ctx ends
// or the limiter refuses before there is an answer, p comes back as it was, but for
// Transitions, with an error that is [ErrUnfinished] and holds theirs: step again
// from it. The schedule is a fresh
// BackOff, advanced to where p remembers it, so that a time limit of its own begins
// anew each time; one that learns is told at the end of each Step that it is
// abandoned, unless the job has ended. The first Step polls at once. ctx's deadline is that of the poll: there is no last look.
func (w *Waiter) Step(ctx context.Context, p Progress, opts ...Option) (Progress, error) {
	p.Transitions = nil // told
	r, err := w.resume(p, opts)
	if err != nil {
		return p, err
	}
	if r.state.End == follow.Open {
		r.state.End = r.state.Outcome(r.Rules)
	}
	if r.state.End != follow.Open {
		return r.progress(nil, 0), r.ended()
	}
	for i, b := range r.schedules {
		for range min(r.state.Asked[i], maxReplayed) {
			b.NextBackOff()
		}
	}
	r.start()
	defer r.abandon()
	next, err := r.poll(ctx)
	if err != nil {
		return p, r.stopped(ctx, err)
	}
	delay, err := r.digest(ctx, next)
	return r.progress(next.Transitions, delay), err
}

// maxReplayed bounds what a Progress can cost: a schedule of 15 s gets there in 17 days.
const maxReplayed = 100_000

// resume makes the run that p is a picture of.
func (w *Waiter) resume(p Progress, opts []Option) (*run, error) {
	c, err := w.config.with(opts)
	if err != nil {
		return nil, err
	}
	if c.checkpoint != nil {
		return nil, errors.New("waiter: From: Step goes on from its Progress: put the checkpoint into Progress.Job")
	}
	if p.JobID == "" {
		p.JobID = p.Job.ID
	}
	if p.Job.ID != "" && !status.SameID(p.Job.ID, p.JobID) {
		return nil, fmt.Errorf("waiter: Progress.Job is job %q, Progress.JobID is %q", p.Job.ID, p.JobID)
	}
	r, err := c.newRun()
	if err != nil {
		return nil, err
	}
	checkpoint := p.Job.Clone()
	checkpoint.ID = p.JobID
	if err := r.begin(checkpoint); err != nil || p.Started.IsZero() {
		return r, err
	}
	r.state = follow.State{
		Job: r.state.Job, Started: p.Started, LastSeen: p.LastSeen, RequestID: p.RequestID,
		Polls: p.Polls, Failures: p.Failures, Memory: p.Memory,
	}.Clone()
	if p.LastFailure != "" {
		r.state.LastFailure = errors.New(p.LastFailure)
	}
	return r, nil
}

func (r *run) progress(told []status.Transition, next time.Duration) Progress {
	s := r.state
	p := Progress{
		JobID: s.Job.ID, Job: s.Job, Transitions: told, Next: next, Done: s.End != follow.Open,
		Started: s.Started, LastSeen: s.LastSeen, RequestID: s.RequestID,
		Polls: s.Polls, Failures: maps.Clone(s.Failures), Memory: s.Memory,
	}
	if s.LastFailure != nil {
		p.LastFailure = s.LastFailure.Error()
	}
	return p
}
