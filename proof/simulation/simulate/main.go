// Command simulate waits for jobs that never were: see package simulation.
//
//	go run ./simulate -tier pure -seeds 1000000
//	go run ./simulate -tier http -seeds 50000
//	go run ./simulate -tier http -seed 4711
//
// The last replays one seed: it prints what was drawn and what became of it. Ctrl-C
// ends a run with a report of the seeds so far. The exit status is 1 if a seed failed
// or not all ran; each that fails is printed with the command that replays it, and with
// the shortest case that was found to fail alike. It is 2 if a flag is wrong, and also if
// a case hangs, or panics on a goroutine of its own, which ends the command.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/sfsturbo/waiter/proof/simulation"
)

func main() {
	s, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(2)
	case s.tier == simulation.PureTier:
		if !s.simulate(simulation.Pure) {
			os.Exit(1)
		}
	default:
		inTest(func(t *testing.T) {
			if !s.simulate(simulation.HTTP(t)) {
				t.Fail()
			}
		})
	}
}

type settings struct {
	tier        string
	from, until uint64
	workers     int
	replay      bool // the seed from
}

func parse(args []string) (settings, error) {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	tier := flags.String("tier", simulation.PureTier, "pure: internal/follow alone; http: the real waiter over the real stack")
	seeds := flags.Uint64("seeds", 20_000, "how many")
	from := flags.Uint64("from", 0, "the first of them")
	workers := flags.Int("workers", runtime.NumCPU(), "how many at a time")
	seed := flags.Uint64("seed", 0, "replay this one")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	s := settings{tier: *tier, from: *from, until: *from + *seeds, workers: *workers}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.replay = given["seed"]; s.replay {
		s.from, s.until = *seed, *seed+1
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("what is %q? There are only flags: see -help", flags.Arg(0))
	case *tier != simulation.PureTier && *tier != simulation.HTTPTier:
		return s, fmt.Errorf("there is no tier %q: it is %s or %s", *tier, simulation.PureTier, simulation.HTTPTier)
	case s.replay && (given["seeds"] || given["from"] || given["workers"]):
		return s, errors.New("-seed replays one: leave out -seeds, -from and -workers")
	case *seeds < 1, *workers < 1, *workers > 256: // so many on few processors look like hangs
		return s, errors.New("-seeds is 1 or more, -workers from 1 to 256")
	case *seeds > math.MaxUint64-*from:
		return s, fmt.Errorf("there are no %d seeds from %d on", *seeds, *from)
	}
	return s, nil
}

// simulate reports whether all seeds ran, and nothing was wrong.
func (s settings) simulate(run simulation.Tier) (ok bool) {
	if s.replay {
		return replay(s.tier, run, s.from)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	campaign := simulation.Campaign{
		Name: s.tier, Tier: run, From: s.from, Until: s.until, Workers: s.workers,
		Report: func(report string) { fmt.Println(report) },
	}
	begun := time.Now()
	tally := campaign.Run(ctx)
	fmt.Printf("%s tier, %v on %d workers: %v\n", s.tier, time.Since(begun).Round(time.Second), s.workers, tally)
	all := uint64(tally.Seeds) == s.until-s.from
	if !all {
		fmt.Printf("stopped before all %d had run\n", s.until-s.from)
	}
	return len(tally.Failed) == 0 && all
}

// inTest runs f as a test, since only those have bubbles of virtual time, and exits.
func inTest(f func(t *testing.T)) {
	all := func(string, string) (bool, error) { return true, nil }
	os.Args = os.Args[:1] // the flags are no test's
	testing.Main(all, []testing.InternalTest{{Name: "simulate", F: f}}, nil, nil)
}

func replay(tier string, run simulation.Tier, seed uint64) (ok bool) {
	c := simulation.Draw(tier, seed)
	trace, found := simulation.Try(&c, tier, run)
	fmt.Printf("seed %d of the %s tier\n%v  what became of it:\n%v", seed, tier, c, trace)
	if len(found) == 0 {
		fmt.Println("nothing is wrong")
		return true
	}
	simulation.Report(context.Background(), &c, tier, run, trace, found, func(text string) { fmt.Println(text) })
	return false
}
