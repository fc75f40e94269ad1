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
	ID   string // "" generates one: unique in this server, and the same in every run
	Type string // the job_type: "bind_ldap", ...; absent if "", but see [Server.Script]
	// Steps may be in any order. Before the first step the job is waiting. Without steps
	// it succeeds at once.
	Steps []Step
}

// Step is what a job looks like from a moment on.
type Step struct {
	After time.Duration // since the job was submitted or added
	// Job is what responses show until the next step, with exactly these sub-jobs, code and
	// reason. Empty fields are filled in: ID and Type from the script, Status from the step
	// before, BeginTime with the time at which the job stopped waiting, and EndTime with
	// the time at which it ended. To leave them out use [Rule.Edit].
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

// Add starts a job now and returns its id. The job can be polled in any project. If there
// is a job with the same id, Add replaces it. The script is copied.
func (s *Server) Add(script Script) (jobID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin(script, "", time.Now())
}

// Script sets the script for jobs of this type that submitting calls start from now on. The
// types are "bind_ldap", "update_ldap", "unbind_ldap", "add_ad_domain", "change_ad_domain"
// and "quit_ad_domain"; any other panics, because no call starts it: see [Server.Add]. Each
// call starts a new job, unless the script has an ID. A script without a Type gets this one.
// Without a script, a job waits for a second, runs for three seconds, and succeeds. The
// script is copied.
func (s *Server) Script(jobType string, script Script) {
	if !submitted(jobType) {
		panic(fmt.Sprintf("pollertest: Script: no call starts a job of the type %q", jobType))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[jobType] = script.clone()
}

var byDefault = Script{Steps: []Step{
	{After: time.Second, Job: status.Job{Status: status.Running}},
	{After: 4 * time.Second, Job: status.Job{Status: status.Success}},
}}

// job is a script that has started.
type job struct {
	Script
	project string // "" if it can be polled in any project
	began   time.Time
}

// key is equal for ids that are the same for [status.SameID].
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

func (s *Server) poll(a *response, asked call) {
	j := s.jobs[key(asked.job)]
	if j == nil || j.project != "" && j.project != asked.project {
		a.fail(http.StatusNotFound, Service, "SFS.TURBO.0019", "Invalid Job Id")
		return
	}
	seen := j.at(a.at)
	a.status, a.job = http.StatusOK, &seen
}

// at returns what the job looks like now. It shares no memory with the script.
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
