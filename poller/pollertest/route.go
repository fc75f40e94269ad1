package pollertest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Call is one of the service's calls.
type Call string

// The calls that the server knows.
const (
	Poll         Call = "poll"          // GET a job
	Submit       Call = "submit"        // POST, PUT or DELETE that starts a job
	IssueToken   Call = "issue token"   // POST to IAM
	ListProjects Call = "list projects" // GET from IAM
)

// call is what a request asks for.
type call struct {
	call                Call     // "" if the path or the method is unknown
	allow               []string // the path's methods; nil if it is unknown
	project, share, job string   // unescaped
	jobType             string   // of the job to start
	accepted            int      // the status if it starts
	name                string   // of the project to list; "" is any
}

// operation is a path of a share: the type of the job that each method starts, and the
// status of the response.
type operation struct {
	jobTypes map[string]string
	accepted int
}

var operations = map[string]operation{
	"ldap": {map[string]string{
		http.MethodPost: "bind_ldap", http.MethodPut: "update_ldap", http.MethodDelete: "unbind_ldap",
	}, http.StatusOK},
	"active-directory-domain": {map[string]string{
		http.MethodPost: "add_ad_domain", http.MethodPut: "change_ad_domain", http.MethodDelete: "quit_ad_domain",
	}, http.StatusAccepted},
}

func route(method string, u *url.URL) call {
	p := segments(u.EscapedPath())
	only := func(c call, kind Call, allowed string) call {
		if c.allow = []string{allowed}; method == allowed {
			c.call = kind
		}
		return c
	}
	if slices.Equal(p, []string{"v3", "auth", "tokens"}) {
		return only(call{}, IssueToken, http.MethodPost)
	}
	if slices.Equal(p, []string{"v3", "projects"}) {
		return only(call{name: u.Query().Get("name")}, ListProjects, http.MethodGet)
	}
	if len(p) < 5 || p[0] != "v1" || p[2] != "sfs-turbo" {
		return call{}
	}
	if len(p) == 5 && p[3] == "jobs" {
		return only(call{project: p[1], job: p[4]}, Poll, http.MethodGet)
	}
	if len(p) != 7 || p[3] != "shares" || p[5] != "fs" {
		return call{}
	}
	op, ok := operations[p[6]]
	if !ok {
		return call{}
	}
	c := call{project: p[1], share: p[4], allow: slices.Sorted(maps.Keys(op.jobTypes)), accepted: op.accepted}
	if c.jobType = op.jobTypes[method]; c.jobType != "" {
		c.call = Submit
	}
	return c
}

// segments splits a path before it unescapes the parts, so that an escaped slash stays part
// of an id. It returns nil if a segment is empty.
func segments(escapedPath string) []string {
	path, ok := strings.CutPrefix(escapedPath, "/")
	if !ok {
		return nil
	}
	p := strings.Split(path, "/")
	for i := range p {
		var err error
		if p[i], err = url.PathUnescape(p[i]); err != nil || p[i] == "" {
			return nil
		}
	}
	return p
}
