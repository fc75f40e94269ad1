package pollertest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Script is a job's life: what its status looks like as time passes.
type Script struct {
	ID   string // "" makes one up: unique in this server, and the same in every run
	Type string // the answer's job_type: "bind_ldap", ...; absent if "", but see [Server.Script]
	// Steps may stand in any order. Before the first the job is waiting. Without any
	// it succeeds at once.
	Steps []Step
}

// Step is what a job looks like from a moment on.
type Step struct {
	After time.Duration // since the job was submitted or added
	// Job is what the answers show, until the next step: its sub-jobs, code and
	// reason exactly as they stand here. Of the fields that are empty, ID and Type
	// are the script's, Status is the step's before, BeginTime is when the job
	// was first seen not to wait, and EndTime, of a job that has ended, when it did.
	// What lacks even these is a matter for [Rule.Edit].
	Job status.Job
}

func (s Script) clone() Script {
	s.Steps = slices.Clone(s.Steps)
	for i := range s.Steps {
		s.Steps[i].Job = s.Steps[i].Job.Clone()
	}
	slices.SortStableFunc(s.Steps, func(a, b Step) int { return cmp.Compare(a.After, b.After) })
	return s
}

// Add begins a job now, and returns its id. It may be asked for in any project. A
// job that has this id already is replaced, and begins anew. The script is copied.
func (s *Server) Add(script Script) (jobID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin(script, "", time.Now())
}

// Script says what submitting calls start from now on that start a job of this
// type: "bind_ldap", "update_ldap", "unbind_ldap", "add_ad_domain",
// "change_ad_domain" or "quit_ad_domain". Each call begins a job of its own, unless
// the script has an ID. A script without a Type gets this one. Without a script a
// job waits for a second, runs for three, and succeeds. The script is copied.
func (s *Server) Script(jobType string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[jobType] = script.clone()
}

var byDefault = Script{Steps: []Step{
	{After: time.Second, Job: status.Job{Status: status.Running}},
	{After: 4 * time.Second, Job: status.Job{Status: status.Success}},
}}

// job is a script that has begun.
type job struct {
	Script
	project string // "" if any may ask
	began   time.Time
}

// key is equal for ids that [status.SameID] holds to be the same.
func key(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

func (s *Server) begin(script Script, project string, now time.Time) string {
	for script.ID == "" {
		s.made++
		if id := fmt.Sprintf("26f6b565-0000-4000-8000-%012x", s.made); s.jobs[key(id)] == nil {
			script.ID = id
		}
	}
	s.jobs[key(script.ID)] = &job{script.clone(), project, now}
	return script.ID
}

func (s *Server) poll(a *answer, asked call) {
	j := s.jobs[key(asked.job)]
	if j == nil || j.project != "" && j.project != asked.project {
		a.fail(http.StatusNotFound, Service, "SFS.TURBO.0019", "Invalid Job Id")
		return
	}
	seen := j.at(a.at)
	a.status, a.job = http.StatusOK, &seen
}

// at is what the job looks like. It shares no memory with the script.
func (j *job) at(now time.Time) status.Job {
	seen := status.Job{ID: j.ID, Type: j.Type, Status: status.Waiting}
	steps := j.Steps
	if len(steps) == 0 {
		steps = []Step{{Job: status.Job{Status: status.Success}}}
	}
	for _, step := range steps {
		if step.After > now.Sub(j.began) {
			break
		}
		seen = follow(seen, step.Job, status.Timestamp(j.began.Add(step.After).UTC().Format(time.DateTime)))
	}
	seen.ID, seen.Type = cmp.Or(seen.ID, j.ID), cmp.Or(seen.Type, j.Type)
	return seen.Clone()
}

// follow fills in what next leaves out.
func follow(prev, next status.Job, at status.Timestamp) status.Job {
	next.Status = cmp.Or(next.Status, prev.Status)
	next.BeginTime = cmp.Or(next.BeginTime, prev.BeginTime)
	if next.BeginTime == "" && fold(next.Status) != status.Waiting {
		next.BeginTime = at
	}
	if ended(next) && next.EndTime == "" {
		next.EndTime = at
		if ended(prev) {
			next.EndTime = prev.EndTime
		}
	}
	return next
}

func ended(j status.Job) bool { return fold(j.Status).Terminal() }

func fold(s status.Status) status.Status { return status.Status(strings.ToLower(string(s))) }
