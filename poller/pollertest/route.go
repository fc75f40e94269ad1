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
	Show         Call = "show"          // GET what a share is bound to
	IssueToken   Call = "issue token"   // POST to IAM
	ListProjects Call = "list projects" // GET from IAM
	ListDomains  Call = "list domains"  // GET from IAM
	ListServices Call = "list services" // GET from IAM: the catalog
)

// ofIAM reports whether IAM serves the call.
func (c Call) ofIAM() bool {
	return c == IssueToken || c == ListProjects || c == ListDomains || c == ListServices
}

// call is what a request asks for.
type call struct {
	call                Call     // "" if the path or the method is unknown
	allow               []string // the path's methods; nil if it is unknown
	project, share, job string   // unescaped
	operation           string   // on a share
	jobType             string   // of the job to start
	path                string   // below /v3/, of IAM's calls
	query               url.Values
	base                string // of the address that was asked
}

// iamCalls are IAM's paths, with the method that each has. Paths are split into segments
// before they are unescaped.
var iamCalls = map[[3]string]struct {
	call   Call
	method string
}{
	{"v3", "auth", "tokens"}:   {IssueToken, http.MethodPost},
	{"v3", "auth", "catalog"}:  {ListServices, http.MethodGet},
	{"v3", "auth", "domains"}:  {ListDomains, http.MethodGet},
	{"v3", "auth", "projects"}: {ListProjects, http.MethodGet},
	{"v3", "projects"}:         {ListProjects, http.MethodGet},
}

func route(r *http.Request) call {
	method, p := r.Method, segments(r.URL.EscapedPath())
	only := func(c call, kind Call, allowed string) call {
		if c.allow = []string{allowed}; method == allowed {
			c.call = kind
		}
		return c
	}
	if len(p) <= 3 {
		var path [3]string
		copy(path[:], p)
		if known, ok := iamCalls[path]; ok {
			c := call{path: strings.Join(p[1:], "/"), query: r.URL.Query(), base: "http://" + r.Host}
			if r.TLS != nil {
				c.base = "https://" + r.Host
			}
			return only(c, known.call, known.method)
		}
		return call{}
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
	c := call{project: p[1], share: p[4], operation: p[6]}
	c.allow = append(slices.Collect(maps.Keys(op.methods)), http.MethodGet)
	slices.Sort(c.allow)
	if c.jobType = op.methods[method].jobType; c.jobType != "" {
		c.call = Submit
	} else if method == http.MethodGet {
		c.call = Show
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
