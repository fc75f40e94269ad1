// Package simulation proves the library by waiting for jobs that never were: from a
// seed it draws a service with its faults, the options of a wait, and contexts and
// processes that end at random moments, has the library wait through it, and checks
// what came of it against an observer that applies the documented rules by itself.
//
// There are two tiers. [Pure] drives internal/follow alone, and is an exact function
// of the seed. [HTTP] runs the real waiter over the real client and server, in the
// virtual time of a testing/synctest bubble. Both run the same [Case]; [Check] says
// what was wrong, and [Shrink] looks for the shortest case in which it still is.
//
//	cd proof/simulation
//	go test -v -run TestPure -seeds 1000000 -timeout 0
//	go test -v -run TestHTTP -http.seeds 50000 -timeout 0
//	go test -v -run TestHTTP -seed 4711
package simulation

import (
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// JobID is the job that every case awaits.
const JobID = "26f6b565-0000-4000-8000-0000000000aa"

// MaxPolls is how many polls a case that is drawn makes at most.
const MaxPolls = 300

// Epoch is when every case begins; it is where the clock of a synctest bubble stands.
var Epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A Case is one simulated wait: everything that will happen to it, drawn beforehand
// so that it can be told, replayed and shrunk. Its times are since [Epoch].
//
// No two events share an instant, since which comes first would then be chance; but a
// poll may begin as the one before it ends. So each kind of time has a remainder of
// its own when divided by 64 ns: see draw.go. Left to improbability are the delays of the
// library's own schedules, random to the nanosecond, and an answer that comes at the very
// deadline which its last look was reckoned from.
type Case struct {
	Seed    uint64
	Service Service
	Options Options
	Step    bool   // by Step, one poll at a time, else by Wait and its kin
	Polls   int    // as the last of these begins, the context is cancelled
	Lives   []Life // one after the other: a crash, or the end of a context, begins the next
}

// Service is what the job looks like, and what goes wrong on the way.
type Service struct {
	States  []State         // in order; before the first the job is not known
	Faults  []Fault         // may overlap
	Latency []time.Duration // of each poll in turn
	Lags    []time.Duration // how far behind the replica is that answers, in turn
	Jumps   []Jump          // of the server's clock
}

// State is what the job looks like from a moment on. Without a status it is gone.
type State struct {
	At  time.Duration
	Job status.Job
}

// Fault is something that goes wrong for a while; with a Period by turns: it is there
// for one period, and gone for the next.
type Fault struct {
	Kind        string // a key of kinds or edits, a spelling, or one of what else answer.go has
	From, Until time.Duration
	Period      time.Duration
	RetryAfter  time.Duration // whole seconds; 0: none
	AsDate      bool          // Retry-After comes as a date on the server's clock
	Odd         string        // instead of it: one that says nothing
	Slow        time.Duration // what a "slow" one adds to the latency
}

func (f *Fault) active(at time.Duration) bool {
	if at < f.From || at >= f.Until {
		return false
	}
	return f.Period == 0 || (at-f.From)/f.Period%2 == 0
}

// Jump is what is added to the server's clock from a moment on.
type Jump struct{ At, By time.Duration }

// Options are those of the wait. Zero values are what the library's options call none.
type Options struct {
	Progress, Failure []time.Duration // the schedules: the n-th delay since a reset; the last one again and again, 0: backoff.Stop
	Default           bool            // of the HTTP tier: the library's own schedules instead
	Timeout           time.Duration
	Grace             time.Duration
	Stall             time.Duration
	Strict            bool
	Type              string
	Overrule          map[int]poller.Verdict // WithClassifier: by HTTP status
	Limiter           *Limiter
	Listens           time.Duration // how long whoever is told takes over each transition
	Credential        string        // one of credentials
}

const (
	token     = "token"
	function  = "a function's token"
	refresher = "a Refresher's token"
	password  = "a password's token"
	accessKey = "an access key's signature"
)

// credentials are how requests may be authorised.
var credentials = []string{token, function, refresher, password, accessKey}

// renews reports whether the credential is renewed when it is rejected.
func (o *Options) renews() bool { return o.Credential != token && o.Credential != accessKey }

// Limiter holds each poll back, and refuses for a while.
type Limiter struct {
	Hold        time.Duration
	From, Until time.Duration // refuses
}

// refuses reports whether it would not let a poll pass that asks now.
func (l *Limiter) refuses(now, deadline time.Duration) bool {
	return now >= l.From && now < l.Until || deadline > 0 && now+l.Hold > deadline
}

// Life is one process that waits, and how it ends if the wait does not end before.
// Its times are since its begin; 0 means never.
type Life struct {
	Verb     string        // of the HTTP tier: Wait, Watch, Run or WaitAll
	Submit   time.Duration // Run: how long submitting takes
	Deadline time.Duration
	Cancel   time.Duration
	Crash    time.Duration
	CrashAt  int           // crashes as the n-th transition has been told; in a Step, before its Progress is stored
	Cause    bool          // the context has a cause of its own
	Gap      time.Duration // until the next life begins
}

// Clone returns a copy that can be changed on its own.
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
	c.Lives = slices.Clone(c.Lives)
	return c
}
