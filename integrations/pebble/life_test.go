package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

// A life is a process that tracks jobs until it is killed, and writes down what happens: a line
// for each job that Track has returned for, each transition that was delivered, and each record
// that was committed.
type life struct {
	Dir, Endpoint, Diary string
	Track                []string // the jobs that no life has tracked yet
}

// line is one line of the diary. Lines are appended in one write each, which a kill does not undo.
type line struct {
	Tracked   string            `json:"tracked,omitempty"`
	Delivered *delivered        `json:"delivered,omitempty"`
	Commits   int               `json:"commits,omitempty"`   // so many records together: the lines before this one
	Committed string            `json:"committed,omitempty"` // a job
	Statuses  map[string]string `json:"statuses,omitempty"`  // what its record says was delivered
}

type delivered struct {
	Job, SubJob string
	From, To    status.Status
}

type diary struct{ *os.File }

func (d diary) write(lines ...line) {
	var text []byte
	for _, l := range lines {
		data, err := json.Marshal(l)
		check(err)
		text = append(append(text, data...), '\n')
	}
	_, err := d.Write(text)
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// live does not return.
func live(stored string) {
	var l life
	check(json.Unmarshal([]byte(stored), &l))
	file, err := os.OpenFile(l.Diary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	d := diary{file}
	journal, err := Open(l.Dir)
	check(err)
	client, err := poller.New(l.Endpoint, "a-project", poller.WithCredential(credential.Token("a-token")))
	check(err)
	w, err := waiter.New(client,
		waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second / 2) }),
		waiter.OnTransition(func(t status.Transition) {
			d.write(line{Delivered: &delivered{t.JobID, t.SubJob, t.From, t.To}})
		}))
	check(err)
	t, err := tracker.New(w, tracker.WithJournal(recorded{journal, d}), tracker.WithRate(1500, 100))
	check(err)
	go func() {
		for i, id := range l.Track {
			check(t.Track(status.Job{ID: id}))
			d.write(line{Tracked: id})
			if i%20 == 19 {
				time.Sleep(10 * time.Millisecond)
			}
		}
	}()
	check(t.Run(context.Background()))
}

// recorded is a journal whose commits are in the diary, once they have returned.
type recorded struct {
	*Journal
	diary
}

func (r recorded) Commit(records []tracker.Record) error {
	if err := r.Journal.Commit(records); err != nil {
		return err
	}
	lines := make([]line, 0, len(records))
	for _, record := range records {
		var stored struct{ Job status.Job }
		check(json.Unmarshal(record.Data, &stored))
		statuses := map[string]string{"": string(stored.Job.Status)}
		for _, sub := range stored.Job.SubJobs {
			statuses[sub.ID] = string(sub.Status)
		}
		lines = append(lines, line{Committed: strings.Clone(stored.Job.ID), Statuses: statuses})
	}
	r.write(append(lines, line{Commits: len(records)})...)
	return nil
}
