package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultClient.CloseIdleConnections()
		os.Exit(code)
	}))
}

const token = "MIIQtgYJKoZIhvcNAQcCoIIQpzCC"

// simple is a Poller that makes one mistake on purpose, or none.
type simple struct {
	jobs    string
	client  *http.Client
	mistake string

	mu   sync.Mutex
	last status.Job
}

func newSimple(mistake string) New {
	return func(t *testing.T, endpoint, projectID string, hc *http.Client) poller.Poller {
		client := *hc
		if mistake != "follows redirects" {
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		}
		return &simple{jobs: endpoint + "/v1/" + projectID + "/sfs-turbo/jobs/", client: &client, mistake: mistake}
	}
}

func (p *simple) Poll(ctx context.Context, jobID string) (reply poller.Reply, err error) {
	if p.mistake == "asks for any id" {
		jobID = "x" + jobID
	}
	if err := poller.CheckID(jobID); err != nil {
		return poller.Reply{}, &poller.Error{StatusCode: 400, Err: err}
	}
	if p.mistake == "ignores its context" {
		ctx = context.WithoutCancel(ctx)
	}
	path := url.PathEscape(jobID)
	if p.mistake == "does not escape" {
		path = jobID
	}
	attempts := 1
	if p.mistake == "tries twice" {
		attempts = 2
	}
	for range attempts {
		if reply, err = p.ask(ctx, path, jobID); err == nil && p.mistake != "tries twice" {
			break
		}
	}
	switch {
	case err == nil:
	case p.mistake == "never fails":
		return poller.Reply{Job: status.Job{Status: status.Running}}, nil
	case p.mistake == "hides the status":
		err = errors.New(err.Error())
	case p.mistake == "quotes its token":
		err = fmt.Errorf("with token %s: %w", token, err)
	case p.mistake == "wraps its token":
		err = outer{fmt.Errorf("with token %s: %w", token, err)}
	case p.mistake == "returns late" && ctx.Err() != nil:
		time.Sleep(600 * time.Millisecond)
	}
	return reply, err
}

// outer does not show what it wraps.
type outer struct{ inner error }

func (outer) Error() string   { return "the poll failed" }
func (e outer) Unwrap() error { return e.inner }

func (p *simple) ask(ctx context.Context, path, jobID string) (poller.Reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.jobs+path, nil)
	if err != nil {
		return poller.Reply{}, err
	}
	r.Header.Set("X-Auth-Token", token)
	resp, err := p.client.Do(r)
	if err != nil {
		return poller.Reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		if to := resp.Header.Get("Location"); to != "" && p.mistake == "looks at redirects" {
			if page, err := p.client.Get(to); err == nil {
				_ = page.Body.Close()
			}
		}
		return poller.Reply{}, p.refused(resp, body)
	}
	var job status.Job
	if err == nil {
		err = json.Unmarshal(body, &job)
	}
	switch {
	case err != nil && p.mistake == "takes anything for a job":
		job.Status = status.Running
	case err != nil:
		return poller.Reply{}, err
	case job.Status == "" && p.mistake == "takes anything for a job":
		job.Status = status.Running
	case job.Status == "":
		return poller.Reply{}, errors.New("no status")
	case job.ID != "" && !status.SameID(job.ID, jobID) && p.mistake != "takes another job":
		return poller.Reply{}, errors.New("another job")
	}
	reply := poller.Reply{Job: job, RequestID: resp.Header.Get("X-Request-Id"), ServerTime: time.Now()}
	switch p.mistake {
	case "has no sub-jobs":
		reply.Job.SubJobs = nil
	case "knows four statuses":
		if !job.Status.Known() {
			return poller.Reply{}, errors.New("an unknown status")
		}
	case "takes unknown for running":
		if !job.Status.Known() {
			reply.Job.Status = status.Running
		}
	case "has a request id of its own":
		reply.RequestID = "1"
	case "needs each field":
		if job.Type == "" {
			return poller.Reply{}, errors.New("no type")
		}
	case "shares its memory", "shares a type":
		p.mu.Lock()
		p.last = job
		p.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		p.mu.Lock()
		if reply.Job.Type = p.last.Type; p.mistake == "shares its memory" {
			reply.Job = p.last
		}
		p.mu.Unlock()
	}
	return reply, nil
}

