package simulation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// A kind is a way in which a poll fails: what the service does, and what SERVICE.md
// and the documentation of package poller say that it means.
type kind struct {
	means      poller.Verdict
	counts     string          // its key in Failures
	answered   bool            // the service or a proxy did answer
	hangs      bool            // until the client gives up
	twice      bool            // net/http may ask again by itself, and so may a credential
	unresolved bool            // passing, but before the first good answer only for the grace
	rule       pollertest.Rule // what the server does
	local      error           // or what never reaches it fails with
}

func answers(code int, means poller.Verdict, body pollertest.Body, errorCode string) kind {
	return kind{
		means: means, counts: strconv.Itoa(code), answered: true,
		rule: pollertest.Rule{Status: code, Body: body, Code: errorCode},
	}
}

// bad is a 2xx that is not the job.
func bad(rule pollertest.Rule) kind { return kind{counts: "bad answer", answered: true, rule: rule} }

// broken is a connection that breaks before any answer.
func broken(how pollertest.Break) kind {
	return kind{counts: "network", twice: true, rule: pollertest.Rule{Break: how}}
}

const notKnown = "404 SFS.TURBO.0019"

var kinds = map[string]kind{
	"400 SFS.TURBO.0001": answers(400, poller.NotFound, pollertest.Service, "SFS.TURBO.0001"),
	"400 SFS.TURBO.0002": answers(400, poller.NotFound, pollertest.ServiceSnake, "SFS.TURBO.0002"),
	"400 SFS.TURBO.0005": answers(400, poller.Passing, pollertest.Service, "SFS.TURBO.0005"),
	"400 other":          answers(400, poller.Permanent, pollertest.Gateway, "APIGW.0201"),
	"401":                {means: poller.Unauthorized, counts: "401", answered: true, twice: true, rule: pollertest.Rule{Status: 401}},
	"403":                answers(403, poller.Permanent, pollertest.Forbidden, ""),
	notKnown:             answers(404, poller.NotFound, pollertest.Service, "SFS.TURBO.0019"),
	"404 html":           answers(404, poller.NotFound, pollertest.HTML, ""),
	"404 gateway":        answers(404, poller.Permanent, pollertest.Gateway, "APIG.0101"),
	"408":                answers(408, poller.Passing, pollertest.Empty, ""),
	"409":                answers(409, poller.Permanent, pollertest.Bare, "Ecs.0114"),
	"425":                answers(425, poller.Passing, pollertest.Empty, ""),
	"429":                answers(429, poller.Throttled, pollertest.Gateway, ""),
	"500":                answers(500, poller.Passing, pollertest.Service, "SFS.TURBO.0005"),
	"502":                answers(502, poller.Passing, pollertest.HTML, ""),
	"503":                answers(503, poller.Passing, pollertest.Gateway, ""),
	"504":                answers(504, poller.Passing, pollertest.IAM, "APIC.0201"),
	"302":                answers(302, poller.Permanent, pollertest.Empty, ""),
	"202":                bad(pollertest.Rule{Status: 202}),
	"html":               bad(pollertest.Rule{Status: 200, Body: pollertest.HTML}),
	"empty":              bad(pollertest.Rule{Status: 200, Body: pollertest.Empty}),
	"list":               bad(pollertest.Rule{Raw: `[{"status":"failed"}]`}),
	"half":               bad(pollertest.Rule{Break: pollertest.Cut}),
	"truncated":          bad(pollertest.Rule{Break: pollertest.Truncate, After: 9}),
	"too many":           bad(pollertest.Rule{Raw: `{"status":"success","sub_jobs":[` + strings.Repeat("{},", 2_000) + `{}]}`}),
	"another job":        bad(pollertest.Rule{Edit: func(j *status.Job) { j.ID, j.Status = "another", status.Failed }}),
	"no status":          bad(pollertest.Rule{Edit: func(j *status.Job) { j.Status = "" }}),
	"reset":              broken(pollertest.Reset),
	"closed":             broken(pollertest.Truncate),
	"hang":               {counts: "timeout", hangs: true, rule: pollertest.Rule{Break: pollertest.Hang}},
	"hang in the body":   {counts: "timeout", hangs: true, rule: pollertest.Rule{Break: pollertest.Hang, After: 5}},
	"no such host":       {counts: "network", unresolved: true, local: &net.DNSError{Err: "no such host", Name: "sfs-turbo", IsNotFound: true}},
	"resolver fails":     {counts: "network", local: &net.DNSError{Err: "server misbehaving", Name: "sfs-turbo", IsTemporary: true}},
	"refused":            {counts: "network", local: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}},
	"certificate": {
		counts: "network", means: poller.Permanent,
		local: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
	},
}

