package simulation

import (
	"cmp"
	"maps"
	"slices"
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
	job   status.Job // as last seen, but for its sub-jobs
	told  status.Job // the same as last told
	known []thing    // its sub-jobs
	loose bool       // since a crash not all of them may be known: see alike

	// Of one wait.
	stored    bool // of Steps: there is a Progress to go on from
	began     time.Duration
	polls     int
	failures  map[string]int
	had       []change // every status told of everything
	newAt     time.Duration
	seen      time.Duration   // the last good answer; 0: none
	requestID string          // of that
	missing   []time.Duration // the 404s since the last good answer
	asked     [2]int          // each schedule since its reset: progress, failure
	interval  span            // that progress said last
	took      []time.Duration // answers
}

// change is a transition that is to be told.
type change struct {
	name     string // "" is the job itself
	from, to status.Status
	job      status.Job
	subs     []thing // of the job itself
}

func newObserver(c *Case) *observer {
	return &observer{c: c, job: status.Job{ID: JobID, Type: c.Options.Type}}
}

// begin begins a wait, from what is known. A Step goes on as it was.
func (o *observer) begin(now time.Duration) {
	fresh := observer{
		c: o.c, job: o.job, told: o.told, known: o.known, loose: o.loose,
		began: now, newAt: now, failures: map[string]int{},
	}
	for _, t := range append([]thing{{job: fresh.job}}, fresh.known...) {
		if t.job.Status != "" {
			fresh.had = append(fresh.had, change{name: t.name, to: t.job.Status})
		}
	}
	*o = fresh
}

// crash leaves of what is known what was told.
func (o *observer) crash() {
	o.job, o.loose = o.told, true
	o.job.ID, o.job.Type = JobID, cmp.Or(o.told.Type, o.c.Options.Type)
	o.known = slices.DeleteFunc(o.known, func(t thing) bool { return !t.isTold })
	for i := range o.known {
		o.known[i].job = o.known[i].told
	}
}

// keep hands all that is known on to the next wait, told or not.
func (o *observer) keep() {
	o.told = o.job
	for i := range o.known {
		o.known[i].told, o.known[i].isTold = o.known[i].job, true
	}
}

// hear notes what has been told.
func (o *observer) hear(changes []change) {
	for _, ch := range changes {
		if ch.name == "" {
			o.told = ch.job
			o.told.SubJobs = nil
			continue
		}
		i := slices.IndexFunc(o.known, func(t thing) bool { return t.name == ch.name })
		o.known[i].told, o.known[i].isTold = ch.job, true
	}
}

// clone is for a poll that is going to be forgotten.
func (o *observer) clone() observer {
	c := *o
	c.known, c.had, c.missing, c.took = slices.Clone(o.known), slices.Clone(o.had), slices.Clone(o.missing), slices.Clone(o.took)
	c.failures = maps.Clone(o.failures)
	return c
}

// snapshot is the job with its sub-jobs, as seen or as told, and those by name.
func (o *observer) snapshot(told bool) (job status.Job, subs []thing) {
	job = o.job
	if told {
		job = o.told
	}
	for _, t := range o.known {
		if told && !t.isTold {
			continue
		}
		if told {
			t.job = t.told
		}
		job.SubJobs, subs = append(job.SubJobs, t.job), append(subs, t)
	}
	return job, subs
}

// outcome is how the job has ended, "" if it has not.
func (o *observer) outcome() End {
	switch o.job.Status {
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
func (o *observer) good(p *Poll) (changes []change, progress bool, end End) {
	a, now := &p.Answer, p.End
	was := o.job
	o.job = a.Job
	o.job.ID, o.job.Type, o.job.SubJobs = JobID, cmp.Or(a.Job.Type, was.Type), nil
	o.job.Status = lower(a.Job.Status)
	var own, subs []change
	answer := named(a.Job.SubJobs)
	for i := range answer {
		t := &answer[i]
		t.job.Status = lower(t.job.Status)
		old, _ := lookup(o.known, t.name)
		if t.told, t.isTold = old.told, old.isTold; old.job.Status != t.job.Status {
			subs = append(subs, change{t.name, old.job.Status, t.job.Status, t.job, nil})
		}
	}
	for _, old := range o.known {
		if _, ok := lookup(answer, old.name); !ok {
			answer = append(answer, old)
		}
	}
	o.known = answer
	if o.job.Status != was.Status {
		job, all := o.snapshot(false)
		own = []change{{"", was.Status, o.job.Status, job, all}}
	}
	if changes = slices.Concat(own, subs); o.job.Status == "success" || o.job.Status == "failed" {
		changes = slices.Concat(subs, own)
	}

	for _, ch := range changes {
		if !slices.ContainsFunc(o.had, func(had change) bool { return had.name == ch.name && had.to == ch.to }) {
			o.had = append(o.had, ch)
			progress, o.newAt = true, now
		}
	}
	o.seen, o.requestID, o.missing = now, p.RequestID, nil
	if end = o.outcome(); end == "" && o.c.Options.Stall > 0 && now-o.newAt >= o.c.Options.Stall {
		end = Stalled
	}
	return changes, progress, end
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
	case verdict == poller.NotFound && o.job.Status != "":
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
	case k.unresolved && !overruled && o.seen == 0 && graceLeft <= 0:
		return span{}, 0, Permanent
	case k.unresolved && !overruled && o.seen == 0:
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
