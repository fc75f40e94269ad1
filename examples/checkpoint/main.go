// Command checkpoint waits for a job and, whenever it is stopped, goes on from there the next time
// it runs. It stores a checkpoint in a file after each transition that it delivers. Killed at any
// moment, or on a full disk, it loses no transition, and delivers at most one again: the one that
// it did not store.
//
//	go run ./examples/checkpoint                  # demonstrates that on a built-in service
//	go run ./examples/checkpoint <job id> <file>  # on the service that the environment names
//
// The exit status is 0 if the job succeeded and 1 if it failed. It is 2 if its end was not seen, or
// was not stored: fix what the message says, and run the program again.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	err := errors.New("usage: checkpoint <job id> <file>")
	switch len(os.Args) {
	case 1:
		err = demonstrate(ctx, os.Stdout)
	case 3:
		err = run(ctx, os.Args[1], os.Args[2])
	}
	switch {
	case err == nil:
	case errors.Is(err, waiter.ErrJobFailed):
		fmt.Fprintln(os.Stderr, "checkpoint:", err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "checkpoint:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, jobID, file string) error {
	client, err := poller.FromEnv()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	return await(ctx, w, jobID, file, os.Stdout)
}

// await waits for the job, from the checkpoint in the file if there is one, and delivers each
// transition to out. One process at a time may use the file. The program that submits the job has
// to store its id: without that there is nothing to go on with.
func await(ctx context.Context, w *waiter.Waiter, jobID, file string, out io.Writer) error {
	checkpoint, err := load(file)
	if err != nil {
		return fmt.Errorf("job %s: %w", jobID, err)
	}
	_, err = w.Wait(ctx, jobID, waiter.From(checkpoint),
		waiter.WithCheckpoints(func(_ context.Context, checkpoint status.Job, t status.Transition) error {
			// First deliver, then store: a crash between the two delivers the transition again. The
			// other way round it would be lost. To deliver exactly once, do both in one transaction.
			if _, err := fmt.Fprintln(out, t); err != nil {
				return err
			}
			return save(file, checkpoint)
		}))
	return err
}

// load returns the checkpoint in the file; a zero one if there is no file yet.
func load(file string) (checkpoint status.Job, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint, nil
	}
	if err != nil {
		return checkpoint, err
	}
	if err := json.Unmarshal(data, &checkpoint); err != nil {
		return checkpoint, fmt.Errorf("%s holds no checkpoint: %w. Remove it to begin again", file, err)
	}
	return checkpoint, nil
}

// save stores the checkpoint in one durable piece: whatever happens, the file holds the old
// checkpoint or the new one, and once save has returned nil the new one, even if the power fails.
func save(file string, checkpoint status.Job) error {
	data, err := json.Marshal(checkpoint)
	if err != nil {
		return err
	}
	if err := write(file+".new", data); err != nil {
		_ = os.Remove(file + ".new") // do not fill the disk further
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func write(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // some file systems report a full disk only here
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a rename in the directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // which cannot sync a directory
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
