package simulation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/proof/simulation"
)

// on runs a changed copy of the case, so that the waiter does not know all of it, and returns the
// trace as if it were of the case itself.
func on(change func(c *simulation.Case)) simulation.Tier {
	return func(c *simulation.Case) *simulation.Trace {
		other := c.Clone()
		change(&other)
		trace := simulation.Pure(&other)
		for _, run := range trace.Runs {
			for i := range run.Polls {
				run.Polls[i].Response = c.Response(run.Polls[i].N, run.Polls[i].Start)
			}
		}
		return trace
	}
}

// afterwards changes the trace of a case.
func afterwards(change func(c *simulation.Case, run *simulation.Run)) simulation.Tier {
	return func(c *simulation.Case) *simulation.Trace {
		trace := simulation.Pure(c)
		for i := range trace.Runs {
			change(c, &trace.Runs[i])
		}
		return trace
	}
}

// A wrong waiter is found by the check that is meant for it, and shrinks to a case of few polls.
func TestShrink(t *testing.T) {
	leaks := simulation.HTTP(t, func(inner poller.Poller) poller.Poller {
		return poller.Func(func(ctx context.Context, jobID string) (poller.Reply, error) {
			go time.Sleep(time.Hour)
			reply, err := inner.Poll(ctx, jobID)
			return reply, err
		})
	})
	for name, wrong := range map[string]struct {
		check string
		tier  simulation.Tier
		polls int // of the shrunk case
	}{
		"loses the end of a sub-job": {"transitions", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			for i := range slices.Backward(run.Delivered) {
				if run.Delivered[i].To == "success" && run.Delivered[i].IsSubJob() {
					run.Delivered = slices.Delete(run.Delivered, i, i+1)
					for k := range run.Polls {
						if run.Polls[k].Delivered > i {
							run.Polls[k].Delivered--
						}
					}
				}
			}
		}), 2},
		"delivers twice after a crash": {"transitions", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if last := len(run.Polls) - 1; run.Began > 0 && len(run.Delivered) > 0 {
				run.Delivered = append(run.Delivered, run.Delivered[0])
				run.Polls[last].Delivered++
			}
		}), 3},
		"takes failed for success": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if run.End == simulation.Failed {
				run.End = simulation.Success
			}
		}), 1},
		"loses why the job failed": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			run.Job.FailReason = ""
		}), 1},
		"reports a last response too early": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if !run.Said.Seen.IsZero() {
				run.Said.Seen = run.Said.Seen.Add(-1)
			}
		}), 2},
		"takes a timeout for a deadline": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if run.End == simulation.Canceled {
				run.End = simulation.TimedOut
			}
		}), 1},
		"forgets Retry-After": {"pace", on(func(c *simulation.Case) {
			for i := range c.Service.Faults {
				c.Service.Faults[i].RetryAfter = 0
			}
		}), 2},
		"does not look before the deadline": {"last look", on(func(c *simulation.Case) {
			for i := range c.Lives {
				if l := &c.Lives[i]; l.Deadline > 0 && (l.Cancel == 0 || l.Cancel > l.Deadline) {
					l.Cancel, l.Deadline = l.Deadline, 0
				}
			}
		}), 2},
		"polls three times as often": {"requests", on(func(c *simulation.Case) {
			for i, d := range c.Options.Progress {
				c.Options.Progress[i] = d / 3
			}
			for i, d := range c.Options.Failure {
				c.Options.Failure[i] = d / 3
			}
		}), 8},
		"leaves a goroutine": {"goroutines", leaks, 1},
	} {
		t.Run(name, func(t *testing.T) {
			isIt := func(v simulation.Violation) bool { return v.Check == wrong.check }
			for seed := range uint64(500) {
				c := simulation.Draw(simulation.PureTier, seed)
				trace, found := simulation.Try(&c, simulation.PureTier, wrong.tier)
				if !slices.ContainsFunc(found, isIt) {
					continue
				}
				found = slices.DeleteFunc(found, func(v simulation.Violation) bool { return !isIt(v) })
				short, trace, found := simulation.Shrink(t.Context(), &c, simulation.PureTier, wrong.tier, trace, found)
				require.True(t, slices.ContainsFunc(found, isIt))
				require.LessOrEqual(t, polls(trace), wrong.polls, "%v", short)
				require.LessOrEqual(t, len(short.Lives), 2, "%v", short)
				require.LessOrEqual(t, len(short.Service.Faults), 1, "%v", short)
				require.LessOrEqual(t, len(short.Service.Latency), 1, "%v", short)
				return
			}
			t.Fatal("no seed finds it")
		})
	}
}

// The shortest case has the same mistake, and not one that hides behind it.
func TestShrinkKeepsTheMistake(t *testing.T) {
	tier := func(c *simulation.Case) *simulation.Trace {
		if c.Polls > 10 {
			panic("a mistake of ours")
		}
		panic("another one")
	}
	c := drawVerb(t, false)
	trace, found := simulation.Try(&c, simulation.PureTier, tier)
	short, _, found := simulation.Shrink(t.Context(), &c, simulation.PureTier, tier, trace, found)
	require.Equal(t, 11, short.Polls)
	require.Contains(t, found[0].Text, "a mistake of ours")
}

func polls(trace *simulation.Trace) int {
	n := 0
	for _, run := range trace.Runs {
		n += len(run.Polls)
	}
	return n
}
