package pollertest

import (
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/sfsturbo/waiter/status"
)

// Rule is a fault: which requests meet it, and what goes wrong. Its parts combine
// freely, and the zero value of each means nothing special.
type Rule struct {
	// Which requests: those for which all of these hold.

	Call  Call   // of this kind; "" is any, unknown paths too
	JobID string // polls of this job; "" is any request
	// From and Until bound the server's age at the request's arrival: an outage
	// from the fifth minute to the seventh. Until 0 is for good.
	From, Until time.Duration
	Skip        int // after the first Skip of these that no earlier rule took
	Times       int // so many times; 0 is for good

	// What is answered in the service's place. The request never reaches the
	// service then, and a submitting call starts nothing. Credentials don't matter.

	// Status is the answer's. With Body and Raw empty, one from 200 to 299 goes with
	// the service's own answer; with any other, the body is what would come with it:
	// a gateway's for 401, 429, 502, 503 and 504, none for 3xx, the service's else.
	// 0 is 200 where Body or Raw is set.
	Status  int
	Body    Body
	Code    string // in the body; "" is one that fits Status: APIGW.0301 for 401, ...
	Message string // in the body; "" is one that fits Status
	Raw     string // the body, verbatim, instead of Body

	// Edit changes the job of a poll's good answer, which is its own copy: a status that
	// goes back or in upper case, another job's id, absent fields, lost or reordered
	// sub-jobs. The job itself is as it was. Edit may be called concurrently.
	Edit func(*status.Job)

	// RetryAfter is the header, verbatim: seconds, or an HTTP date. "" sends none.
	RetryAfter string
	// Header replaces headers of the answer: Location for a redirect; nil values
	// drop one (Date, X-Request-Id).
	Header http.Header

	// Delay holds back an answer. It shows the job as of the request's arrival, and
	// so does its Date.
	Delay time.Duration
	// Break says how the answer stops short, and After how many bytes of its body
	// are sent before. With After 0 not even the status is (for Cut: half of the
	// body is sent). net/http repeats a GET by itself, at once, if a connection
	// that it used before breaks at this point; both requests are in Requests.
	Break Break
	After int
}

// Body is the form of an error's body.
type Body string

// The forms that clients of the service meet.
const (
	Service      Body = "service"       // {"errCode", "errMsg"}: the service itself
	ServiceSnake Body = "service snake" // {"error_code", "error_msg"}: by its newer error page
	Gateway      Body = "gateway"       // {"error_code", "error_msg", "request_id"}
	IAM          Body = "iam"           // {"error": {"code", "message", "title"}}: a number unless Rule.Code is set
	Forbidden    Body = "forbidden"     // {"forbidden": {"code", "message"}}: the code is a number
	Bare         Body = "bare"          // {"code", "message"}
	HTML         Body = "html"          // a proxy's page
	Empty        Body = "empty"
)

// Break is how an answer stops short.
type Break string

// The ways in which answers do.
const (
	Hang     Break = "hang"     // silence, until the client gives up or the server is closed
	Reset    Break = "reset"    // the connection is reset; in memory, closed
	Truncate Break = "truncate" // the connection is closed, though Content-Length promised more
	Cut      Break = "cut"      // correct HTTP whose body stops in the middle
)

// Fail adds a rule. Of all rules, in the order in which they were added, the first
// that fits a request and is not used up applies to it, and no other. The rule is
// copied. One that makes no sense panics.
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
	case r.Call != "" && r.Call != Poll && r.Call != Submit && r.Call != IssueToken && r.Call != ListProjects:
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

// replaces reports whether the service is not asked.
func (r *Rule) replaces() bool {
	return r.Body != "" || r.Raw != "" || r.Status >= 300
}

// rule is a Rule in use.
type rule struct {
	Rule
	met int // requests that it fits
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
