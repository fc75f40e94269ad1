package riverwait_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// Verify is the job that comes after a wait.
type Verify struct {
	JobID string `json:"job_id"`
}

func (Verify) Kind() string { return "verify_ldap" }

// Awaits a job with a SQLite file, and inserts the next job in the transaction that stores the end.
// The service is the built-in one, and the folder a temporary one. A process that dies in between
// leaves nothing to do: the next one that starts this client goes on.
func Example() {
	service := pollertest.New()
	defer service.Close()
	folder, err := os.MkdirTemp("", "riverwait")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)

	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "jobs.sqlite")+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // SQLite has one writer
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		fmt.Println(err)
		return
	}

	p, err := poller.New(service.Start(), "a-project", poller.WithCredential(credential.Token("a-token")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.CloseIdleConnections()
	w, err := waiter.New(p)
	if err != nil {
		fmt.Println(err)
		return
	}

	verified := make(chan Verify)
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverwait.Worker[*sql.Tx]{
		Waiter: w,
		InTx:   riverwait.SQL(db),
		OnTransition: func(_ context.Context, _ *sql.Tx, _ *river.Job[riverwait.AwaitArgs], t status.Transition) error {
			fmt.Println(t.From, "->", t.To) // or write it, in tx
			return nil
		},
		OnEnd: func(ctx context.Context, tx *sql.Tx, _ *river.Job[riverwait.AwaitArgs], end status.Job, err error) error {
			if err == nil { // otherwise River keeps the reason; or insert a job that undoes the rest
				_, err = river.ClientFromContext[*sql.Tx](ctx).InsertTx(ctx, tx, Verify{JobID: end.ID}, nil)
				return err
			}
			return nil
		},
	})
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, job *river.Job[Verify]) error {
		verified <- job.Args
		return nil
	}))
	client, err := river.NewClient(riversqlite.New(db), &river.Config{
		Workers:              workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 20}},
		JobTimeout:           30 * time.Second, // more than a poll takes
		RescueStuckJobsAfter: time.Minute,      // more than JobTimeout; otherwise a crash costs an hour
		Logger:               slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := client.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	jobID := service.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: 3 * time.Second, Job: status.Job{Status: status.Success}},
	}})
	if _, err := client.Insert(ctx, riverwait.AwaitArgs{JobID: jobID}, nil); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("verify", (<-verified).JobID == jobID)
	if err := client.Stop(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	//  -> running
	// running -> success
	// verify true
}
