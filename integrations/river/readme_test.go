package riverwait_test

import (
	"bufio"
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

// The program of the README does what the README says, here on the built-in service.
func TestReadmeProgram(t *testing.T) {
	program := readmetest.Build(t, ".", 1)[0]
	folder := t.TempDir()
	service := newService(t)
	id := service.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: time.Second, Job: status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100"}},
	}})
	cmd := exec.Command(program, id)
	cmd.Dir = folder
	cmd.Env = []string{"HW_SFS_TURBO_ENDPOINT=" + service.Start(), "HW_PROJECT_ID=a-project", "HW_AUTH_TOKEN=a-token"}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	last := ""
	for lines := bufio.NewScanner(stdout); last != "failed" && lines.Scan(); last = lines.Text() {
	}
	assert.Equal(t, "failed", last)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(t, cmd.Wait())
	assert.FileExists(t, filepath.Join(folder, "jobs.sqlite"))
}
