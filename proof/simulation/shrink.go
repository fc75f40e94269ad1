package simulation

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Tier runs a case: [Pure], or the result of [HTTP].
type Tier func(*Case) *Trace

// The names of the tiers.
const (
	PureTier = "pure"
	HTTPTier = "http"
)

// Shrink returns the shortest case that it can find with the same mistake as found[0], with its
// trace and its violations. It removes one thing after the other, as long as that helps and ctx
// lasts. A case with the library's own schedules may go differently each time, because their delays
// are random.
//
// pgregory.net/rapid shrinks the bits that a case was drawn from. It does not know that a time may
// be halved, a life removed or an option left at its default: one planted mistake shrank to five
// polls in 1.9 s, and here to one poll in 11 ms.
func Shrink(ctx context.Context, c *Case, tier string, run Tier, trace *Trace, found []Violation) (Case, *Trace, []Violation) {
	first, best := found[0], c.Clone()
	for again := true; again; {
		again = false
		for simpler := range simplifications(best) {
			if ctx.Err() != nil {
				return best, trace, found
			}
			if !simpler.valid() {
				continue
			}
			t, f := Try(&simpler, tier, run)
			if slices.ContainsFunc(f, first.like) {
				best, trace, found, again = simpler, t, f, true
				break
			}
		}
	}
	return best, trace, found
}

// valid reports whether the case could have been drawn: the job changes in order, and each life
// ends if there is no timeout, because a hang would last for ever.
func (c *Case) valid() bool {
	endless := slices.ContainsFunc(c.Lives, func(l Life) bool { return l.Deadline == 0 && l.Cancel == 0 })
	inOrder := slices.IsSortedFunc(c.Service.States, func(a, b State) int { return cmp.Compare(a.At, b.At) })
	return c.Polls > 0 && len(c.Lives) > 0 && len(c.Service.Latency) > 0 && inOrder && (c.Options.Timeout > 0 || !endless)
}

// simplifications yields every case that is one step shorter.
func simplifications(c Case) iter.Seq[Case] {
	return func(yield func(Case) bool) {
		try := func(change func(c *Case)) bool {
			simpler := c.Clone()
			change(&simpler)
			return yield(simpler)
		}
		_ = shorter(c.Lives, func(list []Life) bool { return try(func(c *Case) { c.Lives = list }) }) &&
			shorter(c.Service.Faults, func(list []Fault) bool { return try(func(c *Case) { c.Service.Faults = list }) }) &&
			shorter(c.Service.States, func(list []State) bool { return try(func(c *Case) { c.Service.States = list }) }) &&
			shorter(c.Service.Latency, func(list []time.Duration) bool { return try(func(c *Case) { c.Service.Latency = list }) }) &&
			shorter(c.Service.Lags, func(list []time.Duration) bool { return try(func(c *Case) { c.Service.Lags = list }) }) &&
			shorter(c.Service.Jumps, func(list []Jump) bool { return try(func(c *Case) { c.Service.Jumps = list }) }) &&
			shorter(c.Options.Progress, func(list []time.Duration) bool {
				return len(list) == 0 || try(func(c *Case) { c.Options.Progress = list })
			}) &&
			shorter(c.Options.Failure, func(list []time.Duration) bool {
				return len(list) == 0 || try(func(c *Case) { c.Options.Failure = list })
			}) &&
			shorter(c.Options.Taught, func(list []time.Duration) bool { return try(func(c *Case) { c.Options.Taught = list }) }) &&
			try(func(c *Case) { c.Polls /= 2 }) && try(func(c *Case) { c.Polls-- }) &&
			plainer(c, try) && sooner(c, try)
	}
}

// shorter yields list without each half, and then without one element at a time.
func shorter[T any](list []T, yield func([]T) bool) bool {
	without := func(from, to int) bool {
		return yield(append(slices.Clone(list[:from]), list[to:]...))
	}
	if n := len(list); n > 3 && (!without(0, n/2) || !without(n/2, n)) {
		return false
	}
	for i := range list {
		if !without(i, i+1) {
			return false
		}
	}
	return true
}

