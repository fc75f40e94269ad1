package simulation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// observer applies the documented rules to the responses that a service gave. It shares only types
// with the code that it judges, keeps everything in lists, and searches them from the front.
type observer struct {
	c *Case

	// Of the job, over all lives.
	job       status.Job // as last seen, without its sub-jobs
	delivered status.Job // the same as last delivered
	known     []thing    // its sub-jobs
	loose     bool       // after a crash some of them may be missing: see alike

	// Of one wait.
	stored    bool // by Step: there is a Progress to continue from
	due       span // the next poll, by what Step stored
	began     time.Duration
	polls     int
	failures  map[string]int
	had       []change // every status delivered so far, of the job and its sub-jobs
	newAt     time.Duration
	seen      time.Duration   // the last good response; 0: none
	requestID string          // of the last good response
	final     []time.Duration // the failures since the last good response that would end the wait
	asked     [2]int          // delays since the reset of each schedule: progress, failure
	interval  span            // the last delay of progress
	took      []time.Duration // of each response
}

// change is a transition that has to be delivered.
type change struct {
	name     string // "" is the job itself
	from, to status.Status
	job      status.Job
	subs     []thing // of the job itself
}

func newObserver(c *Case) *observer {
	return &observer{c: c, job: status.Job{ID: JobID, Type: c.Options.Type}}
}

// begin begins a wait, from what is known.
func (o *observer) begin(now time.Duration) {
	fresh := observer{
		c: o.c, job: o.job, delivered: o.delivered, known: o.known, loose: o.loose,
		began: now, newAt: now, failures: map[string]int{},
	}
	for _, t := range append([]thing{{job: fresh.job}}, fresh.known...) {
		if t.job.Status != "" {
			fresh.had = append(fresh.had, change{name: t.name, to: t.job.Status})
		}
	}
	*o = fresh
}

// crash forgets what was not delivered.
func (o *observer) crash() {
	o.job, o.loose = o.delivered, true
	o.job.ID, o.job.Type = JobID, cmp.Or(o.delivered.Type, o.c.Options.Type)
	o.known = slices.DeleteFunc(o.known, func(t thing) bool { return !t.isDelivered })
	for i := range o.known {
		o.known[i].job = o.known[i].delivered
	}
}

// keep passes all that is known on to the next wait, whether it was delivered or not.
func (o *observer) keep() {
	o.delivered = o.job
	for i := range o.known {
		o.known[i].delivered, o.known[i].isDelivered = o.known[i].job, true
	}
}

// deliver notes what was delivered.
func (o *observer) deliver(changes []change) {
	for _, ch := range changes {
		if ch.name == "" {
			o.delivered = ch.job
			o.delivered.SubJobs = nil
			continue
		}
		i := slices.IndexFunc(o.known, func(t thing) bool { return t.name == ch.name })
		o.known[i].delivered, o.known[i].isDelivered = ch.job, true
	}
}

// clone is for a poll that will be forgotten.
func (o *observer) clone() observer {
	c := *o
	c.known, c.had, c.final, c.took = slices.Clone(o.known), slices.Clone(o.had), slices.Clone(o.final), slices.Clone(o.took)
	c.failures = maps.Clone(o.failures)
	return c
}

// snapshot returns the job with its sub-jobs, as seen or as delivered, and the sub-jobs by name.
func (o *observer) snapshot(delivered bool) (job status.Job, subs []thing) {
	job = o.job
	if delivered {
		job = o.delivered
	}
	for _, t := range o.known {
		if delivered && !t.isDelivered {
			continue
		}
		if delivered {
			t.job = t.delivered
		}
		job.SubJobs, subs = append(job.SubJobs, t.job), append(subs, t)
	}
	return job, subs
}

// outcome returns how the job ended, "" if it has not.
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

// good takes a good response. It returns what has to be delivered, and how that ends the wait.
func (o *observer) good(p *Poll) (changes []change, progress bool, end End) {
	a, now := &p.Response, p.End
	was := o.job
	o.job = a.Job
	o.job.ID, o.job.Type, o.job.SubJobs = JobID, cmp.Or(a.Job.Type, was.Type), nil
	o.job.Status = lower(a.Job.Status)
	var own, subs []change
	response := named(a.Job.SubJobs)
	for i := range response {
		t := &response[i]
		old, _ := lookup(o.known, t.name)
		if t.job.Status = lower(t.job.Status); t.job.Status == "" {
			t.job.Status = old.job.Status // left out, so the rest is as it was where it is missing
			t.job.BeginTime, t.job.EndTime = cmp.Or(t.job.BeginTime, old.job.BeginTime), cmp.Or(t.job.EndTime, old.job.EndTime)
			t.job.ErrorCode, t.job.FailReason = cmp.Or(t.job.ErrorCode, old.job.ErrorCode), cmp.Or(t.job.FailReason, old.job.FailReason)
		}
		if t.delivered, t.isDelivered = old.delivered, old.isDelivered; old.job.Status != t.job.Status {
			subs = append(subs, change{t.name, old.job.Status, t.job.Status, t.job, nil})
		}
	}
	for _, old := range o.known {
		if _, ok := lookup(response, old.name); !ok {
			response = append(response, old)
		}
	}
	o.known = response
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
	o.seen, o.requestID, o.final = now, p.RequestID, nil
	if end = o.outcome(); end == "" && o.c.Options.Stall > 0 && now-o.newAt >= o.c.Options.Stall {
		end = Stalled
	}
	return changes, progress, end
}

// failed takes a failed poll. It returns how that ends the wait; otherwise the bounds of the sleep
// before the next poll.
func (o *observer) failed(a *Response, late bool, now time.Duration) (atLeast span, atMost time.Duration, end End) {
	k, isKind := kinds[a.Kind]
	if late || !isKind {
		k = kind{counts: "timeout"}
	} else {
		atLeast = exactly(min(a.RetryAfter, 2*time.Minute))
	}
	o.failures[k.counts]++
	verdict, overruled := k.means, false
	if code := k.rule.Status; k.responded && !late {
		if code == 0 {
			code = 200
		}
		if v, ok := o.c.Options.Overrule[code]; ok {
			verdict, overruled = v, true
		}
	}
	graceLeft := o.began + o.c.Options.Grace - now
	switch {
	case verdict == poller.Unauthorized:
		return span{}, 0, Unauthorized
	case verdict == poller.Throttled:
		return atLeast.atLeast(o.interval), 0, ""
	case (verdict == poller.NotFound || verdict == poller.Permanent) && o.job.Status != "":
		o.final = append(o.final, now)
		since := now - o.final[0]
		if since >= time.Second && verdict == poller.NotFound {
			return span{}, 0, Disappeared
		}
		if since >= time.Second {
			return span{}, 0, Permanent
		}
		atLeast = atLeast.atLeast(exactly(time.Second - since))
	case verdict == poller.Permanent:
		return span{}, 0, Permanent
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
