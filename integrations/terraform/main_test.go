package terraform_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/integrations/terraform"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token    = "MIIQtgYJKoZIhvcNAQcCoIIQpzCCEKMCAQExDTALBglghkgBZQ"
	project  = "0970dd7a1300f5672ff2c003c60ae115"
	password = "Correct-Horse-9-Battery"
)

// private is a resource's private state.
type private map[string][]byte

func (p private) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) { return p[key], nil }

func (p private) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	if p[key] = value; len(value) == 0 {
		delete(p, key)
	}
	return nil
}

// world is a service, a provider that may be killed, and what survives that.
type world struct {
	t       *testing.T
	server  *pollertest.Server
	client  *http.Client
	url     string
	runner  *terraform.Runner
	private private
	folder  string // of the journal
	befores []terraform.Attempt
	holds   atomic.Bool // the service shows what is wanted
	log     bytes.Buffer
	seen    func() // is called within the wait
}

func begin(t *testing.T) *world {
	w := &world{t: t, server: pollertest.New(pollertest.WithProject(project), pollertest.WithToken(token)), folder: t.TempDir(), seen: func() {}}
	t.Cleanup(w.server.Close)
	w.url, w.client = w.server.Memory()
	w.restart()
	w.private = private{}
	return w
}

// restart is a new provider, with the journal of the one before.
func (w *world) restart() {
	p, err := poller.New(w.url, project, poller.WithHTTPClient(w.client), poller.WithCredential(credential.Token(token)))
	require.NoError(w.t, err)
	waits, err := waiter.New(p, waiter.OnTransition(func(status.Transition) { w.seen() }))
	require.NoError(w.t, err)
	journal, err := terraform.OpenJournal(w.folder)
	require.NoError(w.t, err)
	w.runner = &terraform.Runner{Waiter: waits, Journal: journal, Secrets: []string{token}}
}

// killed is what is left after the process is killed before Terraform has stored the state.
func (w *world) killed() {
	w.private = private{}
	w.restart()
}

func (w *world) change(intent string) terraform.Change {
	return terraform.Change{
		Object: "a-share/ldap", JobType: "bind_ldap", Intent: intent, Private: w.private, Timeout: time.Hour,
		Attributes: map[string]path.Path{"SFS.TURBO.0101": path.Root("url"), "SFS.TURBO.0001": path.Root("base_dn")},
		Secrets:    []string{password},
		Holds:      func(context.Context) (bool, error) { return w.holds.Load(), nil },
		Submit: func(ctx context.Context, before terraform.Attempt) (string, error) {
			w.befores = append(w.befores, before)
			return w.submit(ctx)
		},
	}
}

func (w *world) submit(ctx context.Context) (string, error) {
	body := `{"url":"ldap://x","base_dn":"dc=x"}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/"+project+"/sfs-turbo/shares/a-share/fs/ldap", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Auth-Token", token)
	resp, err := w.client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(resp.Body); err != nil {
		return "", err
	}
	return poller.JobID(resp.StatusCode, data.Bytes())
}

func (w *world) run(ctx context.Context, c terraform.Change) (terraform.Result, diag.Diagnostics) {
	return w.runner.Run(tflogtest.RootLogger(ctx, &w.log), c)
}

// jobs are those that the service has started.
func (w *world) jobs() (ids []string) {
	for _, r := range w.server.Requests() {
		if r.Call == pollertest.Submit && r.JobID != "" {
			ids = append(ids, r.JobID)
		}
	}
	return ids
}

// journal is everything that is in the journal.
func (w *world) journal() string {
	var all string
	names, err := filepath.Glob(filepath.Join(w.folder, "*.json"))
	require.NoError(w.t, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(w.t, err)
		all += string(data)
	}
	return all
}

// text is what the user reads, one diagnostic a line.
func text(diags diag.Diagnostics) string {
	var lines []string
	for _, d := range diags {
		at := ""
		if p, ok := d.(diag.DiagnosticWithPath); ok {
			at = p.Path().String() + ": "
		}
		lines = append(lines, fmt.Sprintf("%s: %s%s: %s", d.Severity(), at, d.Summary(), strings.ReplaceAll(d.Detail(), "\n", " ")))
	}
	return strings.Join(lines, "\n")
}

// lasting is a script of a job that ends after d.
func lasting(d time.Duration, end status.Job) pollertest.Script {
	return pollertest.Script{Steps: []pollertest.Step{{Job: status.Job{Status: status.Running}}, {After: d, Job: end}}}
}

var (
	succeeds = status.Job{Status: status.Success}
	fails    = status.Job{
		Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "binding LDAP failed",
		SubJobs: []status.Job{{Type: "check_ldap", Status: status.Failed, ErrorCode: "SFS.TURBO.0101", FailReason: "cannot bind with " + password}},
	}
)
