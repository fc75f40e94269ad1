package simulation

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// A kind is a way in which a poll fails: what the service does, and what that means by the
// documentation of package poller.
type kind struct {
	means      poller.Verdict
	counts     string          // its key in Failures
	responded  bool            // by the service or a proxy
	hangs      bool            // until the client gives up
	twice      bool            // net/http may repeat the request, and so may a credential
	unresolved bool            // passing, but before the first good response only during the grace
	rule       pollertest.Rule // what the server does
	local      error           // or the error of a request that never reaches it
}

func responses(code int, means poller.Verdict, body pollertest.Body, errorCode string) kind {
	return kind{
		means: means, counts: strconv.Itoa(code), responded: true, twice: means == poller.Unauthorized,
		rule: pollertest.Rule{Status: code, Body: body, Code: errorCode},
	}
}

// bad is a 2xx that is not the job.
func bad(rule pollertest.Rule) kind { return kind{counts: "bad answer", responded: true, rule: rule} }

// broken is a connection that breaks before any response.
func broken(how pollertest.Break) kind {
	return kind{counts: "network", twice: true, rule: pollertest.Rule{Break: how}}
}

// tooLong is a good response except for its length: a client reads 1 MiB of it.
var tooLong = `{"status":"success","fail_reason":"` + strings.Repeat("x", 1<<20) + `"}`

const (
	notKnown = "404 SFS.TURBO.0019"
	rejected = "401"
	noToken  = "no token" // a function that returns one fails
)

var kinds = map[string]kind{
	"400 SFS.TURBO.0001": responses(400, poller.NotFound, pollertest.Service, "SFS.TURBO.0001"),
	"400 SFS.TURBO.0002": responses(400, poller.NotFound, pollertest.ServiceSnake, "SFS.TURBO.0002"),
	"400 SFS.TURBO.0005": responses(400, poller.Passing, pollertest.Service, "SFS.TURBO.0005"),
	"400 other":          responses(400, poller.Permanent, pollertest.Gateway, "APIGW.0201"),
	"400 empty":          responses(400, poller.Permanent, pollertest.Empty, ""),
	rejected:             responses(401, poller.Unauthorized, pollertest.Gateway, ""),
	"401 APIGW.0307":     responses(401, poller.Unauthorized, pollertest.Gateway, "APIGW.0307"),
	"401 iam":            responses(401, poller.Unauthorized, pollertest.IAM, ""),
	"403":                responses(403, poller.Permanent, pollertest.Forbidden, ""),
	"403 SFS.TURBO.9000": responses(403, poller.Permanent, pollertest.Service, "SFS.TURBO.9000"),
	notKnown:             responses(404, poller.NotFound, pollertest.Service, "SFS.TURBO.0019"),
	"404 SFS.TURBO.0001": responses(404, poller.NotFound, pollertest.Service, "SFS.TURBO.0001"),
	"404 SFS.TURBO.0002": responses(404, poller.NotFound, pollertest.ServiceSnake, "SFS.TURBO.0002"),
	"404 empty":          responses(404, poller.NotFound, pollertest.Empty, ""),
	"404 html":           responses(404, poller.NotFound, pollertest.HTML, ""),
	"404 unknown code":   responses(404, poller.NotFound, pollertest.Bare, "Sfs.0404"),
	"404 APIGW.0101":     responses(404, poller.Permanent, pollertest.Gateway, "APIGW.0101"),
	"404 APIG.0101":      responses(404, poller.Permanent, pollertest.Gateway, "APIG.0101"),
	"404 APIC.0101":      responses(404, poller.Permanent, pollertest.Gateway, "APIC.0101"),
	"408":                responses(408, poller.Passing, pollertest.Empty, ""),
	"409":                responses(409, poller.Permanent, pollertest.IAM, "Ecs.0114"),
	"425":                responses(425, poller.Passing, pollertest.Empty, ""),
	"429":                responses(429, poller.Throttled, pollertest.Gateway, ""),
	"500":                responses(500, poller.Passing, pollertest.Service, "SFS.TURBO.0005"),
	"501":                responses(501, poller.Passing, pollertest.Bare, ""),
	"502":                responses(502, poller.Passing, pollertest.HTML, ""),
	"503":                responses(503, poller.Passing, pollertest.Gateway, ""),
	"504":                responses(504, poller.Passing, pollertest.Gateway, "APIG.0201"),
	"599":                responses(599, poller.Passing, pollertest.Empty, ""),
	"301":                responses(301, poller.Permanent, pollertest.Empty, ""),
	"302":                responses(302, poller.Permanent, pollertest.Empty, ""),
	"307":                responses(307, poller.Permanent, pollertest.HTML, ""),
	"202":                bad(pollertest.Rule{Status: 202}),
	"html":               bad(pollertest.Rule{Status: 200, Body: pollertest.HTML}),
	"empty":              bad(pollertest.Rule{Status: 200, Body: pollertest.Empty}),
	"list":               bad(pollertest.Rule{Raw: `[{"status":"failed"}]`}),
	"null":               bad(pollertest.Rule{Raw: `null`}),
	"half":               bad(pollertest.Rule{Break: pollertest.Cut}),
	"truncated":          bad(pollertest.Rule{Break: pollertest.Truncate, After: 9}),
	"reset in the body":  bad(pollertest.Rule{Break: pollertest.Reset, After: 9}),
	"too many sub-jobs":  bad(pollertest.Rule{Raw: `{"status":"success","sub_jobs":[` + strings.Repeat("{},", 2_000) + `{}]}`}),
	"too long":           bad(pollertest.Rule{Raw: tooLong}),
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
	noToken:  {counts: "credential", local: errors.New("the vault is sealed")},
	"scheme": {counts: "network", means: poller.Permanent, local: errors.New(`unsupported protocol scheme "ftp"`)},
}

// reply is what a Poller returns for the n-th response when there is no HTTP in between.
func (a *Response) reply(n int) (poller.Reply, error) {
	reply := poller.Reply{Job: a.Job.Clone(), ServerTime: a.Date, RetryAfter: a.RetryAfter, RequestID: fmt.Sprint("request ", n)}
	k, failed := kinds[a.Kind]
	switch {
	case !failed:
		return reply, nil
	case a.Kind == "another job" || a.Kind == "no status": // any Poller may let these pass
		k.rule.Edit(&reply.Job)
		return reply, nil
	case a.Kind == noToken:
		return poller.Reply{}, &credential.Error{Err: k.local}
	case k.local != nil:
		return poller.Reply{}, &url.Error{Op: "Get", URL: "https://sfs-turbo", Err: k.local}
	case k.hangs:
		return poller.Reply{}, context.DeadlineExceeded
	case k.responded:
		e := &poller.Error{StatusCode: max(k.rule.Status, 200), Code: k.rule.Code, RetryAfter: a.RetryAfter}
		if e.StatusCode/100 == 2 {
			e.Err = errors.New("not a job")
		}
		return poller.Reply{}, e
	}
	return poller.Reply{}, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
}
