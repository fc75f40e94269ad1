// Command mutation breaks the library on purpose, in one place at a time, and says
// whether the tests notice:
//
//	go run ./internal/simulation/mutation
//	go run ./internal/simulation/mutation -run 'grace|limiter' -tests ./internal/simulation
//
// The breaks are in mutations.txt. They are made in copies of the module, never in
// the module itself. The exit status is 1 if a break went unnoticed that is not known
// to, or could not be made.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

//go:embed mutations.txt
var list string

func main() {
	only := flag.String("run", "", "a regular expression: only breaks whose title matches")
	tests := flag.String("tests", "", "packages, separated by commas: run their tests only (default: those of the broken package, the simulation's, then all)")
	workers := flag.Int("workers", 1, "how many copies of the module to work in at a time")
	flag.Parse()
	if err := run(*only, *tests, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(only, tests string, workers int) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	mutations, err := parse(list)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	work := make(chan mutation)
	results := make(chan result)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for m := range work {
				results <- try(root, m, tests)
			}
		})
	}
	go func() {
		for _, m := range mutations {
			if match.MatchString(m.title) {
				work <- m
			}
		}
		close(work)
		group.Wait()
		close(results)
	}()

	counts := map[string]int{}
	for r := range results {
		counts[r.verdict]++
		fmt.Printf("%-9s %3.0f s  %-22s %s%s\n", r.verdict, r.took.Seconds(), r.file, r.title, r.detail)
	}
	fmt.Printf("%d caught, %d survived, %d known to survive, %d broken\n",
		counts[caught], counts[survived], counts[known], counts[broken])
	if counts[survived]+counts[broken] > 0 {
		return fmt.Errorf("%d breaks are not caught", counts[survived]+counts[broken])
	}
	return nil
}

const (
	caught   = "caught"
	survived = "SURVIVED"
	known    = "known"
	broken   = "BROKEN" // it can't be applied, or does not compile
)

type result struct {
	mutation
	verdict, detail string
	took            time.Duration
}

// try makes m in a copy of the module and runs the tests, until some fail.
func try(root string, m mutation, tests string) result {
	r := result{mutation: m, verdict: survived}
	begun := time.Now()
	dir, err := os.MkdirTemp("", "mutation")
	if err == nil {
		defer os.RemoveAll(dir)
		err = copyModule(root, dir)
	}
	if err == nil {
		err = m.apply(dir)
	}
	if err != nil {
		r.verdict, r.detail = broken, ": "+err.Error()
		return r
	}
	stages := []string{"./" + filepath.Dir(m.file), "./internal/simulation", "./..."}
	if tests != "" {
		stages = strings.Split(tests, ",")
	}
	for _, p := range stages {
		output, ok := goTest(dir, p)
		switch {
		case strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
			r.verdict, r.detail = broken, ": it does not compile:\n"+output
			return r
		case !ok:
			r.verdict, r.detail = caught, " (by "+p+": "+firstFailure(output)+")"
			r.took = time.Since(begun)
			return r
		}
	}
	if m.survives != "" {
		r.verdict, r.detail = known, ": "+m.survives
	}
	r.took = time.Since(begun)
	return r
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

func firstFailure(output string) string {
	if m := failure.FindStringSubmatch(output); m != nil {
		return m[1]
	}
	if strings.Contains(output, "panic: test timed out") {
		return "timed out"
	}
	return "it panicked"
}
