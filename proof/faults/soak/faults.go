package main

import (
	"slices"
	"strings"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// faults are what a poll may get in the service's place: every kind that a wait has to
// outlast. Those that it rightly ends at (403, a redirect, ...) are no part of a soak.
// A fault that is seldom befalls a job once: a second 404 is the end of it, and so is a
// second 401 in one poll.
var faults = []struct {
	name   string
	seldom bool
	pollertest.Rule
}{
	{name: "400 internal error", Rule: pollertest.Rule{Status: 400, Code: "SFS.TURBO.0005"}},
	{name: "401", Rule: pollertest.Rule{Status: 401}, seldom: true},
	{name: "404", Rule: pollertest.Rule{Status: 404}, seldom: true},
	{name: "408", Rule: pollertest.Rule{Status: 408, Body: pollertest.Empty}},
	{name: "425", Rule: pollertest.Rule{Status: 425, Body: pollertest.Bare}},
	{name: "429", Rule: pollertest.Rule{Status: 429}},
	{name: "429 Retry-After", Rule: pollertest.Rule{Status: 429, RetryAfter: "1"}},
	{name: "500", Rule: pollertest.Rule{Status: 500, Body: pollertest.ServiceSnake}},
	{name: "502 HTML", Rule: pollertest.Rule{Status: 502, Body: pollertest.HTML}},
	{name: "503 Retry-After", Rule: pollertest.Rule{Status: 503, RetryAfter: "1"}},
	{name: "504", Rule: pollertest.Rule{Status: 504, Body: pollertest.IAM}},
	{name: "200 HTML", Rule: pollertest.Rule{Body: pollertest.HTML}},
	{name: "200 empty", Rule: pollertest.Rule{Body: pollertest.Empty}},
	{name: "200 no object", Rule: pollertest.Rule{Raw: "[]"}},
	{name: "202", Rule: pollertest.Rule{Status: 202, Raw: `{"status": "success"}`}},
	{name: "truncated", Rule: pollertest.Rule{Raw: success, Break: pollertest.Truncate, After: 20}},
	{name: "cut", Rule: pollertest.Rule{Raw: success, Break: pollertest.Cut}},
	{name: "reset", Rule: pollertest.Rule{Raw: success, Break: pollertest.Reset}},
	{name: "reset in the body", Rule: pollertest.Rule{Raw: success, Break: pollertest.Reset, After: 20}},
	{name: "hang", Rule: pollertest.Rule{Raw: success, Break: pollertest.Hang}},
	{name: "hang in the body", Rule: pollertest.Rule{Raw: success, Break: pollertest.Hang, After: 20}},
}

// success is an answer that never comes whole, and would be a lie if it did.
const success = `{"status": "success", "job_type": "bind_ldap", "sub_jobs": []}`

// edits are what may be wrong with an answer that the service gives itself. The first
// three are good answers all the same.
var edits = []struct {
	name string
	edit func(*status.Job)
}{
	{"upper case", func(j *status.Job) { j.Status = status.Status(strings.ToUpper(string(j.Status))) }},
	{"sub-jobs reordered", func(j *status.Job) { slices.Reverse(j.SubJobs) }},
	{"sub-jobs lost", func(j *status.Job) {
		if !j.Status.Terminal() { // what happened since could never be told
			j.SubJobs = nil
		}
	}},
	{"another job's", func(j *status.Job) { j.ID = "another" }},
	{"no status", func(j *status.Job) { j.Status = "" }},
}
