// Command history learns when to poll. It does five times what a program does that learns from its
// earlier runs: it loads the history from a file, waits for ten jobs of about three seconds, and
// saves the history. The polls move from the exponential backoff to just after the typical end.
//
//	go run ./examples/history
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func main() {
	if err := demo(); err != nil {
		log.Fatal(err)
	}
}

func demo() error {
	server := pollertest.New() // the built-in service
	defer server.Close()
	client, err := poller.New(server.Start(), "demo-project", poller.WithCredential(credential.Token("demo-token")))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return run(context.Background(), server, client, filepath.Join(dir, "history.json"), os.Stdout)
}

// run is five runs of a program. The first finds no file.
func run(ctx context.Context, server *pollertest.Server, client *poller.Client, file string, out io.Writer) error {
	for range 5 {
		history, err := load(file)
		if err != nil {
			return err
		}
		if median, p90, jobs := history.Typical("bind_ldap"); jobs == 0 {
			fmt.Fprintln(out, "The history is empty.")
		} else {
			fmt.Fprintf(out, "The history has %d jobs: the median took %.1f s, and nine of ten at most %.1f s.\n", jobs, median.Seconds(), p90.Seconds())
		}
		if err := await(ctx, server, client, history, out); err != nil {
			return err
		}
		if err := save(file, history); err != nil {
			return err
		}
	}
	return nil
}

// await waits for ten jobs, and shows when the first was polled.
func await(ctx context.Context, server *pollertest.Server, client *poller.Client, history *pace.History, out io.Writer) error {
	w, err := waiter.New(client, waiter.WithBackOff(history.BackOff), waiter.WithJobType("bind_ldap"))
	if err != nil {
		return err
	}
	begin, took := time.Now(), map[string]time.Duration{}
	var ids []string
	for range 10 {
		end := 3*time.Second + time.Duration(rand.NormFloat64()*float64(150*time.Millisecond))
		id := server.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
			{Job: status.Job{Status: status.Running}},
			{After: end, Job: status.Job{Status: status.Success}},
		}})
		ids, took[id] = append(ids, id), end
	}
	before := len(server.Requests())
	if _, err := w.WaitAll(ctx, ids); err != nil {
		return err
	}

	polls, last := server.Requests()[before:], map[string]time.Duration{}
	fmt.Fprint(out, "  one job was polled after")
	for _, poll := range polls {
		last[poll.JobID] = poll.At.Sub(begin)
		if poll.JobID == ids[0] {
			fmt.Fprintf(out, " %.1f", last[poll.JobID].Seconds())
		}
	}
	late := time.Duration(0)
	for id, end := range took {
		late += last[id] - end
	}
	fmt.Fprintf(out, " s; all jobs: %.1f polls each, and %.2f s from a job's end to the poll that saw it\n",
		float64(len(polls))/float64(len(ids)), late.Seconds()/float64(len(ids)))
	return nil
}

func load(file string) (*pace.History, error) {
	history, err := pace.NewHistory()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return history, nil
	}
	if err != nil {
		return nil, err
	}
	return history, json.Unmarshal(data, history)
}

// save replaces the file as a whole: after a crash it is the old one or the new one.
func save(file string, history *pace.History) error {
	data, err := json.Marshal(history)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