// reply is what a Poller makes of the answer without HTTP between them.
func (a *Answer) reply() (poller.Reply, error) {
	reply := poller.Reply{Job: a.Job.Clone(), ServerTime: a.Date, RetryAfter: a.RetryAfter, RequestID: "a-request"}
	k, failed := kinds[a.Kind]
	switch {
	case !failed:
		return reply, nil
	case a.Kind == "another job" || a.Kind == "no status": // any Poller may let these pass
		k.rule.Edit(&reply.Job)
		return reply, nil
	case k.local != nil:
		return poller.Reply{}, k.local
	case k.hangs:
		return poller.Reply{}, context.DeadlineExceeded
	case k.answered:
		e := &poller.Error{StatusCode: max(k.rule.Status, 200), Code: k.rule.Code, RetryAfter: a.RetryAfter}
		if e.StatusCode/100 == 2 {
			e.Err = errors.New("not a job")
		}
		return poller.Reply{}, e
	}
	return poller.Reply{}, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
}

// edits change good answers, the n-th one.
var edits = map[string]func(j *status.Job, n int){
	"upper case": func(j *status.Job, _ int) {
		j.Status = status.Status(strings.ToUpper(string(j.Status)))
		for i := range j.SubJobs {
			j.SubJobs[i].Status = status.Status(strings.ToUpper(string(j.SubJobs[i].Status)))
		}
	},
	"reordered": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			k := n % len(j.SubJobs)
			j.SubJobs = append(append([]status.Job{}, j.SubJobs[k:]...), j.SubJobs[:k]...)
		}
	},
	"one lost": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			k := n % len(j.SubJobs)
			j.SubJobs = append(append([]status.Job{}, j.SubJobs[:k]...), j.SubJobs[k+1:]...)
		}
	},
	"all lost": func(j *status.Job, _ int) { j.SubJobs = nil },
	"no id":    func(j *status.Job, _ int) { j.ID = "" },
	"bare id":  func(j *status.Job, _ int) { j.ID = strings.ToUpper(strings.ReplaceAll(j.ID, "-", "")) },
	"no type":  func(j *status.Job, _ int) { j.Type = "" },
	"one blank": func(j *status.Job, n int) {
		if len(j.SubJobs) > 0 {
			j.SubJobs[n%len(j.SubJobs)].Status = ""
		}
	},
}

// Answer is what becomes of one poll, if nobody cuts it short.
type Answer struct {
	Kind       string        // of failure; "" for a good answer
	Job        status.Job    // of a good answer, as it is sent
	Latency    time.Duration // since the poll began; of a hang, for ever
	RetryAfter time.Duration
	AsDate     bool
	Date       time.Time // the server's clock
}

// Answer says what becomes of the n-th poll, from 0, if it begins now.
func (s *Service) Answer(n int, now time.Duration) Answer {
	a := Answer{Latency: s.Latency[n%len(s.Latency)]}
	clock := now
	for _, j := range s.Jumps {
		if now >= j.At {
			clock += j.By
		}
	}
	a.Date = Epoch.Add(clock).Truncate(time.Second)
	lag := time.Duration(0)
	if len(s.Lags) > 0 {
		lag = s.Lags[n%len(s.Lags)]
	}
	seen := status.Job{}
	for _, state := range s.States {
		if now-lag >= state.At {
			seen = state.Job.Clone()
		}
	}
	for _, f := range s.Faults {
		if !f.active(now) {
			continue
		}
		if _, fails := kinds[f.Kind]; fails && a.Kind == "" {
			a.Kind = f.Kind
		}
		if edit := edits[f.Kind]; edit != nil {
			edit(&seen, n)
		}
		a.Latency += f.Slow
		if a.RetryAfter == 0 {
			a.RetryAfter, a.AsDate = f.RetryAfter, f.AsDate
		}
	}
	if a.Kind == "" && seen.Status == "" {
		a.Kind = notKnown
	}
	k := kinds[a.Kind]
	if !k.answered && a.Kind != "" {
		a.RetryAfter = 0
	}
	if k.local != nil || k.twice {
		a.Latency = min(a.Latency, 40*time.Millisecond) // in a fraction of any timeout, also twice
	}
	if a.Kind == "" || a.Kind == "another job" || a.Kind == "no status" {
		a.Job = seen
	}
	return a
}
