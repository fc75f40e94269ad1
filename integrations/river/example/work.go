package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
)

// undo is the River job that comes after a wait that did not succeed.
type undo struct {
	JobID string `json:"job_id"`
}

func (undo) Kind() string { return "undo_ldap" }

// work awaits whatever is in the file, until ctx ends: this is what to copy.
func work(ctx context.Context, file, endpoint string) error {
	db, err := open(ctx, file)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := poller.New(endpoint, "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	w, err := waiter.New(p)
	if err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverwait.Worker[*sql.Tx]{
		Waiter: w, InTx: riverwait.SQL(db), OnTransition: show, OnEnd: next,
	})
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[undo]) error {
		fmt.Printf("  process %d: undoing what job %s has left\n", os.Getpid(), job.Args.JobID)
		return nil
	}))
	client, err := river.NewClient(riversqlite.New(db), &river.Config{
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 20}},
		JobTimeout:           5 * time.Second, // in a program 30 s or more: it has to exceed a poll's timeout, 15 s
		RescueStuckJobsAfter: 6 * time.Second, // and this JobTimeout
		Logger:               slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	<-client.Stopped()
	return nil
}

// show prints a change. To have each change exactly once, write it in tx.
func show(_ context.Context, _ *sql.Tx, job *river.Job[riverwait.AwaitArgs], t status.Transition) error {
	from := string(t.From)
	if from != "" {
		from += " -> "
	}
	fmt.Printf("  process %d: River job %d: %s%s\n", os.Getpid(), job.ID, from, t.To)
	return nil
}

// next inserts the job that comes after the wait, in the transaction that stores its end.
func next(ctx context.Context, tx *sql.Tx, _ *river.Job[riverwait.AwaitArgs], end status.Job, err error) error {
	if err == nil {
		return nil
	}
	_, err = river.ClientFromContext[*sql.Tx](ctx).InsertTx(ctx, tx, undo{JobID: end.ID}, nil)
	return err
}
