package riverwait_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// The program of the README does what the README says, here on the built-in service.
func TestReadmeProgram(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, blocks, 1)
	module, err := os.Getwd()
	require.NoError(t, err)
	folder := t.TempDir()
	source, overlay, program := filepath.Join(folder, "readme.go"), filepath.Join(folder, "overlay.json"), filepath.Join(folder, "program")
	require.NoError(t, os.WriteFile(source, blocks[0][1], 0o600))
	files, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(module, "readme", "readme.go"): source}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, files, 0o600))
	out, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, "./readme").CombinedOutput()
	require.NoError(t, err, "%s", out)

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
