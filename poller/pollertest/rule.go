package pollertest

import (
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Rule is a fault: which requests it applies to, and what goes wrong. Its parts combine
// freely. The zero value of each part changes nothing.
type Rule struct {
	// Which requests: those that meet all of these conditions.

	Call  Call   // of this kind; "" is any, including unknown paths
	JobID string // polls of this job; "" is any request
	// From and Until bound the server's age when the request arrives: an outage from the
	// fifth to the seventh minute. An Until of 0 never ends.
	From, Until time.Duration
	Skip        int // not the first Skip requests that no earlier rule applied to
	Times       int // this many requests; 0 is all

	// The response that is sent instead of the service's. The request then never reaches
	// the service: a submitting call starts nothing, and the credential does not matter.

	// Status is the response's. Without Body and Raw, a status from 200 to 299 goes with
	// the service's own response. Any other gets the body that usually comes with it: none
	// for 3xx, a gateway's for 429, 502, 503 and 504, otherwise IAM's for IAM's calls, a
	// gateway's for 401, and the service's for the rest. If Body or Raw is set, 0 is 200.
	Status  int
	Body    Body
	Code    string // in the body; "" is one that fits Status: APIGW.0301 for 401, ...
	Message string // in the body; "" is one that fits Status
	Raw     string // the body, verbatim, instead of Body

	// Edit changes the job in a poll's good response: a status that goes back or is in
	// upper case, another job's id, absent fields, lost or reordered sub-jobs. It gets a
	// copy; the job itself stays as it is. Edit may be called concurrently.
	Edit func(*status.Job)

	// RetryAfter is the header, verbatim: seconds, or an HTTP date. "" sends none.
	RetryAfter string
	// Header replaces headers of the response, such as Location for a redirect. A nil value
	// drops a header, such as Date or X-Request-Id.
	Header http.Header

	// Delay holds the response back. It shows the job as of the request's arrival, and so
	// does its Date.
	Delay time.Duration
	// Break says how the response stops short, and After how many bytes of its body are
	// sent before that. With an After of 0, not even the status is sent; a Cut then sends
	// half of the body. If a connection that was used before breaks at this point,
	// net/http repeats a GET at once; Requests has both requests.
	Break Break
	After int
}

// Body is the form of an error's body.
type Body string

// The forms that clients of the service meet.
const (
	Service      Body = "service"       // {"errCode", "errMsg"}: the service itself
	ServiceSnake Body = "service snake" // {"error_code", "error_msg"}: the service, by its newer error page
	Gateway      Body = "gateway"       // {"error_code", "error_msg", "request_id"}
	IAM          Body = "iam"           // {"error": {"code", "message", "title"}}: a number unless Rule.Code is set
	Forbidden    Body = "forbidden"     // {"forbidden": {"code", "message"}}: the code is a number
	Bare         Body = "bare"          // {"code", "message"}
	HTML         Body = "html"          // a proxy's page
	Empty        Body = "empty"
)

// Break is how a response stops short.
type Break string

// The ways in which a response stops short.
const (
	Hang     Break = "hang"     // silence, until the client gives up or the server is closed
	Reset    Break = "reset"    // the connection is reset; in memory, closed
	Truncate Break = "truncate" // the connection is closed, though Content-Length promised more
	Cut      Break = "cut"      // correct HTTP whose body stops in the middle
)

// Fail adds a rule. A request meets at most one rule: the first, in the order in which
// they were added, that applies to it and is not used up. Fail copies the rule, and panics
// if the rule makes no sense.
func (s *Server) Fail(r Rule) {
	if err := r.check(); err != "" {
		panic("pollertest: Fail: " + err)
	}
	r.Header = maps.Clone(r.Header)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, &rule{Rule: r})
}

func (r *Rule) check() string {
	switch {
	case r.Call != "" && r.Call != Poll && r.Call != Submit && r.Call != Show && !r.Call.ofIAM():
		return fmt.Sprintf("unknown call %q", string(r.Call))
	case r.JobID != "" && r.Call != "" && r.Call != Poll:
		return "JobID is for polls"
	case r.Skip < 0 || r.Times < 0 || r.After < 0 || r.Delay < 0 || r.Until < 0 || r.Until > 0 && r.Until <= r.From:
		return "negative count, time or window"
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Sprintf("status %d", r.Status)
	case r.Body != "" && shapes[r.Body] == nil:
		return fmt.Sprintf("unknown body %q", string(r.Body))
	case (r.Code != "" || r.Message != "") && (!r.replaces() || r.Raw != ""):
		return "Code and Message need a Body, or a Status that comes with one"
	case r.Break != "" && r.Break != Hang && r.Break != Reset && r.Break != Truncate && r.Break != Cut:
		return fmt.Sprintf("unknown break %q", string(r.Break))
	}
	return ""
}

// replaces reports whether the rule responds instead of the service.
func (r *Rule) replaces() bool {
	return r.Body != "" || r.Raw != "" || r.Status >= 300
}

// rule is a Rule in use.
type rule struct {
	Rule
	met int // requests that it applies to
}

func (s *Server) match(asked call, age time.Duration) Rule {
	for _, r := range s.rules {
		if r.Call != "" && r.Call != asked.call || age < r.From || r.Until > 0 && age >= r.Until ||
			r.JobID != "" && !(asked.call == Poll && status.SameID(r.JobID, asked.job)) {
			continue
		}
		if r.met++; r.met > r.Skip && (r.Times == 0 || r.met <= r.Skip+r.Times) {
			return r.Rule
		}
	}
	return Rule{}
}
