package pollertest

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// operation is a path of a share. Its fields are those of the official SDK's models.
type operation struct {
	methods  map[string]work
	accepted int      // the status of the response to these methods
	fields   []string // that GET shows: no password
	defaults config
	states   bool // GET shows a status, and so also what is not bound yet
}

// work is what a method starts.
type work struct {
	jobType  string
	required []string // fields of the body
}

// config is the body of a call, or what a share is bound to as GET shows it; nil if to
// nothing.
type config map[string]json.RawMessage

func (c config) has(field string) bool { return c[field] != nil && string(c[field]) != "null" }

func (c config) lacks(field string) bool {
	return !c.has(field) || string(c[field]) == `""` || string(c[field]) == "[]"
}

var domainFields = []string{"service_account", "password", "domain_name", "system_name", "dns_server"}

var operations = map[string]operation{
	"ldap": {
		methods: map[string]work{
			http.MethodPost:   {"bind_ldap", []string{"url", "base_dn"}},
			http.MethodPut:    {"update_ldap", nil},
			http.MethodDelete: {"unbind_ldap", nil},
		},
		accepted: http.StatusOK,
		fields: []string{
			"url", "base_dn", "user_dn", "filter_condition", "vpc_id", "backup_url", "schema", "search_timeout",
		},
		defaults: config{"schema": json.RawMessage(`"RFC2307"`), "search_timeout": json.RawMessage(`3`)},
	},
	"active-directory-domain": {
		methods: map[string]work{
			http.MethodPost:   {"add_ad_domain", domainFields},
			http.MethodPut:    {"change_ad_domain", domainFields},
			http.MethodDelete: {"quit_ad_domain", domainFields[:2]},
		},
		accepted: http.StatusAccepted,
		fields:   []string{"domain_name", "system_name", "dns_server", "organization_unit", "vpc_id"},
		states:   true,
	},
}

// place is where an operation works.
type place struct{ project, share, operation string }

func (c call) place() place { return place{c.project, c.share, c.operation} }

// binding is what an operation has bound a share to, and the latest job that changes it.
type binding struct {
	config, next config // before that job, and after its success
	leaves       bool   // the job unbinds
	job          string // the key of its id
}

// now returns what is bound, and the status of the latest job.
func (s *Server) now(b binding, at time.Time) (config, status.Status) {
	j := s.jobs[b.job]
	if j == nil { // there was no job
		return nil, ""
	}
	state := fold(j.at(at).Status)
	if state == status.Success {
		return b.next, state
	}
	return b.config, state
}

// change returns the binding that a call asks for, before its job starts. The job before it
// has ended.
func (s *Server) change(asked call, method string, sent config, at time.Time) binding {
	op, b := operations[asked.operation], binding{leaves: method == http.MethodDelete}
	b.config, _ = s.now(s.bound[asked.place()], at)
	if !b.leaves {
		b.next = make(config)
		maps.Copy(b.next, op.defaults)
		if method == http.MethodPut { // what it leaves out stays
			maps.Copy(b.next, b.config)
		}
		for _, field := range op.fields {
			if sent.has(field) {
				b.next[field] = sent[field]
			}
		}
	}
	return b
}

// show responds to GET of what a share is bound to.
func (s *Server) show(a *response, asked call) {
	b := s.bound[asked.place()]
	shown, job := s.now(b, a.at)
	if operations[asked.operation].states {
		shown = withState(shown, b, job)
	}
	if shown == nil {
		a.fail(http.StatusNotFound, Service, "SFS.TURBO.0002", "Cluster not found")
		return
	}
	a.status, a.body = http.StatusOK, encode(shown)
}

// withState adds the status. What is being bound, or could not be, is shown too.
func withState(shown config, b binding, job status.Status) config {
	state := "JOINING"
	switch {
	case job == status.Success:
		state = "AVAILABLE"
	case job == status.Failed:
		state = "FAILED"
	case b.leaves:
		state = "EXITING"
	}
	if shown == nil && job != status.Success {
		shown = b.next
	}
	if shown != nil {
		shown = maps.Clone(shown)
		shown["status"] = encode(state)
	}
	return shown
}
