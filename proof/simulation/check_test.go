package simulation_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/proof/simulation"
	"github.com/sfsturbo/waiter/status"
)

// last changes the last poll of each run that has one.
func last(change func(run *simulation.Run, p *simulation.Poll)) func(*simulation.Case, *simulation.Trace) {
	return each(func(run *simulation.Run) {
		if n := len(run.Polls); n > 0 {
			change(run, &run.Polls[n-1])
		}
	})
}

func each(change func(*simulation.Run)) func(*simulation.Case, *simulation.Trace) {
	return func(_ *simulation.Case, trace *simulation.Trace) {
		for i := range trace.Runs {
			change(&trace.Runs[i])
		}
	}
}

// delivered changes the last transition that was delivered in the first run.
func delivered(change func(*simulation.Run, int)) func(*simulation.Case, *simulation.Trace) {
	return func(_ *simulation.Case, trace *simulation.Trace) {
		if run := &trace.Runs[0]; len(run.Delivered) > 0 {
			change(run, len(run.Delivered)-1)
		}
	}
}

// afterCrash changes the runs that continue after a crash.
func afterCrash(change func(*simulation.Run)) func(*simulation.Case, *simulation.Trace) {
	return func(c *simulation.Case, trace *simulation.Trace) {
		for i := 1; i < len(trace.Runs); i++ {
			if !c.Step && trace.Runs[i-1].End == simulation.Crashed {
				change(&trace.Runs[i])
			}
		}
	}
}

