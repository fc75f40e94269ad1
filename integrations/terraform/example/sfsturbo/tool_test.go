package sfsturbo_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

const (
	token    = "MIIQtgYJKoZIhvcNAQcCoIIQpzCCEKMCAQExDTALBglghkgBZQ"
	project  = "0970dd7a1300f5672ff2c003c60ae115"
	password = "Correct-Horse-9-Battery"
)

// tofu is OpenTofu, or Terraform.
func tofu(t testing.TB) string {
	tool := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if tool == "" {
		t.Skip("TF_ACC_TERRAFORM_PATH names neither OpenTofu (go build -C ../../tofu -o tofu github.com/opentofu/opentofu/cmd/tofu) " +
			"nor Terraform; .ci/run builds the one and names it")
	}
	return tool
}

var binary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "provider")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", filepath.Join(folder, "terraform-provider-sfsturbo"), "..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return folder, nil
})

// work is a working directory of the real tool, with the provider as a process of its own.
type work struct {
	t      testing.TB
	folder string
	server *pollertest.Server
	env    []string
}

func begin(t testing.TB) *work {
	tofu(t)
	provider, err := binary()
	require.NoError(t, err)
	w := &work{t: t, folder: t.TempDir(), server: service(t)}
	config := fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides {\n    \"sfsturbo/sfsturbo\" = %q\n  }\n  direct {}\n}\n", provider)
	w.write("cli.tfrc", config)
	w.env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+filepath.Join(w.folder, "cli.tfrc"), "TF_IN_AUTOMATION=1",
		"TF_LOG_PROVIDER=TRACE", "TF_LOG_PATH="+filepath.Join(w.folder, "log"), "TF_VAR_token="+token, "TF_VAR_password="+password)
	w.config("ldap://192.168.0.10:389", "10m")
	return w
}

func service(t testing.TB) *pollertest.Server {
	server := pollertest.New(pollertest.WithProject(project), pollertest.WithToken(token))
	t.Cleanup(server.Close)
	return server
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

func (w *work) write(name, text string) {
	require.NoError(w.t, os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600))
}

func (w *work) read(name string) string {
	data, err := os.ReadFile(filepath.Join(w.folder, name))
	if err != nil && !os.IsNotExist(err) {
		require.NoError(w.t, err)
	}
	return string(data)
}

// configured is what a user writes.
func configured(endpoint, url, timeout string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    sfsturbo = { source = "sfsturbo/sfsturbo" }
  }
}
variable "token" {
  ephemeral = true
}
variable "password" {
  ephemeral = true
}
provider "sfsturbo" {
  endpoint   = %q
  project_id = %q
  token      = var.token
}
resource "sfsturbo_ldap_config" "this" {
  share_id         = "a-share"
  url              = %q
  base_dn          = "dc=example,dc=com"
  user_dn          = "cn=admin"
  password         = var.password
  password_version = 1
  timeouts         = { create = %q }
}
`, endpoint, project, url, timeout)
}

func (w *work) config(url, timeout string) {
	w.write("main.tf", configured(w.server.Start(), url, timeout))
}

// command is the tool's, in a process group of its own, as in a pipeline.
func (w *work) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	var out bytes.Buffer
	cmd := exec.Command(tofu(w.t), append(args, "-no-color")...)
	cmd.Dir, cmd.Env = w.folder, w.env
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	isolate(cmd)
	return cmd, &out
}

func (w *work) run(args ...string) (string, int) {
	cmd, out := w.command(args...)
	err := cmd.Run()
	if cmd.ProcessState == nil {
		require.NoError(w.t, err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (w *work) apply() (string, int)   { return w.run("apply", "-auto-approve", "-input=false") }
func (w *work) destroy() (string, int) { return w.run("destroy", "-auto-approve", "-input=false") }

// submitted are the jobs that the service has started, by the method that did.
func (w *work) submitted() map[string][]string { return submitted(w.server) }

func submitted(server *pollertest.Server) map[string][]string {
	jobs := map[string][]string{}
	for _, r := range server.Requests() {
		if r.Call == pollertest.Submit && r.JobID != "" {
			jobs[r.Method] = append(jobs[r.Method], r.JobID)
		}
	}
	return jobs
}

// untilSubmitted waits until the service has started n jobs.
func (w *work) untilSubmitted(n int) {
	require.Eventually(w.t, func() bool {
		var all int
		for _, jobs := range w.submitted() {
			all += len(jobs)
		}
		return all >= n
	}, 20*time.Second, 5*time.Millisecond)
}

var packed = regexp.MustCompile(`[A-Za-z0-9+/]{20,}=*`)

// noSecrets looks into everything that the tool and the provider have left behind: the state, a
// plan, the journal, the log of everything that passes between them.
func (w *work) noSecrets(out string) {
	var clean func(data []byte, name string)
	clean = func(data []byte, name string) {
		require.NotContains(w.t, string(data), password, name)
		require.NotContains(w.t, string(data), token, name)
		for _, encoded := range packed.FindAll(data, -1) { // the private state is packed twice
			if inside, err := base64.StdEncoding.DecodeString(string(encoded)); err == nil {
				clean(inside, name+": "+string(encoded))
			}
		}
	}
	clean([]byte(out), "output")
	require.NoError(w.t, filepath.WalkDir(w.folder, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		clean(data, name)
		if archive, err := zip.OpenReader(name); err == nil { // a plan
			defer archive.Close()
			for _, f := range archive.File {
				inside, err := f.Open()
				require.NoError(w.t, err)
				data, err := io.ReadAll(inside)
				require.NoError(w.t, err)
				clean(data, name+": "+f.Name)
			}
		}
		return err
	}))
}
