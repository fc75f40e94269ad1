// Command simulate waits for jobs that never were: see package simulation.
//
//	go run ./internal/simulation/simulate -tier pure -seeds 1000000
//	go run ./internal/simulation/simulate -tier http -seeds 50000
//	go run ./internal/simulation/simulate -tier http -seed 4711
//
// The last replays one seed: it prints what was drawn and what became of it. The exit
// status is 1 if a seed failed; each is printed with the command that replays it, and
// with the shortest case that was found to fail alike.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/sfsturbo/waiter/internal/simulation"
)

func main() {
	tier := flag.String("tier", simulation.PureTier, "pure: internal/follow alone; http: the real waiter over the real stack")
	seeds := flag.Uint64("seeds", 20_000, "how many")
	from := flag.Uint64("from", 0, "the first of them")
	workers := flag.Int("workers", runtime.NumCPU(), "how many at a time")
	seed := flag.Int64("seed", -1, "replay this one")
	flag.Parse()

	simulate := func(run simulation.Tier) (ok bool) {
		if *seed >= 0 {
			return replay(*tier, run, uint64(*seed))
		}
		begun := time.Now()
		result := simulation.Sail(*tier, run, *from, *from+*seeds, *workers, func(report string) { fmt.Println(report) })
		fmt.Printf("%s tier, %v on %d workers: %v\n", *tier, time.Since(begun).Round(time.Second), *workers, result)
		return len(result.Failed) == 0
	}
	switch {
	case flag.NArg() > 0:
		fmt.Fprintf(os.Stderr, "simulate: what is %q? It takes flags only: see -help\n", flag.Arg(0))
		os.Exit(2)
	case *tier == simulation.PureTier:
		if !simulate(simulation.Pure) {
			os.Exit(1)
		}
	case *tier == simulation.HTTPTier:
		inTest(func(t *testing.T) {
			if !simulate(simulation.HTTP(t)) {
				t.Fail()
			}
		})
	default:
		fmt.Fprintf(os.Stderr, "simulate: there is no tier %q: it is pure or http\n", *tier)
		os.Exit(2)
	}
}

// inTest runs f as a test, since only those have bubbles of virtual time, and exits.
func inTest(f func(t *testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "simulate", F: f}}, nil, nil)
}

func replay(tier string, run simulation.Tier, seed uint64) (ok bool) {
	c := simulation.Draw(tier, seed)
	trace := run(&c)
	fmt.Printf("seed %d of the %s tier\n%v  what became of it:\n%v", seed, tier, c, trace)
	found := simulation.Check(&c, trace)
	if len(found) == 0 {
		fmt.Println("nothing is wrong")
		return true
	}
	fmt.Println(simulation.Report(&c, tier, run, found))
	return false
}
