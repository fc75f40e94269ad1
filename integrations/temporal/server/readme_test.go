package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/readmetest"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// build builds a program of the module above, and returns its path.
func build(t *testing.T, args ...string) string {
	program := filepath.Join(t.TempDir(), "program")
	out, err := exec.Command("go", append([]string{"build", "-C", "..", "-o", program}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// programOutput runs a program that ends by itself.
func programOutput(t *testing.T, env []string, program string, args ...string) string {
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s%s", &stdout, &stderr)
	return stdout.String()
}

// The program of the README does what the README says.
func readmeProgram(t *testing.T, f *fixture) {
	failed := f.service.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: time.Second, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100"}},
	}})
	succeeded := f.service.Add(pollertest.Script{})
	out := programOutput(t, []string{
		"TEMPORAL_ADDRESS=" + fmt.Sprintf("%s:%d", host, f.port),
		"HW_SFS_TURBO_ENDPOINT=" + f.endpoint, "HW_PROJECT_ID=a-project", "HW_AUTH_TOKEN=a-token",
	}, readmetest.Build(t, "..", 1)[0], failed, succeeded)
	assert.Contains(t, out, failed+" failed\n") // among the lines that Temporal logs
	assert.Contains(t, out, succeeded+" success\n")
}

func sample(t *testing.T, f *fixture) {
	out := programOutput(t, os.Environ(), build(t, "./sample"), "-address", fmt.Sprintf("%s:%d", host, f.port))
	assert.Regexp(t, `(?s)wait: job \S+ waiting.*wait: job \S+ running, check_ldap running.*done: job \S+ success.*  succeeded\n`, out)
	assert.Regexp(t, `(?s)undo: job \S+.*  failed: .*SFS.TURBO.0100: the LDAP server does not respond`, out)
}
