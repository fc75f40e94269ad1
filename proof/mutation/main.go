// Command mutation breaks the library on purpose, in one place at a time, and reports
// whether the tests notice:
//
//	cd proof/mutation
//	go run .
//	go run . -run 'grace|limiter' -tests ./internal/follow,./proof/simulation
//
// The breaks are in mutations.txt. No file of the repository is changed: go test's -overlay has the
// compiler read the broken text instead. The same tests have to pass without a break first.
//
// The exit status is 1 if a break survived that is not known to, or could not be judged, or if the
// command was interrupted; it then reports how far it came. It is 2 if a flag is invalid.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

//go:embed mutations.txt
var list string

func main() {
	only := flag.String("run", "", "a regular expression: only breaks whose titles match")
	tests := flag.String("tests", "", "directories of packages relative to the repository's root, separated by commas: run only their tests "+
		"(default: the broken package, the simulation, the root package, then the whole root module)")
	workers := flag.Int("workers", 1, "how many breaks to try at a time")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		fmt.Fprintf(os.Stderr, "mutation: what is %q? There are only flags: see -help\n", flag.Arg(0))
		os.Exit(2)
	case *workers < 1:
		fmt.Fprintf(os.Stderr, "mutation: -workers %d: it takes at least one\n", *workers)
		os.Exit(2)
	}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C waits for nothing
	// A closed pipe, as with head, ends it too. This is never stopped: later output must not kill
	// the command.
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGPIPE)
	if err := run(ctx, os.Stdout, list, *only, *tests, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, list, only, tests string, workers int) error {
	mutations, err := choose(list, only)
	if err != nil {
		return err
	}
	root, err := repository()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	r := runner{root, scratch, tests, map[string]time.Duration{}}
	took, err := r.measure(ctx, mutations, workers)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted before the first break")
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "the tests passed without a break in %.0f s\n", took.Seconds())

	work := make(chan mutation)
	results := make(chan result)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range work {
				results <- r.try(ctx, m)
			}
		})
	}
	go func() {
		for _, m := range mutations {
			if ctx.Err() == nil {
				work <- m
			}
		}
		close(work)
		group.Wait()
		close(results)
	}()
	return report(ctx, out, results, len(mutations))
}

// report prints the results as they come, and then their totals.
func report(ctx context.Context, out io.Writer, results <-chan result, total int) error {
	counts, tried := map[verdict]int{}, 0
	for r := range results {
		if r.verdict == "" {
			continue
		}
		tried++
		counts[r.verdict]++
		fmt.Fprintf(out, "%-9s %3.0f s  %-22s %s%s\n", r.verdict, r.took.Seconds(), r.file, r.title, r.detail)
		if r.output != "" {
			fmt.Fprintln(out, r.output)
		}
	}
	fmt.Fprintf(out, "%d caught, %d survived, %d known to survive, %d broken\n",
		counts[caught], counts[survived], counts[known], counts[broken])
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted after %d of %d breaks", tried, total)
	}
	switch missed := counts[survived] + counts[broken]; missed {
	case 0:
		return nil
	case 1:
		return errors.New("1 break is not caught")
	default:
		return fmt.Errorf("%d breaks are not caught", missed)
	}
}
