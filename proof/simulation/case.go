// Package simulation tests the library against randomly generated jobs. From a seed it draws a
// service with its faults, the options of a wait, and contexts and processes that end at random
// moments. It has the library wait through all that, and checks the result against an observer that
// applies the documented rules on its own.
//
// There are two tiers. [Pure] drives internal/follow alone, and its result is an exact function of
// the seed. [HTTP] runs the real waiter over the real client and server, in the virtual time of a
// testing/synctest bubble. Both run the same [Case]. [Check] reports what is wrong, and [Shrink]
// looks for the shortest case that is wrong in the same way.
//
//	cd proof/simulation
//	go test -run TestPure -seeds 1000000 -timeout 0
//	go test -run TestHTTP -http.seeds 50000 -timeout 0
//	go test -run TestHTTP -seed 4711
package simulation

import (
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// JobID is the job that every case waits for.
const JobID = "26f6b565-0000-4000-8000-0000000000aa"

// MaxPolls is the maximum number of polls in a drawn case.
const MaxPolls = 300

// Epoch is the time at which every case begins. The clock of a synctest bubble starts there.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A Case is one simulated wait: everything that will happen to it, drawn in advance, so that it can
// be printed, replayed and shrunk. All times are since [Epoch].
//
// No two events happen at the same instant, because their order would then be random; but a poll
// may begin when the one before it ends. So each kind of time has its own remainder modulo 64 ns:
// see draw.go. Two coincidences are not excluded, only improbable: the delays of the library's own
// schedules are random to the nanosecond, and a response may arrive exactly at the deadline from
// which its last look was computed.
type Case struct {
	Seed    uint64
	Service Service
	Options Options
	Step    bool   // by Step, one poll at a time; otherwise by the verb of each life
	Polls   int    // the context is canceled when the last of these begins
	Lives   []Life // in sequence: a crash, or the end of a context, begins the next
}

// Service describes the job over time, and the service's faults.
type Service struct {
	States  []State         // in order; before the first the job is unknown
	Faults  []Fault         // may overlap
	Latency []time.Duration // of the n-th poll, repeating
	Lags    []time.Duration // how far the replica behind the n-th poll lags, repeating
	Jumps   []Jump          // of the server's clock
}

// State is the job from a moment on. Without a status the job is gone.
type State struct {
	At  time.Duration
	Job status.Job
}

// Fault is something that goes wrong for a while. With a Period it alternates: it is there for one
// period, and gone for the next.
type Fault struct {
	Kind        string // a key of kinds or edits, a spelling, or another constant of response.go
	From, Until time.Duration
	Period      time.Duration
	RetryAfter  time.Duration // whole seconds; 0: none
	AsDate      bool          // Retry-After is a date on the server's clock
	Odd         string        // an invalid Retry-After instead
	Slow        time.Duration // what a "slow" fault adds to the latency
}

func (f *Fault) active(at time.Duration) bool {
	if at < f.From || at >= f.Until {
		return false
	}
	return f.Period == 0 || (at-f.From)/f.Period%2 == 0
}

// Jump is what is added to the server's clock from a moment on.
type Jump struct{ At, By time.Duration }

// Options are the options of the wait. Zero values mean the same as in the library's options.
type Options struct {
	// The schedules: the n-th delay since a reset, the last one repeating. 0 is backoff.Stop.
	Progress, Failure []time.Duration

	Default    bool            // HTTP tier: the library's own schedules instead
	History    bool            // HTTP tier: a pace.History instead of Progress, which all lives share
	Taught     []time.Duration // what it knows before: how long jobs of the same type took
	Timeout    time.Duration
	Grace      time.Duration
	Stall      time.Duration
	Strict     bool
	Type       string
	Overrule   map[int]poller.Verdict // WithClassifier: by HTTP status
	Limiter    *Limiter
	Callback   time.Duration // how long the callback takes for each transition
	Credential string        // one of credentials
}

const (
	token     = "token"
	function  = "a function's token"
	refresher = "a Refresher's token"
	password  = "a password's token"
	accessKey = "an access key's signature"
)

// credentials lists the ways to authorize requests.
var credentials = []string{token, function, refresher, password, accessKey}

// renews reports whether the credential is renewed when it is rejected.
func (o *Options) renews() bool { return o.Credential != token && o.Credential != accessKey }

func (c *Case) rules() follow.Rules {
	return follow.Rules{
		NotFoundGrace: c.Options.Grace, StallLimit: c.Options.Stall, StrictSubJobs: c.Options.Strict,
		Classify: c.Options.classify,
	}
}

func (o *Options) classify(err error, byDefault poller.Verdict) poller.Verdict {
	if e, ok := err.(*poller.Error); ok { //nolint:errorlint // not what something else wraps
		if verdict, ok := o.Overrule[e.StatusCode]; ok {
			return verdict
		}
	}
	return byDefault
}

// Limiter delays each poll, and refuses for a while.
type Limiter struct {
	Hold        time.Duration
	From, Until time.Duration // when it refuses
}

// refuses reports whether it refuses a poll that asks now.
func (l *Limiter) refuses(now, deadline time.Duration) bool {
	return now >= l.From && now < l.Until || deadline > 0 && now+l.Hold > deadline
}

// Life is one process that waits, and how it ends if the wait does not end first. Its times are
// since its beginning; 0 means never.
type Life struct {
	Verb     string        // HTTP tier: Wait, Watch, Run or WaitAll
	Submit   time.Duration // Run: how long the submit function takes
	Deadline time.Duration
	Cancel   time.Duration
	Crash    time.Duration
	CrashAt  int           // after the n-th transition; in a Step, before its Progress is stored
	Cause    bool          // the context has its own cause
	Gap      time.Duration // until the next life begins
	Fresh    bool          // Step: it begins with the job alone, not with the Progress of the life before
}

// Clone returns a copy that shares nothing with c.
func (c Case) Clone() Case {
	c.Service.States = slices.Clone(c.Service.States)
	for i := range c.Service.States {
		c.Service.States[i].Job = c.Service.States[i].Job.Clone()
	}
	c.Service.Faults = slices.Clone(c.Service.Faults)
	c.Service.Latency = slices.Clone(c.Service.Latency)
	c.Service.Lags = slices.Clone(c.Service.Lags)
	c.Service.Jumps = slices.Clone(c.Service.Jumps)
	c.Options.Progress = slices.Clone(c.Options.Progress)
	c.Options.Failure = slices.Clone(c.Options.Failure)
	c.Options.Taught = slices.Clone(c.Options.Taught)
	c.Lives = slices.Clone(c.Lives)
	return c
}
