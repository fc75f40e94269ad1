package pollertest

import (
	"encoding/json"
	"net/http"
)

// submit starts a job. It checks only that the body is an object: whether an LDAP server or
// a domain exists is for the job to find out.
func (s *Server) submit(a *response, q *Request, asked call, body []byte) {
	var object map[string]json.RawMessage
	if q.Method != http.MethodDelete && (json.Unmarshal(body, &object) != nil || object == nil) {
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
	q.JobID = s.begin(script, asked.project, a.at)
	s.busy[share] = key(q.JobID)
	a.status = asked.accepted
	a.body = encode(map[string]string{"jobId": q.JobID})
}
