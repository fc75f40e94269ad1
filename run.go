package waiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// A run is one wait: the shell around [follow.State]. It polls, tells, asks the
// schedules and sleeps, on the goroutine that calls it; what any of it means,
// follow decides.
type run struct {
	*config
	state     follow.State
	schedules [2]backoff.BackOff           // by follow.Schedule
	tell      func(status.Transition) bool // false: nobody listens any more
	gate      chan struct{}                // holds a token for each poll in flight; nil: no bound
	deadline  time.Time                    // of the wait; zero if there is none
	looked    bool                         // the last look before it was taken
	refused   bool                         // the limiter has refused since the last poll
}

// Ends that only a trace sees: tell returned false, or something panicked.
var (
	errStopped  = errors.New("waiter: the iteration was stopped")
	errPanicked = errors.New("waiter: the wait panicked")
)

// newRun makes the schedules: what can still be wrong with the options.
func (c config) newRun() (*run, error) {
	r := &run{config: &c}
	r.tell = r.callBack
	for i, f := range c.schedules {
		b := f()
		if isNil(b) {
			return nil, fmt.Errorf("waiter: %s: the function returned no BackOff", [...]string{"WithBackOff", "WithFailureBackOff"}[i])
		}
		b.Reset()
		r.schedules[i] = b
	}
	return r, nil
}

// begin sets what the run follows. The error is final, and no request was made.
func (r *run) begin(checkpoint status.Job) error {
	if checkpoint.Type == "" {
		checkpoint.Type = r.jobType
	}
	r.state = follow.Begin(checkpoint, time.Now())
	if err := poller.CheckID(checkpoint.ID); err != nil {
		return unfinished(&r.state, time.Now(), "can't be awaited: "+oneLine(err), "No request was sent", err)
	}
	return nil
}

// callBack tells t to the callbacks, each of which gets its own copy.
func (r *run) callBack(t status.Transition) bool {
	for _, f := range r.callbacks {
		own := t
		own.Job = t.Job.Clone()
		f(own)
	}
	return true
}

// wait follows the job until it has ended, or the wait has.
func (r *run) wait(ctx context.Context) (job status.Job, err error) {
	ctx = r.waitStart(ctx, r.state.Job.ID)
	err = errPanicked
	defer r.abandon()
	defer func() { r.waitEnd(ctx, job, err) }()
	err = r.loop(ctx)
	job = r.state.Job.Clone()
	return job, err
}

const askAgain = 5 * time.Second // a limiter that has refused

func (r *run) loop(ctx context.Context) error {
	if r.state.End = r.state.Outcome(r.Rules); r.state.End != follow.Open {
		return r.ended() // the checkpoint says it all
	}
	r.deadline, _ = ctx.Deadline()
	if first := r.start(); first > 0 {
		if err := r.sleep(ctx, first); err != nil {
			return r.stopped(ctx, err)
		}
		r.state.Planned = time.Now()
	}
	for {
		next, err := r.poll(ctx)
		delay := askAgain
		switch {
		case err == nil:
			if delay, err = r.digest(ctx, next); err != nil || r.state.End != follow.Open {
				return err
			}
		case ctx.Err() != nil || r.deadline.IsZero():
			return r.stopped(ctx, err)
		default: // the limiter may refuse because of the deadline, which is no early end, or for a while
			r.logRefusal(err)
			r.state.LastFailure = err
		}
		if err := r.sleep(ctx, delay); err != nil {
			return r.stopped(ctx, err)
		}
	}
}

// sleep sleeps for d, but no longer than until the one last look before the
// deadline. It returns ctx's error once that has ended.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	if !r.deadline.IsZero() && !r.looked {
		d = min(d, time.Until(r.state.LastLook(r.deadline)))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return ctx.Err() // both may be ready
}

// look notes that what begins now is the last look, if it is time for that.
func (r *run) look() {
	if !r.deadline.IsZero() && !time.Now().Before(r.state.LastLook(r.deadline)) {
		r.looked = true
	}
}

// poll waits for the run's turn and polls once. An error means that there is no
// outcome: the context has ended, or the limiter has refused.
func (r *run) poll(ctx context.Context) (follow.Next, error) {
	if r.gate != nil {
		select {
		case r.gate <- struct{}{}:
			defer func() { <-r.gate }()
		case <-ctx.Done():
		}
	}
	r.look()
	if ctx.Err() == nil && r.limiter != nil {
		if err := r.limiter.Wait(ctx); err != nil && ctx.Err() == nil {
			return follow.Next{}, fmt.Errorf("the limiter refuses: %w", err)
		}
		r.look()
	}
	if err := ctx.Err(); err != nil {
		return follow.Next{}, err
	}

	r.refused = false
	start := time.Now()
	limit := r.state.PollLimit(r.pollTimeout, start, r.deadline)
	pollCtx := r.pollStart(ctx, r.state.Job.ID)
	if limit > 0 {
		var cancel context.CancelFunc
		pollCtx, cancel = context.WithTimeout(pollCtx, limit)
		defer cancel()
	}
	reply, err := r.poller.Poll(pollCtx, r.state.Job.ID)
	now := time.Now()
	r.pollEnd(pollCtx, reply, err)
	if ended := ctx.Err(); err != nil && ended != nil { // judged by the context: err may be anything
		r.state.Cut(late{now.Sub(start), err}, errors.Is(ended, context.DeadlineExceeded))
		return follow.Next{}, ended
	}
	if err != nil && errors.Is(pollCtx.Err(), context.DeadlineExceeded) {
		err = late{now.Sub(start), err}
	}
	r.logClock(reply.ServerTime, now)
	next := r.state.Observe(follow.Poll{Reply: reply, Err: err, At: now, Took: now.Sub(start)}, r.Rules)
	r.observe(next, reply.ServerTime)
	return next, nil
}

// digest logs and tells what a poll brought, and asks the schedule for the delay to
// the next. When the wait has ended it returns the error to end with.
func (r *run) digest(ctx context.Context, next follow.Next) (time.Duration, error) {
	r.logPoll(next)
	for _, t := range next.Transitions {
		r.logTransition(t)
		if !r.tell(t) {
			return 0, errStopped
		}
	}
	if next.End != follow.Open {
		return 0, r.ended()
	}
	schedule := r.schedules[next.Schedule]
	if next.Reset {
		schedule.Reset()
	}
	asked := schedule.NextBackOff()
	if asked == backoff.Stop {
		if ctx.Err() != nil { // backoff.WithContext stops at its end
			return 0, contextEnded(ctx, &r.state, time.Now())
		}
		r.state.End = follow.Stopped
		return 0, r.ended()
	}
	if next.Schedule == follow.Progress {
		r.state.Interval = r.paceOf(asked)
	}
	return next.Delay(asked), nil
}

// stopped returns the error of a run that has no outcome.
func (r *run) stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		r.state.LastFailure = err
		return unreadable(&r.state, time.Now(), "can't be polled", mendAndWait, err)
	}
	return contextEnded(ctx, &r.state, time.Now())
}

func (r *run) ended() error { return ended(&r.state, time.Now(), r.Rules) }

// late is what a poll failed with that took until its context ended, whatever the
// Poller makes of that.
type late struct {
	took time.Duration
	error
}

func (e late) Error() string   { return "no answer within " + round(e.took) + ": " + e.error.Error() }
func (e late) Unwrap() []error { return []error{context.DeadlineExceeded, e.error} }