// Each change of a trace is found by the check that is meant for it, with its own message.
func TestCheckFindsEachMistake(t *testing.T) {
	for name, test := range map[string]struct {
		says   string
		change func(*simulation.Case, *simulation.Trace)
	}{
		"polls too early": {`^pace.* is too early: `, last(func(run *simulation.Run, p *simulation.Poll) {
			if len(run.Polls) > 1 {
				p.Start--
			}
		})},
		"polls after its context has ended": {`^pace.* though the context ended at`, last(func(run *simulation.Run, p *simulation.Poll) {
			if run.End == simulation.TimedOut {
				p.Start = run.At
			}
		})},
		"polls too late":          {`^pace.* is too late: `, last(func(_ *simulation.Run, p *simulation.Poll) { p.Start++ })},
		"looks too late":          {`^last look.* is too late for it`, last(func(_ *simulation.Run, p *simulation.Poll) { p.Start++ })},
		"a poll is cut too late":  {`^pace.* ended at \S+, not with its context`, last(func(_ *simulation.Run, p *simulation.Poll) { p.End++ })},
		"a poll ends too late":    {`^pace.* ended at \S+, not at`, last(func(_ *simulation.Run, p *simulation.Poll) { p.End++ })},
		"does not poll":           {`^pace.* no poll at`, each(func(run *simulation.Run) { run.Polls = run.Polls[:max(0, len(run.Polls)-1)] })},
		"does not look":           {`^last look.* there was none at`, each(func(run *simulation.Run) { run.Polls = run.Polls[:max(0, len(run.Polls)-1)] })},
		"does not look at all":    {`^last look.* there was none before the deadline`, each(func(run *simulation.Run) { run.Polls = nil })},
		"polls when it has ended": {`^pace.* though the wait had ended`, last(func(run *simulation.Run, p *simulation.Poll) { run.Polls = append(run.Polls, *p) })},
		"ends too late":           {`^outcome.* at \S+, not .* at`, each(func(run *simulation.Run) { run.At++ })},
		"ends differently":        {`^outcome.* permanent at \S+, not`, each(func(run *simulation.Run) { run.End = simulation.Permanent })},
		"success without one":     {`^outcome.* success at \S+, which the job was not`, each(func(run *simulation.Run) { run.End = simulation.Success })},
		"failure without one":     {`^outcome.* failed at \S+, which the job was not`, each(func(run *simulation.Run) { run.End = simulation.Failed })},
		"costs too much": {`^cost.* good polls in`, func(c *simulation.Case, trace *simulation.Trace) {
			c.Options.History = true
			each(func(run *simulation.Run) { run.Polls = slices.Repeat(run.Polls, 200) })(c, trace)
		}},
		"delivers another job":     {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].JobID = "another" })},
		"delivers another sub-job": {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].SubJob += "x" })},
		"delivers another from":    {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].From += "x" })},
		"delivers another to":      {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].To += "x" })},
		"delivers another time":    {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].ObservedAt = run.Delivered[i].ObservedAt.Add(1) })},
		"loses a reason":           {`^transitions.* was delivered`, delivered(func(run *simulation.Run, i int) { run.Delivered[i].Job.FailReason += "x" })},
		"delivers one too few": {`^transitions.* was not delivered`, delivered(func(run *simulation.Run, i int) {
			run.Delivered, run.Polls[len(run.Polls)-1].Delivered = run.Delivered[:i], i
		})},
		"delivers after it has ended": {`^transitions.* was delivered after the end`, delivered(func(run *simulation.Run, i int) { run.Delivered = append(run.Delivered, run.Delivered[i]) })},
		"loses a reason after a crash": {`^transitions.* was delivered`, afterCrash(func(run *simulation.Run) {
			for i := range run.Delivered {
				if run.Delivered[i].SubJob == "" {
					run.Delivered[i].Job.FailReason += "x"
				}
			}
		})},
		"loses a sub-job's code after a crash": {`^outcome.* the returned job is`, afterCrash(func(run *simulation.Run) {
			for i := range run.Job.SubJobs {
				run.Job.SubJobs[i].ErrorCode += "x"
			}
		})},
		"returns another job":           {`^outcome.* the returned job is`, each(func(run *simulation.Run) { run.Job.ErrorCode += "x" })},
		"reports another beginning":     {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.Began = run.Said.Began.Add(1) })},
		"reports another last response": {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.Seen = run.Said.Seen.Add(1) })},
		"reports another age":           {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.Age++ })},
		"reports another request":       {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.RequestID += "x" })},
		"reports another poll":          {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.Polls++ })},
		"reports another failure":       {`^outcome.* it reports`, each(func(run *simulation.Run) { run.Said.Failures = map[string]int{"other": 1} })},
		"ends with the wrong error":     {`^outcome.*a wrong error`, each(func(run *simulation.Run) { run.Wrong = []string{"a wrong error"} })},
		"asks the server too often":     {`^requests.* the server saw`, func(_ *simulation.Case, trace *simulation.Trace) { trace.Requests = 1000 }},
		"asks the server too rarely": {`^requests.* the server saw`, func(_ *simulation.Case, trace *simulation.Trace) {
			if len(trace.Runs[0].Polls) > 9 {
				trace.Requests = 0
			}
		}},
		"polls more than 300 times": {`^requests.* 30\d polls$`, each(func(run *simulation.Run) {
			if len(run.Polls) > 0 {
				run.Polls = append(run.Polls, slices.Repeat(run.Polls[:1], 301-len(run.Polls))...)
			}
		})},
		"leaves a goroutine": {`^goroutines.* left behind`, func(_ *simulation.Case, trace *simulation.Trace) { trace.Leaked = "goroutine 7" }},
		"does not run":       {`^outcome.* nothing ran`, func(_ *simulation.Case, trace *simulation.Trace) { trace.Runs = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			says := regexp.MustCompile(test.says)
			for seed := range uint64(2000) {
				c := simulation.Draw(simulation.PureTier, seed)
				trace := simulation.Pure(&c)
				test.change(&c, trace)
				if slices.ContainsFunc(simulation.Check(&c, trace), func(v simulation.Violation) bool { return says.MatchString(v.String()) }) {
					return
				}
			}
			t.Fatal("no seed finds it")
		})
	}
}

// The last look comes before the first delay is over, and the second delay is shorter.
func TestCheckAllowsAScheduleThatShrinks(t *testing.T) {
	c := simulation.Case{
		Service: simulation.Service{
			States:  []simulation.State{{Job: status.Job{ID: simulation.JobID, Status: status.Waiting}}},
			Latency: []time.Duration{960 * time.Microsecond},
		},
		Options: simulation.Options{Progress: []time.Duration{120 * time.Millisecond, 80 * time.Millisecond}, Failure: []time.Duration{time.Second}, Timeout: 15*time.Second + 16},
		Polls:   simulation.MaxPolls,
		Lives:   []simulation.Life{{Verb: "Wait", Deadline: 115*time.Millisecond + 1}},
	}
	trace := simulation.Pure(&c)
	require.Len(t, trace.Runs[0].Polls, 3)
	require.Empty(t, simulation.Check(&c, trace))
}