// plainer resets what is set, one thing at a time.
func plainer(c Case, try func(func(*Case)) bool) bool {
	zero := func(set bool, change func(*Case)) bool { return !set || try(change) }
	o := c.Options
	ok := zero(c.Step, func(c *Case) { c.Step = false }) &&
		zero(o.Default, func(c *Case) { c.Options.Default = false }) &&
		zero(o.History, func(c *Case) { c.Options.History, c.Options.Taught = false, nil }) &&
		zero(o.Strict, func(c *Case) { c.Options.Strict = false }) &&
		zero(o.Credential != token, func(c *Case) { c.Options.Credential = token }) &&
		zero(o.Callback > 0, func(c *Case) { c.Options.Callback = 0 }) &&
		zero(o.Stall > 0, func(c *Case) { c.Options.Stall = 0 }) &&
		zero(o.Timeout != usualTimeout, func(c *Case) { c.Options.Timeout = usualTimeout }) &&
		zero(o.Grace > 0, func(c *Case) { c.Options.Grace = 0 }) &&
		zero(o.Type != "", func(c *Case) { c.Options.Type = "" }) &&
		zero(o.Limiter != nil, func(c *Case) { c.Options.Limiter = nil }) &&
		zero(o.Overrule != nil, func(c *Case) { c.Options.Overrule = nil }) &&
		zero(o.Default && len(o.Progress)+len(o.Failure) > 2, func(c *Case) { // they are not used
			c.Options.Progress, c.Options.Failure = o.Progress[:1], o.Failure[:1]
		})
	for i, f := range c.Service.Faults {
		ok = ok && zero(f.Period > 0, func(c *Case) { c.Service.Faults[i].Period = 0 }) &&
			zero(f.Slow > 0, func(c *Case) { c.Service.Faults[i].Slow = 0 }) &&
			zero(f.RetryAfter > 0, func(c *Case) { c.Service.Faults[i].RetryAfter = 0 }) &&
			zero(f.Odd != "", func(c *Case) { c.Service.Faults[i].Odd = "" }) &&
			zero(f.AsDate, func(c *Case) { c.Service.Faults[i].AsDate = false }) &&
			zero(f.From > 0, func(c *Case) { c.Service.Faults[i].From = 0 })
	}
	for i, s := range c.Service.States {
		ok = ok && zero(i > 0, func(c *Case) { // the state is there from the beginning
			c.Service.States[i-1].Job = s.Job
			c.Service.States = slices.Delete(c.Service.States, i, i+1)
		}) && zero(s.At > 0 && i == 0, func(c *Case) { c.Service.States[0].At = 0 })
		for k := range s.Job.SubJobs {
			ok = ok && try(func(c *Case) {
				c.Service.States[i].Job.SubJobs = slices.Delete(c.Service.States[i].Job.SubJobs, k, k+1)
			})
		}
	}
	for i, l := range c.Lives {
		ok = ok && zero(l.Verb != "Wait", func(c *Case) { c.Lives[i].Verb, c.Lives[i].Submit = "Wait", 0 }) &&
			zero(l.Deadline > 0, func(c *Case) { c.Lives[i].Deadline = 0 }) &&
			zero(l.Cancel > 0, func(c *Case) { c.Lives[i].Cancel = 0 }) &&
			zero(l.Crash > 0, func(c *Case) { c.Lives[i].Crash = 0 }) &&
			zero(l.CrashAt > 0, func(c *Case) { c.Lives[i].CrashAt = 0 }) &&
			zero(l.CrashAt > 1, func(c *Case) { c.Lives[i].CrashAt-- }) &&
			zero(l.Fresh, func(c *Case) { c.Lives[i].Fresh = false }) &&
			zero(l.Cause, func(c *Case) { c.Lives[i].Cause = false })
	}
	return ok
}

// sooner halves what takes long, one thing at a time. The remainder in nanoseconds stays, so that
// no two events happen at the same instant.
func sooner(c Case, try func(func(*Case)) bool) bool {
	half := func(get func(*Case) *time.Duration) bool {
		d := *get(&c)
		shorter := ceil(d/2) + d%grain
		return d < 2*time.Millisecond || try(func(c *Case) { *get(c) = shorter })
	}
	ok := true
	for i := range c.Service.States {
		ok = ok && half(func(c *Case) *time.Duration { return &c.Service.States[i].At })
	}
	for i := range c.Service.Faults {
		ok = ok && half(func(c *Case) *time.Duration { return &c.Service.Faults[i].Until }) &&
			half(func(c *Case) *time.Duration { return &c.Service.Faults[i].Slow })
	}
	for i := range c.Service.Latency {
		ok = ok && half(func(c *Case) *time.Duration { return &c.Service.Latency[i] })
	}
	for i := range c.Service.Lags {
		ok = ok && half(func(c *Case) *time.Duration { return &c.Service.Lags[i] })
	}
	for i := range c.Lives {
		ok = ok && half(func(c *Case) *time.Duration { return &c.Lives[i].Deadline }) &&
			half(func(c *Case) *time.Duration { return &c.Lives[i].Cancel }) &&
			half(func(c *Case) *time.Duration { return &c.Lives[i].Crash }) &&
			half(func(c *Case) *time.Duration { return &c.Lives[i].Gap })
	}
	return ok
}

// Report reports a case that failed: at once the violations and how to replay them, and then the
// shortest case with the same mistake, with its trace.
func Report(ctx context.Context, c *Case, tier string, run Tier, trace *Trace, found []Violation, say func(string)) {
	say(fmt.Sprintf("seed %d of the %s tier: %v\nreplay it with: %s", c.Seed, tier, found, c.Replay(tier)))
	short, trace, found := Shrink(ctx, c, tier, run, trace, found)
	say(fmt.Sprintf("seed %d, shrunk: %v\n%s  what happened:\n%s", c.Seed, found, short, trace))
}

// Replay returns the command that replays the case, to be run in proof/simulation.
func (c *Case) Replay(tier string) string {
	test := map[string]string{PureTier: "TestPure", HTTPTier: "TestHTTP"}[tier]
	return fmt.Sprintf("go test -run '^%s$' -seed %d", test, c.Seed)
}
