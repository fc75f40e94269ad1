package simulation_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/proof/simulation"
)

// broken returns a Poller that panics after it has polled.
func broken(inner poller.Poller) poller.Poller {
	return poller.Func(func(ctx context.Context, jobID string) (poller.Reply, error) {
		_, _ = inner.Poll(ctx, jobID)
		panic("a mistake of ours")
	})
}

func drawVerb(t *testing.T, all bool) simulation.Case {
	t.Helper()
	for seed := range uint64(100) {
		if c := simulation.Draw(simulation.HTTPTier, seed); !c.Step && (c.Lives[0].Verb == "WaitAll") == all {
			return c
		}
	}
	t.Fatal("none was drawn")
	return simulation.Case{}
}

// stuck returns a Poller that nothing can end.
func stuck(poller.Poller) poller.Poller {
	return poller.Func(func(context.Context, string) (poller.Reply, error) { select {} })
}

// A panic is a violation like any other: it is reported with its seed, and shrunk.
func TestTryReportsAPanic(t *testing.T) {
	c := drawVerb(t, false)
	for name, tier := range map[string]simulation.Tier{
		"pure": func(*simulation.Case) *simulation.Trace { panic("a mistake of ours") },
		"http": simulation.HTTP(t, broken),
	} {
		t.Run(name, func(t *testing.T) {
			trace, found := simulation.Try(&c, name, tier)
			require.Len(t, found, 1)
			require.Equal(t, "panic", found[0].Check)
			require.Contains(t, found[0].Text, "a mistake of ours")
			require.Contains(t, found[0].Text, "try_test.go")
			var said strings.Builder
			simulation.Report(t.Context(), &c, name, tier, trace, found, func(text string) { said.WriteString(text) })
			require.Contains(t, said.String(), "replay it with: "+c.Replay(name))
			require.Contains(t, said.String(), "shrunk: ")
		})
	}
}

// What ends the process, or leaves goroutines behind that nothing can end, is reported with its
// seed too: a wait that hangs within a bubble and outside of one, and a panic on a goroutine of
// WaitAll.
func TestTryNamesTheSeedThatEndsTheProcess(t *testing.T) {
	const how = "SIMULATION_ENDS_BY"
	hang := simulation.Case{Seed: 4711}
	one, all := drawVerb(t, false), drawVerb(t, true)
	switch os.Getenv(how) {
	case "a hang":
		simulation.SetPatience(50 * time.Millisecond)
		simulation.Try(&hang, simulation.PureTier, func(*simulation.Case) *simulation.Trace { select {} })
	case "a hang in a bubble":
		tier := simulation.HTTP(t, stuck)
		trace, found := simulation.Try(&one, simulation.HTTPTier, tier)
		ctx, cancel := context.WithCancel(t.Context()) // no shrinking: each attempt leaks goroutines
		cancel()
		simulation.Report(ctx, &one, simulation.HTTPTier, tier, trace, found, func(text string) { fmt.Println(text) })
	case "a panic":
		simulation.Try(&all, simulation.HTTPTier, simulation.HTTP(t, broken))
	default:
		for end, says := range map[string][]string{
			"a hang":             {"did not end within 50ms", hang.Replay(simulation.PureTier)},
			"a hang in a bubble": {"deadlock", one.Replay(simulation.HTTPTier)},
			"a panic":            {"a mistake of ours", all.Replay(simulation.HTTPTier)},
		} {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
			child.Env = append(os.Environ(), how+"="+end)
			output, err := child.CombinedOutput()
			require.Error(t, err, end)
			for _, text := range says {
				require.Contains(t, string(output), text, end)
			}
		}
	}
}
