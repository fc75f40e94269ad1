package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// observer applies the rules, as the documentation has them, to the answers that a
// service gave. It takes nothing from the code that it judges but the types, keeps
// everything in lists, and searches them from the front.
type observer struct {
	c *Case

	// Of the job, over all lives.
	own   status.Status // as told
	typ   string
	known []thing // sub-jobs as last seen

	// Of one wait.
	stored   bool // of Steps: there is a Progress to go on from
	began    time.Duration
	polls    int
	failures map[string]int
	had      []thing // every status told of everything
	newAt    time.Duration
	seen     bool            // a good answer
	missing  []time.Duration // the 404s since the last good answer
	asked    [2]int          // each schedule since its reset: progress, failure
	interval span            // that progress said last
	took     []time.Duration // answers
}

// thing is a sub-job by its name, or the job itself by "".
type thing struct {
	name string
	job  status.Job
}

func lookup(list []thing, name string) (status.Job, bool) {
	for _, t := range list {
		if t.name == name {
			return t.job, true
		}
	}
	return status.Job{}, false
}

// named gives the sub-jobs of one answer their names: the id, else the type, and
// for the second of a name and those without one the first number that is free.
func named(subs []status.Job) []thing {
	var list []thing
	for _, sub := range subs {
		name := sub.ID
		if name == "" {
			name = sub.Type
		}
		taken := func(name string) bool {
			_, ok := lookup(list, name)
			return ok || name == ""
		}
		for n, base := 1, name; taken(name); n++ {
			if n > 1 || base == "" {
				name = fmt.Sprintf("%s#%d", base, n)
			}
		}
		list = append(list, thing{name, sub})
	}
	return list
}

// lower folds the case of the four statuses that the service documents.
func lower(s status.Status) status.Status {
	switch l := status.Status(strings.ToLower(string(s))); l {
	case "waiting", "running", "success", "failed":
		return l
	}
	return s
}

// change is a transition that is to be told.
type change struct {
	name     string
	from, to status.Status
	job      status.Job
	all      []thing // of the job itself: the sub-jobs by name
}

// begin begins a wait: anew, or from what has been told. A Step goes on as it was.
func (o *observer) begin(now time.Duration) {
	fresh := observer{c: o.c, own: o.own, typ: o.typ, known: o.known, began: now, newAt: now, failures: map[string]int{}}
	if fresh.own != "" {
		fresh.had = append(fresh.had, thing{"", status.Job{Status: fresh.own}})
	}
	for _, t := range fresh.known {
		if t.job.Status != "" {
			fresh.had = append(fresh.had, t)
		}
	}
	*o = fresh
}

// clone is for a poll that is going to be forgotten.
func (o *observer) clone() observer {
	c := *o
	c.known, c.had, c.missing, c.took = slices.Clone(o.known), slices.Clone(o.had), slices.Clone(o.missing), slices.Clone(o.took)
	c.failures = map[string]int{}
	maps.Copy(c.failures, o.failures)
	return c
}

// outcome is how the job has ended, "" if it has not.
func (o *observer) outcome() End {
	switch o.own {
	case "failed":
		return Failed
	case "success":
		for _, t := range o.known {
			if o.c.Options.Strict && t.job.Status == "failed" {
				return Failed
			}
		}
		return Success
	}
	return ""
}

// good takes in a good answer: what is to be told, and how that ends the wait.
func (o *observer) good(a *Answer, now time.Duration) (changes []change, progress bool, end End) {
	after := lower(a.Job.Status)
	ended := after == "success" || after == "failed"
	if a.Job.Type != "" {
		o.typ = a.Job.Type
	}
	var own, subs []change
	answer := named(a.Job.SubJobs)
	for i := range answer {
		answer[i].job.Status = lower(answer[i].job.Status)
		was, _ := lookup(o.known, answer[i].name)
		if is := answer[i].job; was.Status != is.Status {
			subs = append(subs, change{answer[i].name, was.Status, is.Status, is, nil})
		}
	}
	for _, old := range o.known {
		if _, ok := lookup(answer, old.name); !ok {
			answer = append(answer, old)
		}
	}
	o.known = answer
	if o.own != after {
		job := a.Job.Clone()
		job.ID, job.Type, job.Status, job.SubJobs = JobID, o.typ, after, nil
		for _, t := range answer {
			job.SubJobs = append(job.SubJobs, t.job)
		}
		own = []change{{"", o.own, after, job, answer}}
	}
	if changes = slices.Concat(own, subs); ended {
		changes = slices.Concat(subs, own)
	}
	o.own = after

	for _, ch := range changes {
		isNew := true
		for _, t := range o.had {
			if t.name == ch.name && t.job.Status == ch.to {
				isNew = false
			}
		}
		if isNew {
			o.had = append(o.had, thing{ch.name, status.Job{Status: ch.to}})
			progress, o.newAt = true, now
		}
	}
	o.seen, o.missing = true, nil
	if end = o.outcome(); end == "" && o.c.Options.Stall > 0 && now-o.newAt >= o.c.Options.Stall {
		end = Stalled
	}
	return changes, progress, end
}

// forget takes back what was not told of an answer, because of a crash.
func (o *observer) forget(before []thing, own status.Status, changes []change, told int) {
	o.known, o.own = before, own
	for _, ch := range changes[:told] {
		if ch.name == "" {
			o.own = ch.to
			continue
		}
		i := slices.IndexFunc(o.known, func(t thing) bool { return t.name == ch.name })
		if i < 0 {
			o.known = append(o.known, thing{name: ch.name})
			i = len(o.known) - 1
		}
		o.known[i].job = ch.job
	}
}

// failed takes in a failed poll: whether it ends the wait, and if not, what bounds
// the sleep before the next.
func (o *observer) failed(a *Answer, late bool, now time.Duration) (atLeast span, atMost time.Duration, end End) {
	k, isKind := kinds[a.Kind]
	if late || !isKind {
		k = kind{counts: "timeout"}
	} else {
		atLeast = exactly(min(a.RetryAfter, 2*time.Minute))
	}
	o.failures[k.counts]++
	verdict, overruled := k.means, false
	if code := k.rule.Status; k.answered && !late {
		if code == 0 {
			code = 200
		}
		if v, ok := o.c.Options.Overrule[code]; ok {
			verdict, overruled = v, true
		}
	}
	graceLeft := o.began + o.c.Options.Grace - now
	switch {
	case verdict == poller.Permanent:
		return span{}, 0, Permanent
	case verdict == poller.Unauthorized:
		return span{}, 0, Unauthorized
	case verdict == poller.Throttled:
		return atLeast.atLeast(o.interval), 0, ""
	case verdict == poller.NotFound && o.own != "":
		o.missing = append(o.missing, now)
		since := now - o.missing[0]
		if since >= time.Second {
			return span{}, 0, Disappeared
		}
		atLeast = atLeast.atLeast(exactly(time.Second - since))
	case verdict == poller.NotFound && graceLeft <= 0:
		return span{}, 0, NotFound
	case verdict == poller.NotFound:
		atMost = graceLeft
	case k.unresolved && !overruled && !o.seen && graceLeft <= 0:
		return span{}, 0, Permanent
	case k.unresolved && !overruled && !o.seen:
		atMost = graceLeft
	}
	return atLeast, atMost, ""
}

// margin is how long before the deadline the last look starts.
func (o *observer) margin() time.Duration {
	slowest := time.Duration(0)
	for i, took := range o.took {
		if i >= len(o.took)-4 {
			slowest = max(slowest, took)
		}
	}
	return slowest*3/2 + 100*time.Millisecond
}
