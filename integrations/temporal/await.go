package temporalwait

import (
	"cmp"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Await awaits a job in a workflow, and returns the job as last seen. The error is nil if the job
// has succeeded. Otherwise errors.Is and errors.As find in it what Wait of the library returns,
// such as waiter.ErrJobFailed or *waiter.UnfinishedError. A workflow that returns it fails, without
// a retry, and [FromError] finds the same in what its client or its parent gets.
//
// If ctx is canceled, Await returns at once, and its error is a *temporal.CanceledError too. That
// ends the waiting: the job itself goes on. An attempt that is about to poll may still do so.
//
// The worker has to have registered an [Activity], on the task queue of the workflow, or on that of
// ctx (workflow.WithTaskQueue). No other activity option of ctx counts, except its priority. The
// activity's summary is "job" and the job's id. A workflow may await a job several times at once.
func Await(ctx workflow.Context, jobID string, opts ...Option) (status.Job, error) {
	o, err := apply(opts)
	if err != nil {
		return status.Job{ID: jobID}, usage(err)
	}
	p := fit(*o.progress)
	p.JobID = cmp.Or(p.JobID, jobID)
	if err := check(p, jobID); err != nil {
		return status.Job{ID: jobID}, usage(err)
	}
	a := awaiting{options: o, p: p}
	if o.timeout != nil {
		a.deadline = workflow.Now(ctx).Add(*o.timeout)
	}
	err = a.await(ctx)
	*o.progress = a.p
	if a.p.Job.ID == "" {
		a.p.Job.ID = jobID
	}
	return a.p.Job, err
}

// awaiting is one call of Await.
type awaiting struct {
	options

	p        waiter.Progress
	deadline time.Time
}

func (a *awaiting) await(ctx workflow.Context) error {
	for {
		if a.p.Done {
			return a.end(ctx, false)
		}
		if ctx.Err() != nil {
			return a.end(ctx, true)
		}
		if !a.deadline.IsZero() && !workflow.Now(ctx).Before(a.deadline) {
			return a.end(ctx, false)
		}
		var next waiter.Progress
		scheduled := workflow.ExecuteActivity(a.activity(ctx), ActivityName, Args{Progress: a.p, Changes: a.onTransition != nil})
		if err := scheduled.Get(ctx, &next); err != nil {
			return a.failed(ctx, err)
		}
		transitions := next.Transitions
		next.Transitions = nil
		a.p = next
		for _, t := range transitions {
			if a.onTransition != nil {
				a.onTransition(ctx, t)
			}
		}
		*a.progress = a.p
	}
}

// activity returns the context to execute the activity with.
func (a *awaiting) activity(ctx workflow.Context) workflow.Context {
	of := workflow.GetActivityOptions(ctx)
	options := workflow.ActivityOptions{
		TaskQueue:           of.TaskQueue,
		Priority:            of.Priority,
		Summary:             summary(a.p.JobID),
		StartToCloseTimeout: a.pollTimeout + 5*time.Second + stay,
		HeartbeatTimeout:    a.pollTimeout + 5*time.Second,
		RetryPolicy: &temporal.RetryPolicy{ // of attempts that have died; the others say when
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
	}
	if !a.deadline.IsZero() {
		options.ScheduleToCloseTimeout = a.deadline.Sub(workflow.Now(ctx)) + late
	}
	return workflow.WithActivityOptions(ctx, options)
}

// summary is what Temporal's UI shows beside the activity. A server takes 400 bytes, as a payload: in
// JSON, each byte of the id may be six.
func summary(jobID string) string {
	cut(&jobID, 50)
	return "job " + jobID
}

// failed returns what Await returns when the activity has failed.
func (a *awaiting) failed(ctx workflow.Context, err error) error {
	if found, ok := find(err); ok {
		a.p = found.p
		return a.carry(found.kind, found.at, found.err)
	}
	if temporal.IsCanceledError(err) {
		return a.end(ctx, true)
	}
	timeout, timedOut := errors.AsType[*temporal.TimeoutError](err)
	if failure, ok := errors.AsType[*temporal.ActivityError](err); !timedOut && (!ok || failure.RetryState() != enumspb.RETRY_STATE_TIMEOUT) {
		return err
	}
	// No worker was there when the deadline passed.
	var p waiter.Progress
	if timedOut && timeout.LastHeartbeatDetails(&p) == nil && p.JobID != "" {
		a.p = p
	}
	return a.end(ctx, false)
}

// end returns what Await returns when the wait has ended as its Progress says, or by a
// cancellation, or at its deadline.
func (a *awaiting) end(ctx workflow.Context, canceled bool) error {
	e := end{Progress: a.p, At: workflow.Now(ctx), Canceled: canceled}
	err := e.err(a.p.Job)
	switch {
	case err == nil:
		return nil
	case canceled:
		return temporal.NewCanceledErrorWithOptions(temporal.CanceledErrorOptions{
			Message: err.Error(), Details: details(a.p, e), Cause: err,
		})
	case errors.Is(err, waiter.ErrJobFailed):
		return a.carry(TypeFailed, e, err)
	}
	return a.carry(TypeUnfinished, e, err)
}

// carry returns err as an error that Temporal stores with its details.
func (a *awaiting) carry(kind string, e end, err error) error {
	return carry(kind, "awaiting job "+a.p.JobID+": "+waiter.Outcome(err), a.p, e, err)
}
