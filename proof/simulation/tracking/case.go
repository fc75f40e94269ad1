// Package tracking tests tracker.Tracker against randomly generated jobs, faults, crashes and
// budgets. From a seed it draws them, has a Tracker go through them in the virtual time of a
// testing/synctest bubble, and checks what happened against an observer that knows the rules, and
// nothing of the Tracker's code.
//
//	cd proof/simulation
//	go test ./tracking -seeds 10000 -timeout 0
//	go test ./tracking -seed 4711 -v
package tracking

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// A Case is everything that happens to a Tracker, drawn in advance. All times are since it begins.
type Case struct {
	Seed        uint64
	Jobs        []Job
	Rate        float64 // polls a second; 0: no limit
	Burst       int
	Concurrency int // 0: the default
	History     bool
	Latency     time.Duration    // of a poll, at most
	Throttle    float64          // polls a second that the service serves; 0: any number
	Commit      time.Duration    // how long a commit takes
	Full        [2]time.Duration // from when until when commits fail
	Retention   time.Duration
	Lives       []Life // in sequence
	Actions     []Action
}

// A Job is what the service says of a job over time.
type Job struct {
	ID       string
	States   []State          // in order; before the first, the job is not found
	Faulty   [2]time.Duration // from when until when its polls fail
	Fault    int              // with this HTTP status
	Callback time.Duration    // how long a callback takes for each of its transitions
}

// A State is the job from a moment on.
type State struct {
	At  time.Duration
	Job status.Job
}

// A Life is a process: it ends with a crash, or with the end of its Run, after which another Run of
// the same Tracker goes on.
type Life struct {
	Until time.Duration
	Crash bool
}

// An Action is a call.
type Action struct {
	At     time.Duration
	What   string // "track", "forget" or "wait"
	Jobs   []int
	Plain  bool          // ids without dashes
	Within time.Duration // of a wait: its deadline; 0: none
}

type dice struct{ *rand.Rand }

func (r dice) chance(percent int) bool { return r.IntN(100) < percent }

// between draws a duration whose logarithm is uniform, in whole microseconds.
func (r dice) between(from, to time.Duration) time.Duration {
	return time.Duration(float64(from) * math.Pow(float64(to)/float64(from), r.Float64())).Round(time.Microsecond)
}

// horizon is when all that is drawn is over. All jobs must then end.
const horizon = 2 * time.Hour

// Draw returns the case of a seed.
func Draw(seed uint64) Case {
	r := dice{rand.New(rand.NewPCG(seed, 7))}
	c := Case{Seed: seed, Burst: 1 + r.IntN(5), Latency: r.between(time.Millisecond, 3*time.Second), Retention: 100 * time.Hour}
	length := r.between(time.Minute, horizon)
	for i := range 1 + r.IntN(25) {
		c.Jobs = append(c.Jobs, drawJob(r, i, length))
	}
	if r.chance(60) {
		c.Rate = float64(len(c.Jobs)) / r.between(500*time.Millisecond, 20*time.Second).Seconds()
	}
	if r.chance(30) {
		c.Concurrency = 1 + r.IntN(5)
	}
	if r.chance(20) {
		c.Throttle = float64(len(c.Jobs)) / r.between(5*time.Second, 30*time.Second).Seconds()
	}
	c.History = r.chance(30)
	if r.chance(60) {
		c.Commit = r.between(10*time.Microsecond, 5*time.Second)
	}
	if r.chance(15) {
		from := r.between(time.Second, length)
		c.Full = [2]time.Duration{from, from + r.between(time.Second, length)}
	}
	if r.chance(15) {
		c.Retention = r.between(time.Second, length)
	}
	at := time.Duration(0)
	for range r.IntN(4) {
		at += r.between(time.Second, length)
		c.Lives = append(c.Lives, Life{at, r.chance(65)})
	}
	c.drawActions(r, length)
	return c
}

func drawJob(r dice, n int, length time.Duration) Job {
	j := Job{ID: fmt.Sprintf("26f6b565-%04d-4000-8000-0000000000aa", n)}
	statuses := []status.Status{status.Waiting, status.Running}
	subs := r.IntN(4)
	at := time.Duration(0)
	if r.chance(20) {
		at = r.between(time.Millisecond, 20*time.Second) // longer than the grace, sometimes
	}
	now := status.Job{ID: j.ID, Type: []string{"bind_ldap", "create_dir"}[r.IntN(2)]}
	for i := range subs {
		now.SubJobs = append(now.SubJobs, status.Job{ID: fmt.Sprint("s", i), Status: status.Waiting})
	}
	for _, s := range append(statuses[r.IntN(2):], []status.Status{status.Success, status.Failed}[r.IntN(10)/9]) {
		for i := range subs {
			if now = now.Clone(); r.chance(60) || s.Terminal() {
				now.SubJobs[i].Status = s
			}
		}
		now.Status = s
		j.States = append(j.States, State{at, now})
		at += r.between(10*time.Millisecond, length)
	}
	if r.chance(25) {
		from := r.between(time.Second, length)
		j.Faulty = [2]time.Duration{from, from + r.between(time.Second, length)}
		j.Fault = []int{503, 500, 429, 404, 401}[r.IntN(5)]
	}
	if r.chance(20) {
		j.Callback = r.between(time.Millisecond, length)
	}
	return j
}

func (c *Case) drawActions(r dice, length time.Duration) {
	some := func() (list []int) {
		for range 1 + r.IntN(4) {
			list = append(list, r.IntN(len(c.Jobs)))
		}
		return list
	}
	all := make([]int, len(c.Jobs))
	for i := range all {
		all[i] = i
	}
	c.Actions = append(c.Actions, Action{What: "track", Jobs: all})
	for range r.IntN(12) {
		a := Action{At: r.between(time.Millisecond, length), What: []string{"track", "forget", "wait", "wait"}[r.IntN(4)], Jobs: some(), Plain: r.chance(30)}
		if a.What == "wait" && r.chance(80) {
			a.Within = r.between(time.Second, length)
		}
		c.Actions = append(c.Actions, a)
	}
}
