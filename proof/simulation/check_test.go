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

// told changes the last thing that was told in the first run.
func told(change func(*simulation.Run, int)) func(*simulation.Case, *simulation.Trace) {
	return func(_ *simulation.Case, trace *simulation.Trace) {
		if run := &trace.Runs[0]; len(run.Told) > 0 {
			change(run, len(run.Told)-1)
		}
	}
}

// afterCrash changes the runs that go on from what was told before one.
func afterCrash(change func(*simulation.Run)) func(*simulation.Case, *simulation.Trace) {
	return func(c *simulation.Case, trace *simulation.Trace) {
		for i := 1; i < len(trace.Runs); i++ {
			if !c.Step && trace.Runs[i-1].End == simulation.Crashed {
				change(&trace.Runs[i])
			}
		}
	}
}

// Each change of what became of a case is found by the part of a check that is for it,
// in its own words.
func TestEachPartOfACheckIsNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		says   string
		change func(*simulation.Case, *simulation.Trace)
	}{
		"polls too early": {`^pace.* is too early: `, last(func(run *simulation.Run, p *simulation.Poll) {
			if len(run.Polls) > 1 {
				p.Start--
			}
		})},
		"polls as its context has ended": {`^pace.* though the context ended at`, last(func(run *simulation.Run, p *simulation.Poll) {
			if run.End == simulation.TimedOut {
				p.Start = run.At
			}
		})},
		"polls too late":             {`^pace.* is too late: `, last(func(_ *simulation.Run, p *simulation.Poll) { p.Start++ })},
		"looks too late":             {`^last look.* is too late for it`, last(func(_ *simulation.Run, p *simulation.Poll) { p.Start++ })},
		"a poll is cut too late":     {`^pace.* ended at \S+, not with its context`, last(func(_ *simulation.Run, p *simulation.Poll) { p.End++ })},
		"a poll ends too late":       {`^pace.* ended at \S+, not at`, last(func(_ *simulation.Run, p *simulation.Poll) { p.End++ })},
		"does not poll":              {`^pace.* no poll at`, each(func(run *simulation.Run) { run.Polls = run.Polls[:max(0, len(run.Polls)-1)] })},
		"does not look":              {`^last look.* there was none at`, each(func(run *simulation.Run) { run.Polls = run.Polls[:max(0, len(run.Polls)-1)] })},
		"does not look, once more":   {`^last look.* there was none before the deadline`, each(func(run *simulation.Run) { run.Polls = nil })},
		"polls when it has ended":    {`^pace.* though the wait had ended`, last(func(run *simulation.Run, p *simulation.Poll) { run.Polls = append(run.Polls, *p) })},
		"ends too late":              {`^outcome.* at \S+, not .* at`, each(func(run *simulation.Run) { run.At++ })},
		"ends otherwise":             {`^outcome.* permanent at \S+, not`, each(func(run *simulation.Run) { run.End = simulation.Permanent })},
		"success without one":        {`^outcome.* success at \S+, which the job was not`, each(func(run *simulation.Run) { run.End = simulation.Success })},
		"failure without one":        {`^outcome.* failed at \S+, which the job was not`, each(func(run *simulation.Run) { run.End = simulation.Failed })},
		"tells of another job":       {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].JobID = "another" })},
		"tells of another sub-job":   {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].SubJob += "x" })},
		"tells of another begin":     {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].From += "x" })},
		"tells of another end":       {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].To += "x" })},
		"tells of another moment":    {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].ObservedAt = run.Told[i].ObservedAt.Add(1) })},
		"loses a reason":             {`^transitions.* was told`, told(func(run *simulation.Run, i int) { run.Told[i].Job.FailReason += "x" })},
		"tells of one thing too few": {`^transitions.* was not told`, told(func(run *simulation.Run, i int) { run.Told, run.Polls[len(run.Polls)-1].Told = run.Told[:i], i })},
		"tells when it has ended":    {`^transitions.* after the end was told`, told(func(run *simulation.Run, i int) { run.Told = append(run.Told, run.Told[i]) })},
		"loses a reason after a crash": {`^transitions.* was told`, afterCrash(func(run *simulation.Run) {
			for i := range run.Told {
				if run.Told[i].SubJob == "" {
					run.Told[i].Job.FailReason += "x"
				}
			}
		})},
		"loses a sub-job's code after a crash": {`^outcome.* the job came back as`, afterCrash(func(run *simulation.Run) {
			for i := range run.Job.SubJobs {
				run.Job.SubJobs[i].ErrorCode += "x"
			}
		})},
		"returns another job":       {`^outcome.* the job came back as`, each(func(run *simulation.Run) { run.Job.ErrorCode += "x" })},
		"began otherwise":           {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.Began = run.Said.Began.Add(1) })},
		"was seen otherwise":        {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.Seen = run.Said.Seen.Add(1) })},
		"is of another age":         {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.Age++ })},
		"names another request":     {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.RequestID += "x" })},
		"counts another poll":       {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.Polls++ })},
		"counts another failure":    {`^outcome.* it says`, each(func(run *simulation.Run) { run.Said.Failures = map[string]int{"other": 1} })},
		"ends with the wrong error": {`^outcome.*a wrong error`, each(func(run *simulation.Run) { run.Wrong = []string{"a wrong error"} })},
		"asks the server too often": {`^requests.* the server saw`, func(_ *simulation.Case, trace *simulation.Trace) { trace.Requests = 1000 }},
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

// The last look comes before the first delay is over, and the second one is shorter.
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
