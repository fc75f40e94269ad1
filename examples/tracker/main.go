// Command tracker awaits 2,000 jobs of a built-in service under one budget of 50 calls a second. It
// learns how long jobs of each type take while it waits for them.
//
//	go run ./examples/tracker # takes about a minute
//	go run ./examples/tracker -jobs 200
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

const callsPerSecond = 50

func main() {
	jobs := flag.Int("jobs", 2000, "how many jobs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	server := pollertest.New()
	err := run(ctx, server, server.Start(), nil, max(1, *jobs), os.Stdout)
	server.Close()
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, server *pollertest.Server, endpoint string, connections *http.Client, jobs int, out io.Writer) error {
	opts := []poller.Option{poller.WithCredential(credential.Token("demo-token"))}
	if connections != nil {
		opts = append(opts, poller.WithHTTPClient(connections))
	}
	client, err := poller.New(endpoint, "demo-project", opts...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	ended := submit(server, jobs)
	w, err := waiter.New(client)
	if err != nil {
		return err
	}
	history, err := pace.NewHistory()
	if err != nil {
		return err
	}
	t, err := tracker.New(w, tracker.WithRate(callsPerSecond, callsPerSecond/10), tracker.WithHistory(history))
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := make(chan error, 1)
	go func() { running <- t.Run(ctx) }()
	var list []status.Job
	for id := range ended {
		list = append(list, status.Job{ID: id})
	}
	if err := t.Track(list...); err != nil {
		return err
	}
	delays, outcomes := follow(ctx, t, ended, out)
	if ctx.Err() != nil {
		fmt.Fprintln(out, "Interrupted. The waiting has stopped, the jobs go on.")
		return nil
	}
	cancel()
	if err := <-running; err != nil {
		return err
	}
	summarize(t.Stats(), delays, outcomes, out)
	return nil
}

// follow shows the progress until all jobs have ended. It returns how long after its end each was
// seen, and how many ended how.
func follow(ctx context.Context, t *tracker.Tracker, ended map[string]time.Time, out io.Writer) (delays []time.Duration, outcomes map[string]int) {
	outcomes = map[string]int{}
	start := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var polls uint64
	for len(delays) < len(ended) {
		select {
		case <-ctx.Done():
			return delays, outcomes
		case <-ticker.C:
		}
		delays, outcomes = nil, map[string]int{}
		for s := range t.Jobs() { // Events would say at once, and could miss some
			if s.Done {
				delays = append(delays, s.LastSeen.Sub(ended[s.Job.ID]))
				outcomes[waiter.Outcome(s.Err)]++
			}
		}
		stats := t.Stats()
		fmt.Fprintf(out, "\r%4.0fs  %d of %d have ended; %d polls/s, %d in flight, %d jobs due   ",
			time.Since(start).Seconds(), len(delays), len(ended), stats.Polls-polls, stats.InFlight, stats.Due)
		polls = stats.Polls
	}
	fmt.Fprintln(out)
	return delays, outcomes
}

func summarize(stats tracker.Stats, delays []time.Duration, outcomes map[string]int, out io.Writer) {
	slices.Sort(delays)
	var sum time.Duration
	for _, d := range delays {
		sum += d
	}
	n := len(delays)
	fmt.Fprintf(out, "\n%d succeeded, %d failed, with %.1f polls a job; %d polls were refused.\n",
		outcomes["success"], outcomes["failed"], float64(stats.Polls)/float64(n), stats.Throttled)
	fmt.Fprintf(out, "From a job's end until it was seen: mean %.1f s, median %.1f s, 95 %% within %.1f s.\n",
		(sum / time.Duration(n)).Seconds(), delays[n/2].Seconds(), delays[n*95/100].Seconds())
}
