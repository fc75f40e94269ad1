package simulation

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
)

// Remainders modulo 64 ns. Polls begin and responses arrive at multiples of 16, or at one more than
// a multiple after the last look, whose time depends on the deadline.
const (
	grain      = 64
	offTimeout = 16 // a response never arrives exactly at the timeout
	offEnd     = 1  // deadlines
	offCancel  = 3
	offChange  = 5 // states, faults, jumps and refusals
	offCrash   = 7

	usualTimeout = 15*time.Second + offTimeout
)

// ceil returns the first multiple of grain that is not less than d.
func ceil(d time.Duration) time.Duration { return (d + grain - 1) / grain * grain }

// dice draws everything that is random in a case.
type dice struct{ *rand.Rand }

// chance returns true in this percentage of cases.
func (r dice) chance(percent int) bool { return r.IntN(100) < percent }

// between draws a duration whose logarithm is uniform: a second to a minute is as likely as a
// minute to an hour.
func (r dice) between(from, to time.Duration) time.Duration {
	d := time.Duration(float64(from) * math.Pow(float64(to)/float64(from), r.Float64()))
	return ceil(d)
}

// one draws an element of a list.
func one[T any](r dice, list ...T) T { return list[r.IntN(len(list))] }

// Draw returns the case of a seed, for the [Tier] with this name.
func Draw(tier string, seed uint64) Case {
	r := dice{rand.New(rand.NewPCG(seed, 0x5f5))}
	c := Case{Seed: seed, Polls: MaxPolls, Step: r.chance(20)}
	length := r.between(time.Second, 6*time.Hour)
	switch n := r.IntN(100); {
	case n < 50:
		length = r.between(time.Second, 10*time.Minute)
	case n < 68: // up to 14 months, in which tokens run out
		length = r.between(6*time.Hour, 10_000*time.Hour)
	}
	c.Service = drawService(r, length)
	c.Options = drawOptions(r, length)
	switch {
	case tier == PureTier: // the library's own schedules and credentials are no part of follow
		c.Options.Default, c.Options.Credential = false, one(r, token, function)
	case c.Options.Credential == accessKey && (c.Options.Overrule != nil || len(c.Service.Jumps) > 0):
		c.Options.Credential = token // a rejected key is not sent again, and its clock is the server's
	}
	crashes := 0
	if r.chance(50) {
		crashes = 1 + r.IntN(3)
	}
	for i := range crashes + 1 {
		c.Lives = append(c.Lives, drawLife(r, length, i == 0, i < crashes))
	}
	bounded := !slices.ContainsFunc(c.Lives, func(l Life) bool { return l.Deadline == 0 && l.Cancel == 0 })
	if bounded && r.chance(30) { // otherwise a hang would last for ever
		c.Options.Timeout = 0
	}
	if r.chance(15) && !c.Step {
		c.Options.Callback = r.between(time.Millisecond, length/20+time.Second)
	}
	for i := range c.Lives {
		c.Lives[i].Fresh = c.Step && i > 0 && r.chance(40)
	}
	if tier == HTTPTier && r.chance(15) {
		drawHistory(r, &c.Options, length)
	}
	return c
}

// drawHistory draws a schedule that learns. With a type its first poll would be planned too, and
// with a limiter the time of asking is only known roughly.
func drawHistory(r dice, o *Options, length time.Duration) {
	o.History, o.Default, o.Type, o.Limiter = true, false, "", nil
	around := one(r, length, r.between(time.Second, 10*length))
	for range one(r, 0, 1, 3, 30) {
		o.Taught = append(o.Taught, ceil(time.Duration(float64(around)*(0.8+0.4*r.Float64()))))
	}
}

func drawLife(r dice, length time.Duration, first, crashes bool) Life {
	l := Life{Gap: r.between(time.Millisecond, length), Verb: one(r, "Wait", "Wait", "Watch"), Cause: r.chance(50)}
	if first {
		l.Verb = one(r, "Wait", "Watch", "Run", "WaitAll")
	}
	if l.Verb == "Run" {
		l.Submit = r.between(time.Millisecond, time.Second)
	}
	begins := l.Submit
	if r.chance(20) { // it may end while the job is being submitted
		begins = 0
	}
	if r.chance(45) {
		l.Deadline = begins + r.between(50*time.Millisecond, 3*length) + offEnd
	}
	if r.chance(15) {
		l.Cancel = begins + r.between(time.Millisecond, 2*length) + offCancel
	}
	switch {
	case !crashes:
	case r.chance(60):
		l.Crash = l.Submit + r.between(time.Millisecond, length) + offCrash
	default:
		l.CrashAt = 1 + r.IntN(6)
	}
	return l
}

func drawOptions(r dice, length time.Duration) Options {
	o := Options{
		Progress: drawSchedule(r, length),
		Failure:  drawSchedule(r, length),
		Default:  r.chance(20),
		Strict:   r.chance(20),
		Grace:    10 * time.Second,
		Timeout:  usualTimeout,
	}
	o.Credential = one(r, credentials...)
	if r.chance(30) {
		o.Timeout = r.between(200*time.Millisecond, 2*time.Minute) + offTimeout
	}
	if r.chance(30) {
		o.Grace = one(r, 0, r.between(time.Millisecond, time.Hour))
	}
	if r.chance(20) {
		o.Stall = r.between(time.Second, length) + offTimeout
	}
	if r.chance(20) {
		o.Type = "bind_ldap"
	}
	if r.chance(15) {
		o.Overrule = map[int]poller.Verdict{
			one(r, 400, 401, 403, 404, 409, 429, 500, 502, 503): poller.Verdict(r.IntN(5)),
		}
	}
	if r.chance(15) && !o.Default { // otherwise the time of asking is only known roughly
		l := &Limiter{}
		if r.chance(70) {
			l.Hold = r.between(time.Millisecond, 30*time.Second)
		}
		if r.chance(50) {
			l.From = r.between(time.Second, length) + offChange
			l.Until = l.From + r.between(time.Second, min(length, 6*time.Hour)) // asked every 5 s
		}
		o.Limiter = l
	}
	return o
}

// drawSchedule draws the delays of a schedule. Few are short: a case must not use up its polls in
// the first minutes.
func drawSchedule(r dice, length time.Duration) []time.Duration {
	d := r.between(100*time.Millisecond, 3*time.Second)
	most := max(r.between(time.Second, 10*time.Minute), length/60)
	growth := 1 + 2*r.Float64()
	var list []time.Duration
	for d < most && len(list) < 40 {
		list = append(list, ceil(time.Duration(float64(d)*(0.8+0.4*r.Float64()))))
		d = time.Duration(float64(d) * growth)
	}
	list = append(list, ceil(most))
	if r.chance(3) {
		list[len(list)-1] = 0 // stops
	}
	return list
}
