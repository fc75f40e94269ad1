// Command checkpoint goes on after a restart. Each transition that was told is
// folded into a checkpoint in a file; the next run begins from it, so that what
// happened meanwhile is told, and nothing is told twice.
//
//	go run ./examples/checkpoint
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server := pollertest.New() // the built-in service
	defer server.Close()
	id := server.Add(bindLDAP)
	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "checkpoint")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, id+".json")

	fmt.Println("First run:")
	ctx, crash := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer crash()
	if err := await(ctx, w, id, file); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("instead of a crash: %w", err)
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	fmt.Printf("Crash. The checkpoint is\n  %s\n\n", stored)
	time.Sleep(1500 * time.Millisecond) // the job does not wait for us

	fmt.Println("Second run:")
	if err := await(context.Background(), w, id, file); err != nil {
		return err
	}
	fmt.Println("Done: the two runs together told each transition once.")
	return nil
}

// await is what each run of the program does.
func await(ctx context.Context, w *waiter.Waiter, id, file string) error {
	checkpoint := status.Job{ID: id}
	stored, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(stored, &checkpoint)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // there is none at first
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_, err = w.Wait(ctx, id, waiter.From(checkpoint), waiter.OnTransition(func(t status.Transition) {
		fmt.Printf("  %-10s  %s -> %s\n", cmp.Or(t.SubJob, "job"), cmp.Or(t.From, "new"), t.To)
		// Saved after it was told: a crash between the two tells it again. The other
		// way round it would be lost.
		checkpoint = status.Apply(checkpoint, t)
		if err := save(file, checkpoint); err != nil {
			cancel(err)
		}
	}))
	return err
}

// save replaces the file in one piece: a crash leaves the old one or the new one.
func save(file string, checkpoint status.Job) error {
	data, err := json.Marshal(checkpoint)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// bindLDAP is a job of four seconds that changes before, during and after the crash.
var bindLDAP = pollertest.Script{ID: "bind-1", Type: "bind_ldap", Steps: []pollertest.Step{
	{After: time.Second / 2, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Running}}}},
	{After: 2 * time.Second, Job: status.Job{Status: status.Running, SubJobs: []status.Job{{Type: "check_ldap", Status: status.Success}}}},
	{After: 4 * time.Second, Job: status.Job{Status: status.Success}},
}}