func (p *simple) refused(resp *http.Response, body []byte) error {
	var said struct{ ErrCode, Code string }
	_ = json.Unmarshal([]byte(strings.Replace(string(body), "error_code", "errCode", 1)), &said)
	e := &poller.Error{StatusCode: resp.StatusCode, Code: said.ErrCode, RequestID: resp.Header.Get("X-Request-Id")}
	switch {
	case p.mistake == "ignores codes":
		e.Code = ""
	case p.mistake == "quotes the message":
		e.Message = string(body)
	case p.mistake == "throttling is an outage" && e.StatusCode == 429:
		e.StatusCode = 503
	case p.mistake == "a 401 is forbidden" && e.StatusCode == 401:
		e.StatusCode = 403
	case p.mistake == "a 403 may pass" && e.StatusCode == 403, p.mistake == "a redirect may pass" && e.StatusCode < 400:
		e.StatusCode = 500
	case p.mistake == "server errors are final" && e.StatusCode >= 500:
		e.StatusCode = 400
	}
	return e
}

const mistakeOf = "CONFORMANCE_TEST_MISTAKE"

// A Poller that makes no mistake passes. [TestFails] runs this in another process, with
// a mistake.
func TestPasses(t *testing.T) { Test(t, newSimple(os.Getenv(mistakeOf))) }

func TestFails(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, "-test.run", "^TestPasses$")
	child.Env = append(os.Environ(), mistakeOf+"=takes another job", "GOCOVERDIR="+t.TempDir())
	out, err := child.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "--- FAIL: TestPasses/another_job")
	require.Contains(t, string(out), "another id: no error")
	require.Equal(t, 2, strings.Count(string(out), "--- FAIL"), "%s", out)
}

// Each mistake is found, by the requirement that is about it.
func TestMistakes(t *testing.T) {
	found := map[string]bool{}
	for mistake, by := range map[string][]string{
		"asks for any id":             {"ids that can't be one", "a job in each status"},
		"does not escape":             {"ids are escaped"},
		"knows four statuses":         {"a job in each status"},
		"takes unknown for running":   {"a job in each status"},
		"has no sub-jobs":             {"all fields of a job and its sub-jobs"},
		"needs each field":            {"absent fields"},
		"has a request id of its own": {"request id, server time and Retry-After"},
		"hides the status":            {"not found", "unauthorized", "no permission", "wrong address", "throttled", "redirects"},
		"ignores codes":               {"not found", "wrong address", "server errors"},
		"a 401 is forbidden":          {"unauthorized"},
		"a 403 may pass":              {"no permission"},
		"throttling is an outage":     {"throttled"},
		"server errors are final":     {"server errors"},
		"never fails":                 {"not found", "responses that break off", "responses that are not a job", "another job", "the context's end"},
		"takes anything for a job":    {"responses that break off", "responses that are not a job"},
		"takes another job":           {"another job"},
		"follows redirects":           {"redirects"},
		"a redirect may pass":         {"redirects"},
		"ignores its context":         {"the context's end"},
		"shares its memory":           {"concurrent use"},
		"shares a type":               {"concurrent use"},
		"looks at redirects":          {"redirects"},
		"returns late":                {"the context's end"},
		"quotes the message":          {"no secret in an error"},
		"wraps its token":             {"no secret in an error"},
		"quotes its token":            {"no secret in an error"},
		"tries twice":                 {"a job in each status", "server errors", "throttled"},
	} {
		t.Run(mistake, func(t *testing.T) {
			failed := map[string]bool{}
			for _, r := range requirements {
				t.Run(r.name, func(t *testing.T) {
					failed[r.name] = r.check(start(t, newSimple(mistake), 300*time.Millisecond)) != nil
				})
			}
			for _, name := range by {
				require.True(t, failed[name], "%s does not find it: %v", name, failed)
				found[name] = true
			}
		})
	}
	for _, r := range requirements {
		require.True(t, found[r.name], "no mistake is found by %q", r.name)
	}
}
