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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for anything
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
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	plan, err := planFor(ctx, root, mutations, tests)
	if err != nil {
		return err
	}
	unbroken := try(ctx, root, mutation{}, plan.all)
	switch unbroken.verdict {
	case survived:
		fmt.Fprintf(out, "the unbroken copy passed in %.0f s\n", unbroken.took.Seconds())
	case interrupted:
		return errors.New("interrupted before the first break")
	default:
		return fmt.Errorf("the unbroken copy does not pass, so that every break would count as caught: mend that first%s\n%s", unbroken.detail, unbroken.output)
	}

	work := make(chan mutation)
	results := make(chan result)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range work {
				results <- try(ctx, root, m, plan.of(m))
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
	counts, tried := map[string]int{}, 0
	for r := range results {
		if r.verdict == interrupted {
			continue
		}
		tried++
		counts[r.verdict]++
		fmt.Fprintf(out, "%-9s %3.0f s  %-22s %s%s\n", r.verdict, r.took.Seconds(), r.file, r.title, r.detail)
		if r.verdict == broken && r.output != "" {
			fmt.Fprintln(out, r.output)
		}
	}
	fmt.Fprintf(out, "%d caught, %d survived, %d known to survive, %d broken\n",
		counts[caught], counts[survived], counts[known], counts[broken])
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted after %d of %d breaks", tried, total)
	}
	if missed := counts[survived] + counts[broken]; missed > 0 {
		return fmt.Errorf("%d breaks are not caught", missed)
	}
	return nil
}
