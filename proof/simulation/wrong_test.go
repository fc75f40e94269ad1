package simulation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/proof/simulation"
	"github.com/sfsturbo/waiter/status"
)

// on runs a changed copy of the case, so that the waiter does not know all of it, and
// hands back what it did as if it had been given the case itself.
func on(change func(c *simulation.Case)) simulation.Tier {
	return func(c *simulation.Case) *simulation.Trace {
		other := c.Clone()
		change(&other)
		trace := simulation.Pure(&other)
		for _, run := range trace.Runs {
			for i := range run.Polls {
				run.Polls[i].Answer = c.Answer(run.Polls[i].N, run.Polls[i].Start)
			}
		}
		return trace
	}
}

// afterwards changes what became of the case.
func afterwards(change func(c *simulation.Case, run *simulation.Run)) simulation.Tier {
	return func(c *simulation.Case) *simulation.Trace {
		trace := simulation.Pure(c)
		for i := range trace.Runs {
			change(c, &trace.Runs[i])
		}
		return trace
	}
}

// A waiter that is wrong is found out by the check that is for it, and a case of few
// polls is left of what it did.
func TestEachCheckFindsAWrongWaiterAndShrinks(t *testing.T) {
	leaks := simulation.HTTP(t, func(inner poller.Poller) poller.Poller {
		return poller.Func(func(ctx context.Context, jobID string) (status.Job, error) {
			go time.Sleep(time.Hour)
			reply, err := inner.Poll(ctx, jobID)
			return reply.Job, err
		})
	})
	for name, wrong := range map[string]struct {
		check string
		tier  simulation.Tier
		polls int // that are left
	}{
		"loses what a sub-job ends with": {"transitions", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			for i := range slices.Backward(run.Told) {
				if run.Told[i].To == "success" && run.Told[i].IsSubJob() {
					run.Told = slices.Delete(run.Told, i, i+1)
					for k := range run.Polls {
						if run.Polls[k].Told > i {
							run.Polls[k].Told--
						}
					}
				}
			}
		}), 2},
		"tells twice after a crash": {"transitions", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if last := len(run.Polls) - 1; run.Began > 0 && len(run.Told) > 0 {
				run.Told = append(run.Told, run.Told[0])
				run.Polls[last].Told++
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
		"was seen a moment before it was": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if !run.Said.Seen.IsZero() {
				run.Said.Seen = run.Said.Seen.Add(-1)
			}
		}), 2},
		"takes a timeout for a deadline": {"outcome", afterwards(func(_ *simulation.Case, run *simulation.Run) {
			if run.End == simulation.Cancelled {
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
		"asks three times as often": {"requests", on(func(c *simulation.Case) {
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

func polls(trace *simulation.Trace) int {
	n := 0
	for _, run := range trace.Runs {
		n += len(run.Polls)
	}
	return n
}
