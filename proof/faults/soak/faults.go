package main

import (
	"slices"
	"strings"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// faults are what a poll may meet instead of the service: every kind that a wait has to outlast.
// Those that end a wait (403, a redirect, ...) are no part of a soak. A fault that is seldom
// happens to a job only once, because a second 404 ends the wait, and so does a second 401 in one
// poll.
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

// success is a response that never arrives complete, and would be wrong if it did.
const success = `{"status": "success", "job_type": "bind_ldap", "sub_jobs": []}`

// edits are what may be wrong with a response of the service itself. The first three are still good
// responses.
var edits = []struct {
	name string
	edit func(*status.Job)
}{
	{"upper case", func(j *status.Job) { j.Status = status.Status(strings.ToUpper(string(j.Status))) }},
	{"sub-jobs reordered", func(j *status.Job) { slices.Reverse(j.SubJobs) }},
	{"sub-jobs lost", func(j *status.Job) {
		if !j.Status.Terminal() { // otherwise the last changes could never be delivered
			j.SubJobs = nil
		}
	}},
	{"another job's", func(j *status.Job) { j.ID = "another" }},
	{"no status", func(j *status.Job) { j.Status = "" }},
}
