package waiter

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/internal/wire"
	"github.com/sfsturbo/waiter/status"
)

// Progress is where a wait stands between two calls of [Waiter.Step]: plain JSON, so that it
// survives a restart. Begin with Progress{JobID: id}, or with a checkpoint in Job to go on from it.
type Progress struct {
	JobID       string              `json:"job_id"`
	Job         status.Job          `json:"job"`                   // as last seen, merged
	Transitions []status.Transition `json:"transitions,omitempty"` // what the last Step brought, and no other one
	Next        time.Duration       `json:"next,omitempty"`        // how long to sleep before the next Step; 0 is at once, unless Done
	Due         time.Time           `json:"due,omitzero"`          // when the next poll is due; zero, which Step returns only when Done, is at once
	Done        bool                `json:"done,omitempty"`        // the wait has ended; another Step returns the same end and error, its ages as of then
	Started     time.Time           `json:"started,omitzero"`      // when the first Step began
	LastSeen    time.Time           `json:"last_seen,omitzero"`    // when the last good response arrived
	RequestID   string              `json:"request_id,omitempty"`  // of that response
	Polls       int                 `json:"polls,omitempty"`
	Failures    map[string]int      `json:"failures,omitempty"`     // failed polls by kind: see poller.Kind
	LastFailure string              `json:"last_failure,omitempty"` // "" if no poll has failed yet
	State       json.RawMessage     `json:"state,omitempty"`        // what else the next Step needs: opaque, versioned
	Trace       string              `json:"trace,omitempty"`        // what Trace.Carry returned in the first Step
}

// UnmarshalJSON replaces all that p held. It refuses what an earlier form of this package wrote.
func (p *Progress) UnmarshalJSON(data []byte) error {
	type plain Progress
	var stored struct {
		plain
		Memory json.RawMessage `json:"memory"` // where State is now
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		return err
	}
	read := Progress(stored.plain)
	if len(stored.Memory) > 0 && string(stored.Memory) != "null" {
		return fmt.Errorf(`waiter: %s: this Progress was stored by an earlier version of this module, which this one cannot read: begin again with its "job_id" and "job"`, read.named())
	}
	*p = read
	return nil
}

// Step polls once, from where p stands, and returns where it stands then: what changed, whether
// the wait is done, and when the next poll is due. It is for callers that cannot block: Kubernetes
// reconcilers, durable workflow engines. Step makes no request before p.Due: it returns p, with
// what is left as Next and no Transitions, and there is nothing to store. The first Step polls at
// once. To wait again after an end, begin with Progress{JobID, Job, Due, Trace}.
//
// The error is nil while the wait goes on, whether or not the poll succeeded, and when the job has
// succeeded; otherwise it is Wait's, with Done set unless the call itself was wrong: an option, the
// id. The error of a Done Progress that is stepped again holds the same *poller.Error or
// *credential.Error, but no type of your own Poller's.
//
// ctx's deadline is that of the poll: there is no last look. A poll that the deadline cuts has
// failed like any other. If ctx ends before the poll begins, or is canceled, or the limiter
// refuses, p comes back as it was, without Transitions, and with an error that is [ErrUnfinished]
// and holds theirs: step again from it.
//
// The schedule is a new BackOff, advanced to where p remembers it, so that a time limit of its own
// begins again each time. One that learns observes at the end of each Step that the job is
// abandoned, unless the job has ended. Times in p are this machine's wall clock: a clock set
// forward between two Steps looks like time that has passed.
func (w *Waiter) Step(ctx context.Context, p Progress, opts ...Option) (Progress, error) {
	p.Transitions = nil // delivered
	f, err := w.resume(p, opts)
	if err != nil {
		return p, err
	}
	if end := f.Outcome(); end != nil {
		return progress(f, nil, 0), final(end.Err)
	}
	if now := time.Now(); ctx.Err() == nil && p.left(now) > 0 {
		if p.Next = p.left(now); p.Next < p.Due.Sub(now) { // the clock was set back: all times move with it
			p.Started, p.LastSeen, p.Due = f.State.Started, f.State.LastSeen, now.Add(p.Next).Round(0)
		}
		return p, nil
	}
	f.Start()
	defer f.Abandon()
	return step(ctx, f, p)
}

