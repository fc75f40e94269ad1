package temporalwait

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// ActivityName is the name under which a worker has to register [Activity.AwaitSFSTurboJob]; for
// RegisterActivity(&Activity{...}) it is the default. [Await] asks for it.
const ActivityName = "AwaitSFSTurboJob"

// Activity awaits jobs of the service: give a pointer to one to worker.Worker.RegisterActivity. Set
// the field before that, and do not change it afterwards. It is safe for concurrent use.
type Activity struct {
	// Waiter polls. Its own callbacks, and its checkpoints, are called in the worker process: at
	// least once. Required: without it, attempts fail, and are tried again until a worker has one.
	Waiter *waiter.Waiter
}

// Args are the arguments of the activity. Its result is a [waiter.Progress]: Done, of a job that
// has succeeded, or, if they ask for Changes, of one that has changed, with the Transitions.
type Args struct {
	// Progress is where to go on: {"job_id": "..."} to begin, or what an earlier call has returned.
	Progress waiter.Progress `json:"progress"`
	// Changes is whether the activity completes as soon as the job has changed, however. Call it
	// again then with what it has returned, unless that is Done.
	Changes bool `json:"changes,omitempty"`
}

const (
	together = 2 * time.Second  // an attempt stays for the next poll if that is due so soon,
	stay     = 10 * time.Second // for so long in all
	lastLook = 3 * time.Second  // before the deadline: a retry may be a second late
	late     = 5 * time.Second  // before Temporal's own timeout of the activity the wait ends
)

// AwaitSFSTurboJob is the activity. [Await] calls it with the options that it needs, and turns its
// errors into the library's. Without Await, give it a StartToCloseTimeout of the poll's timeout and
// 15 s, a HeartbeatTimeout of the poll's timeout and 5 s, and a RetryPolicy without a limit of
// attempts. A ScheduleToCloseTimeout ends the wait 5 s before it, with a last look at the job.
//
// While the job goes on, an attempt fails with an application error of the type [TypePending],
// which is benign: it is neither logged as an error nor counted as one. The wait ends with an
// application error of the type [TypeFailed] or [TypeUnfinished].
func (a *Activity) AwaitSFSTurboJob(ctx context.Context, args Args) (waiter.Progress, error) {
	if a.Waiter == nil {
		return waiter.Progress{}, errors.New("temporalwait: Activity.Waiter is required")
	}
	t := attempt{Waiter: a.Waiter, changes: args.Changes, began: time.Now(), info: activity.GetInfo(ctx)}
	p := args.Progress
	if activity.HasHeartbeatDetails(ctx) {
		// Every attempt finds the same one: what cannot be read, of another version of this package, is
		// left. That costs polls. What the workflow has seen is in args.
		if err := activity.GetHeartbeatDetails(ctx, &p); err != nil {
			activity.GetLogger(ctx).Warn("the heartbeat of an earlier attempt cannot be read: polling begins again", "error", err)
			p = args.Progress
		}
	}
	p.JobID = cmp.Or(p.JobID, p.Job.ID)
	if err := check(p, p.JobID); err != nil {
		return waiter.Progress{}, usage(err)
	}
	p, err := t.follow(ctx, p)
	if err != nil {
		return waiter.Progress{}, err
	}
	return p, nil
}

// check refuses a job id that cannot be polled, and a Progress of another job.
func check(p waiter.Progress, jobID string) error {
	if err := poller.CheckID(jobID); err != nil {
		return err
	}
	for _, id := range []string{p.JobID, cmp.Or(p.Job.ID, jobID)} {
		if !status.SameID(id, jobID) {
			return fmt.Errorf("temporalwait: the Progress is of job %.64q, not %.64q: give each job the Progress that was stored for it", id, jobID)
		}
	}
	return nil
}

// attempt is one attempt of the activity.
type attempt struct {
	*waiter.Waiter

	changes bool
	began   time.Time
	info    activity.Info
}

