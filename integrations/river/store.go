package riverwait

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/sfsturbo/waiter"
)

// errNotOurs is an attempt that River has given up meanwhile: another one goes on with the wait.
var errNotOurs = errors.New("riverwait: this attempt no longer runs the River job")

// store stores where the wait stands, and delivers what the poll has shown, in one transaction.
//
// The row is written first: that locks it. Only then is it certain that no other attempt stores or
// delivers. River itself rescues an attempt by time alone, and a process that was paused for long
// enough does not know that it was given up.
func (w *Worker[TTx]) store(ctx context.Context, job *river.Job[AwaitArgs], p waiter.Progress, end error) error {
	client, err := river.ClientFromContextSafely[TTx](ctx)
	if err != nil {
		return fmt.Errorf("riverwait: Worker's TTx is not the transaction of this River client's driver: %w", err)
	}
	transitions := p.Transitions
	p.Transitions = nil
	output := Output{Progress: p}
	if p.Done {
		output.Outcome, output.Attempt = waiter.Outcome(end), job.Attempt
		if end != nil {
			output.Error = end.Error()
		}
	}
	// What the poll has shown is kept even if the attempt's time is over, or the client stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return w.InTx(ctx, func(tx TTx) error {
		row, err := client.JobUpdateTx(ctx, tx, job.ID, &river.JobUpdateParams{Output: output})
		switch {
		case errors.Is(err, rivertype.ErrNotFound): // deleted
			return errNotOurs
		case err != nil:
			return err
		case !same(row, job.JobRow):
			return errNotOurs
		}
		for _, t := range transitions {
			if w.OnTransition == nil {
				break
			}
			if err := w.OnTransition(ctx, tx, job, t); err != nil {
				return err
			}
		}
		if !p.Done {
			return nil
		}
		if w.OnEnd != nil {
			if err := w.OnEnd(ctx, tx, job, p.Job, end); err != nil {
				return err
			}
		}
		if end == nil { // otherwise verdict cancels the River job: no call does so in a transaction
			_, err = river.JobCompleteTx[riverdriver.Driver[TTx]](ctx, tx, job)
		}
		return err
	})
}

// same reports whether row is still running the attempt that was.
func same(row, was *rivertype.JobRow) bool {
	return row.State == rivertype.JobStateRunning && row.Attempt == was.Attempt &&
		row.AttemptedAt != nil && was.AttemptedAt != nil && row.AttemptedAt.Equal(*was.AttemptedAt)
}

// SQL returns a [Worker]'s InTx for database/sql, as for riversqlite. Open SQLite's database with
// one connection (SetMaxOpenConns(1)) and a busy timeout.
func SQL(db *sql.DB) func(ctx context.Context, do func(tx *sql.Tx) error) error {
	return func(ctx context.Context, do func(tx *sql.Tx) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after Commit it does nothing; otherwise do's error says more
		if err := do(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}