// step polls, and calls the hooks. It returns what Step returns.
func step(ctx context.Context, f *wait.Follower, p Progress) (Progress, error) {
	var end *wait.End
	done, returned := false, false
	defer func() {
		if !returned {
			end, done = f.Panicked(), false
		}
		f.StepEnd(ctx, end, done)
	}()
	f.StepStart(&ctx)
	f.Carry(ctx)
	var delivered []status.Transition
	f.Yield = func(t status.Transition) bool {
		delivered = append(delivered, t)
		return true
	}
	delay, end := f.Poll(ctx)
	switch {
	case end == nil:
		returned = true
		return progress(f, delivered, delay), nil
	case end.How == follow.Refused, end.How == follow.TimedOut, end.How == follow.Canceled:
		returned = true
		return p, end.Err
	case end.How == follow.Unsaved:
		delivered = delivered[:len(delivered)-1] // the last one is delivered again
	}
	f.LogEnd(end)
	done, returned = true, true
	return progress(f, delivered, 0), final(end.Err)
}

// final adds to the error of a Progress that is Done why fixing the cause and stepping it again is
// not enough.
func final(err error) error {
	if e, ok := err.(*UnfinishedError); ok { //nolint:errorlint // one of this call
		e.Advice += ". This Progress is done, so another Step only repeats this: begin a new one with its JobID and Job"
	}
	return err
}

// named names the job of a Progress that cannot be used, and its state.
func (p *Progress) named() string {
	job := p.Job
	job.ID = cmp.Or(p.JobID, job.ID)
	if job.Status == "" {
		return name(job) + ", not seen yet"
	}
	return name(job) + ", last seen " + wire.OneLine(job.Status)
}

// left is how long it is at now until the next poll is due. A Due further off than the Next of the
// last Step means that the clock was set back since.
func (p *Progress) left(now time.Time) time.Duration {
	left := p.Due.Sub(now)
	if len(p.State) > 0 { // what a Step returned
		left = min(left, p.Next)
	}
	return left
}

// resume returns the Follower that p is a picture of.
func (w *Waiter) resume(p Progress, opts []Option) (*wait.Follower, error) {
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
		return nil, fmt.Errorf("waiter: Progress.Job is job %q, Progress.JobID is %q: "+ownCheckpoint, p.Job.ID, p.JobID)
	}
	f, err := c.follower()
	if err != nil {
		return nil, err
	}
	f.Once = true
	f.Carried = p.Trace
	checkpoint := p.Job.Clone()
	checkpoint.ID = p.JobID
	if err := f.Begin(checkpoint); err != nil || len(p.State) == 0 {
		return f, err
	}
	stored := follow.Record{
		Started: p.Started, LastSeen: p.LastSeen, RequestID: p.RequestID,
		Polls: p.Polls, Failures: p.Failures, LastFailure: p.LastFailure, Memory: p.State,
	}
	if err := f.State.Restore(stored, p.Due.Add(-p.Next), time.Now()); err != nil {
		return nil, fmt.Errorf("waiter: %s: Progress.State cannot be used: %w. Step it with the program that stored it, or begin again with its JobID and Job", p.named(), err)
	}
	return f, nil
}

func progress(f *wait.Follower, delivered []status.Transition, next time.Duration) Progress {
	s := f.State.Record()
	p := Progress{
		JobID: s.Job.ID, Job: s.Job, Transitions: delivered, Next: next, Done: f.State.End != follow.Open,
		Started: s.Started, LastSeen: s.LastSeen, RequestID: s.RequestID,
		Polls: s.Polls, Failures: s.Failures, LastFailure: s.LastFailure, State: s.Memory,
		Trace: f.Carried,
	}
	if !p.Done {
		p.Due = time.Now().Add(next).Round(0)
	}
	return p
}