// follow polls until the wait has ended, the job has changed, or the next poll is too far off.
func (t *attempt) follow(ctx context.Context, p waiter.Progress) (waiter.Progress, error) {
	deadline, limited := t.deadline()
	for {
		next, err := t.step(ctx, t.inTime(p))
		switch {
		case next.Done && (err == nil || t.changes && len(next.Transitions) > 0):
			return fit(next), nil
		case next.Done:
			return p, ended(next, err, time.Now())
		case err != nil && ctx.Err() == context.Canceled:
			return p, t.stopped(ctx, p)
		case errors.Is(err, context.DeadlineExceeded): // the time went by in the limiter's queue: nothing was sent
			if limited && time.Until(deadline) <= 0 {
				return p, timedOut(p, deadline) //nolint:contextcheck // nothing is awaited there
			}
			return p, pending(p, 0)
		case err != nil && len(p.State) > 0: // of another version of the library, like a heartbeat that cannot be read
			activity.GetLogger(ctx).Warn("polling begins again", "error", err)
			p = waiter.Progress{JobID: p.JobID, Job: p.Job, Due: p.Due, Trace: p.Trace}
			continue
		case err != nil: // a mistake in the worker: it is there to be corrected
			return p, err
		}
		p = fit(next)
		if t.changes && len(p.Transitions) > 0 {
			return p, nil
		}
		p.Transitions = nil
		if limited && time.Until(deadline) <= lastLook { // that was the last look
			if err := t.sleep(ctx, p, time.Until(deadline)); err != nil {
				return p, err
			}
			return p, timedOut(p, deadline) //nolint:contextcheck // nothing is awaited there
		}
		p = t.inTime(p)
		activity.RecordHeartbeat(ctx, p)
		if p.Next > together || time.Since(t.began)+p.Next > stay {
			return p, pending(p, p.Next)
		}
		if err := t.sleep(ctx, p, p.Next); err != nil {
			return p, err
		}
	}
}

// step polls once. A poll has to end, or to fail, before Temporal gives the attempt up: then its
// outcome is recorded.
func (t *attempt) step(ctx context.Context, p waiter.Progress) (waiter.Progress, error) {
	margin := min(2*time.Second, t.info.StartToCloseTimeout/4)
	until := t.info.Deadline.Add(-margin)
	if silent := t.info.HeartbeatTimeout; silent > 0 {
		if heard := time.Now().Add(silent - min(2*time.Second, silent/4)); heard.Before(until) {
			until = heard
		}
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return t.Step(ctx, p)
}

// deadline returns when the wait ends, if it does.
func (t *attempt) deadline() (at time.Time, limited bool) {
	if t.info.ScheduleToCloseTimeout <= 0 {
		return time.Time{}, false
	}
	return t.info.ScheduledTime.Add(t.info.ScheduleToCloseTimeout - late), true
}

// inTime returns p with its next poll early enough for a last look.
func (t *attempt) inTime(p waiter.Progress) waiter.Progress {
	deadline, limited := t.deadline()
	if last := deadline.Add(-lastLook); limited && p.Due.After(last) {
		p.Due, p.Next = last.Round(0), max(0, time.Until(last))
	}
	return p
}

// sleep returns nil after d, and otherwise what the attempt fails with.
func (t *attempt) sleep(ctx context.Context, p waiter.Progress, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-activity.GetWorkerStopChannel(ctx): // another worker goes on
		return pending(p, time.Until(p.Due))
	case <-ctx.Done():
		return t.stopped(ctx, p)
	}
}

// stopped is what an attempt fails with whose context has ended.
func (t *attempt) stopped(ctx context.Context, p waiter.Progress) error {
	if temporal.IsCanceledError(context.Cause(ctx)) {
		return ctx.Err() // by the workflow
	}
	return pending(p, time.Until(p.Due)) // the worker stops: another one goes on
}
