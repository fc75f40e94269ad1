// Command example awaits jobs in a SQLite file, and shows that a wait outlives its process: it
// starts itself as a worker, kills that with SIGKILL in the middle, and starts another one. It
// needs nothing: the file is a temporary one, the service the built-in one. It ends by itself.
//
//	go run ./example
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	_ "modernc.org/sqlite"

	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	run := demo
	if len(os.Args) == 3 { // started by demo
		run = func(ctx context.Context) error { return work(ctx, os.Args[1], os.Args[2]) }
	}
	if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// demo submits two jobs, and awaits them with a worker process that does not live long.
func demo(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "riverwait")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	service := pollertest.New()
	defer service.Close()
	endpoint, file := service.Start(), filepath.Join(folder, "jobs.sqlite")
	db, err := open(ctx, file)
	if err != nil {
		return err
	}
	defer db.Close()
	client, err := river.NewClient(riversqlite.New(db), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	fmt.Println("The jobs are in", file)
	var rows []int64
	for _, end := range []status.Job{
		{Status: status.Success},
		{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "the LDAP server does not respond"},
	} {
		id := service.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
			{After: time.Second, Job: status.Job{Status: status.Running}},
			{After: 6 * time.Second, Job: end},
		}})
		inserted, err := client.Insert(ctx, riverwait.AwaitArgs{JobID: id}, nil)
		if err != nil {
			return err
		}
		rows = append(rows, inserted.Job.ID)
	}

	first, err := start(ctx, file, endpoint)
	if err != nil {
		return err
	}
	time.Sleep(4 * time.Second)
	_ = first.Process.Kill()
	_ = first.Wait() // it was killed
	fmt.Println("The worker is dead. Another one goes on:")
	second, err := start(ctx, file, endpoint)
	if err != nil {
		return err
	}
	defer second.Wait()
	defer second.Process.Kill()
	for _, id := range rows {
		if err := report(ctx, client, id); err != nil {
			return err
		}
	}
	return nil
}

func start(ctx context.Context, file, endpoint string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	worker := exec.CommandContext(ctx, self, file, endpoint)
	worker.Stdout, worker.Stderr = os.Stdout, os.Stderr
	return worker, worker.Start()
}

// report prints what a wait has left in its River job, once that has ended.
func report(ctx context.Context, client *river.Client[*sql.Tx], id int64) error {
	for {
		row, err := client.JobGet(ctx, id)
		if err != nil {
			return err
		}
		if row.FinalizedAt == nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		output, err := riverwait.OutputOf(row)
		if err != nil {
			return err
		}
		p := output.Progress
		fmt.Printf("River job %d is %s: %s after %d polls in two processes\n", id, row.State, output.Outcome, p.Polls)
		if row.State == rivertype.JobStateCancelled {
			fmt.Println("  " + output.Error)
		}
		return nil
	}
}

// open opens the file and brings River's tables up to date.
func open(ctx context.Context, file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer
	migrator, err := rivermigrate.New(riversqlite.New(db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	return db, err
}
