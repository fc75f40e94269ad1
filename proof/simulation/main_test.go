package simulation_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/proof/simulation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	seeds     = flag.Uint64("seeds", somePureSeeds, "how many seeds TestPure runs")
	httpSeeds = flag.Uint64("http.seeds", someHTTPSeeds, "how many seeds TestHTTP runs")
	from      = flag.Uint64("from", 0, "the first seed")
	replay    optional
)

func init() { //nolint:gochecknoinits // a flag that may be absent needs its own Value
	flag.Var(&replay, "seed", "replay this seed only")
}

// optional is a flag that has no default.
type optional struct {
	seed  uint64
	given bool
}

func (o *optional) String() string { return "" }

func (o *optional) Set(text string) (err error) {
	o.seed, err = strconv.ParseUint(text, 10, 64)
	o.given = true
	return err
}

// simulate runs the seeds and prints their tally, which go test shows even without -v. It fails if
// a seed fails, or if not all of them ran because of Ctrl-C or go test's -timeout. With -seed it
// only replays that seed, and ok is false.
func simulate(t *testing.T, name string, tier simulation.Tier, seeds uint64) (tally *simulation.Tally, ok bool) {
	t.Helper()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		defer cancel()
	}
	say := func(text string) { t.Error(text) }
	if replay.given {
		c := simulation.Draw(name, replay.seed)
		trace, found := simulation.Try(&c, name, tier)
		fmt.Printf("seed %d of the %s tier\n%v  what happened:\n%v", c.Seed, name, c, trace)
		if len(found) > 0 {
			simulation.Report(ctx, &c, name, tier, trace, found, say)
		}
		return nil, false
	}
	campaign := simulation.Campaign{
		Name: name, Tier: tier, From: *from, Until: *from + seeds, Workers: runtime.GOMAXPROCS(0), Report: say,
	}
	begun := time.Now()
	tally = campaign.Run(ctx)
	fmt.Printf("%s tier, %v: %v\n", name, time.Since(begun).Round(time.Second), tally)
	require.Equal(t, int(seeds), tally.Seeds, "stopped before all seeds had run")
	return tally, true
}
