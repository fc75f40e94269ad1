package riverwait

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/status"
)

// Worker awaits jobs of the service: add it to river.Workers with river.AddWorker. TTx is the
// transaction of the River client's driver: *sql.Tx of riversqlite, pgx.Tx of riverpgxv5. Set the
// fields before that, and do not change them afterwards. It is safe for concurrent use if the
// callbacks are.
//
// An attempt that fails (the database, a callback, a Progress of another version) is retried after
// 1 s, then twice as long each time, at most 30 s. River records each such error. An attempt whose
// process dies is retried when River rescues it: set Config.RescueStuckJobsAfter, which is an hour
// otherwise, to a little more than Config.JobTimeout, and that to more than the timeout of a poll.
//
// The wait has no deadline: [waiter.WithStallLimit] ends one whose job makes no progress, and
// river.Client.JobCancel ends any, without a call of OnEnd.
type Worker[TTx any] struct {
	river.WorkerDefaults[AwaitArgs]

	// Waiter polls. Its own callbacks, and its checkpoints, are called outside the transaction: at
	// least once. Required.
	Waiter *waiter.Waiter

	// InTx calls do within a transaction of the database that River uses, commits it if do returns
	// nil, and otherwise rolls it back and returns do's error: SQL(db), or with pgx
	//
	//	func(ctx context.Context, do func(pgx.Tx) error) error { return pgx.BeginFunc(ctx, pool, do) }
	//
	// Required.
	InTx func(ctx context.Context, do func(tx TTx) error) error

	// OnTransition is called for each change of the job and of its sub-jobs, in order. What it
	// writes in tx is written exactly once: tx also stores that the change was delivered. An error
	// rolls back all changes that the same poll showed, and they are delivered again by a later
	// attempt. ctx ends 10 s after the poll. With a pool of one connection, as for SQLite, anything
	// but tx waits for itself. May be nil.
	OnTransition func(ctx context.Context, tx TTx, job *river.Job[AwaitArgs], t status.Transition) error

	// OnEnd is called when the wait ends, after OnTransition, in the same transaction, with what
	// Wait would return: the job as last seen, and nil if it has succeeded. This is the place to
	// insert the job that comes next, with river.ClientFromContext[TTx](ctx).InsertTx. May be nil.
	OnEnd func(ctx context.Context, tx TTx, job *river.Job[AwaitArgs], end status.Job, err error) error
}

// Work polls once. River calls it.
func (w *Worker[TTx]) Work(ctx context.Context, job *river.Job[AwaitArgs]) error {
	if w.Waiter == nil || w.InTx == nil {
		return errors.New("riverwait: Worker.Waiter and Worker.InTx are required")
	}
	before, err := resume(job)
	if err != nil {
		return err
	}
	p, err := w.Waiter.Step(ctx, before)
	if end, ok := err.(*waiter.UnfinishedError); ok && p.Done { //nolint:errorlint // Step's own
		end.Advice += ". Here river.Client.JobRetry does that"
	}
	switch {
	case before.Done: // the process died before River had recorded the end
		return verdict(err)
	case err != nil && !p.Done && ctx.Err() == context.DeadlineExceeded:
		return river.JobSnooze(time.Second) // the time went by in the limiter's queue: nothing was sent
	case err != nil && !p.Done: // River knows of a stop and of a cancellation; anything else is a mistake in the program
		return err
	}
	switch stored := w.store(ctx, job, p, err); {
	case errors.Is(stored, errNotOurs):
		return river.JobSnooze(time.Second)
	case stored != nil:
		return stored
	case !p.Done:
		return river.JobSnooze(p.Next)
	}
	return verdict(err)
}

// NextRetry returns when an attempt that failed, or was rescued, is retried. River calls it.
func (*Worker[TTx]) NextRetry(job *river.Job[AwaitArgs]) time.Time {
	const first, last = time.Second, 30 * time.Second
	return time.Now().Add(min(first<<min(max(job.Attempt-1, 0), 5), last))
}

// verdict turns the end of a wait into what River does with it: no retry, whatever the end.
func verdict(err error) error {
	if err == nil {
		return nil
	}
	return river.JobCancel(err)
}
