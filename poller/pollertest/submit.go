package pollertest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// submitted reports whether a call starts jobs of this type.
func submitted(jobType string) bool {
	for _, op := range operations {
		for _, w := range op.methods {
			if w.jobType == jobType {
				return true
			}
		}
	}
	return false
}

// submit starts a job. Of the body it checks only that it is an object with the required
// fields: whether an LDAP server or a domain exists is for the job to find out.
func (s *Server) submit(a *response, q *Request, asked call, body []byte) {
	op := operations[asked.operation]
	var sent config
	err := json.Unmarshal(body, &sent)
	noObject := (err != nil || sent == nil) && q.Method != http.MethodDelete
	if noObject || slices.ContainsFunc(op.methods[q.Method].required, sent.lacks) {
		a.fail(http.StatusBadRequest, Service, "SFS.TURBO.0001", "parameter error")
		return
	}
	share := asked.project + "/" + asked.share
	if j := s.jobs[s.busy[share]]; j != nil && !ended(j.at(a.at)) {
		a.fail(http.StatusBadRequest, Service, "SFS.TURBO.0011", "Cluster is doing something")
		return
	}
	script, ok := s.scripts[asked.jobType]
	if !ok {
		script = byDefault
	}
	if script.Type == "" {
		script.Type = asked.jobType
	}
	b := s.change(asked, q.Method, sent, a.at)
	q.JobID = s.begin(script, asked.project, a.at)
	b.job = key(q.JobID)
	s.bound[asked.place()], s.busy[share] = b, b.job
	a.status = op.accepted
	a.body = encode(map[string]string{"jobId": q.JobID})
}
