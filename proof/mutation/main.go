// Command mutation breaks the library on purpose, in one place at a time, and says
// whether the tests notice:
//
//	go run ./internal/simulation/mutation
//	go run ./internal/simulation/mutation -run 'grace|limiter' -tests ./internal/simulation
//
// The breaks are in mutations.txt. They are made in copies of the module, never in
// the module itself, and only after the same tests have passed on a copy without any.
// The exit status is 1 if a break went unnoticed that is not known to, or could not be
// judged, and if the command was interrupted; it then says how far it came.
// It is 2 if a flag makes no sense by itself.
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
	"regexp"
	"sync"
	"syscall"
)

//go:embed mutations.txt
var list string

func main() {
	only := flag.String("run", "", "a regular expression: only breaks whose title matches")
	tests := flag.String("tests", "", "packages, separated by commas: run their tests only (default: those of the broken package, the simulation's, then all)")
	workers := flag.Int("workers", 1, "how many copies of the module to work in at a time")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		fmt.Fprintf(os.Stderr, "mutation: what is %q? It takes flags only: see -help\n", flag.Arg(0))
		os.Exit(2)
	case *workers < 1:
		fmt.Fprintf(os.Stderr, "mutation: -workers %d: it takes one at least\n", *workers)
		os.Exit(2)
	}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
	// A pipe that nobody reads, as with head, ends it too. Never stopped: what it still says must not kill it.
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
	root, p, err := prepare(ctx, mutations, tests, workers)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted before the first break")
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "the unbroken copy passed in %.0f s\n", p.took().Seconds())

	work := make(chan mutation)
	results := make(chan result)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range work {
				results <- try(ctx, root, m, p.of(m))
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

// prepare has the tests pass on a copy without a break: those that fail there judge none.
func prepare(ctx context.Context, mutations []mutation, tests string, workers int) (root string, p plan, err error) {
	if root, err = moduleRoot(ctx); err != nil {
		return "", plan{}, err
	}
	if p, err = planFor(ctx, root, mutations, tests); err != nil {
		return "", plan{}, err
	}
	box, err := newSandbox(root)
	if err != nil {
		return "", plan{}, fmt.Errorf("no copy of the module can be made: %w", err)
	}
	defer box.remove()
	return root, p, p.measure(ctx, box, workers)
}

// choose returns the breaks in list whose title matches.
func choose(list, only string) ([]mutation, error) {
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	mutations, err := parse(list)
	if err != nil {
		return nil, err
	}
	var chosen []mutation
	for _, m := range mutations {
		if match.MatchString(m.title) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-run %q matches no title in mutations.txt", only)
	}
	return chosen, nil
}

// report prints the results as they come, and what they add up to.
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
