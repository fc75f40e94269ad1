package otelwaiter_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/readmetest"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// The program of the README does what the README says, here on the built-in service.
func TestReadmeProgram(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	own := free.Addr().String()
	require.NoError(t, free.Close())
	program := readmetest.Build(t, ".", 1, "localhost:9464", own)[0]

	service := pollertest.New()
	defer service.Close()
	id := service.Add(pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running}},
		{After: 2 * time.Second, Job: status.Job{Status: status.Success}},
	}})
	cmd := exec.Command(program, id)
	cmd.Env = []string{"HW_SFS_TURBO_ENDPOINT=" + service.Start(), "HW_PROJECT_ID=a-project", "HW_AUTH_TOKEN=a-token"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	defer cmd.Process.Kill()
	scraped := false
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			require.NoError(t, err, "%s", &stderr)
			require.True(t, scraped)
			return
		case <-time.After(20 * time.Millisecond):
		}
		response, err := http.Get("http://" + own + "/metrics")
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		scraped = scraped || regexp.MustCompile(`sfsturbo_waits_active{.*sfsturbo_job_type="bind_ldap"} 1\n`).Match(body)
	}
}

// The tables of the README have each name.
func TestReadmeNames(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	names := 0
	for _, file := range []string{"otel.go", "span.go", "metrics.go", "tracker.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range found(`"(sfsturbo\.[\w.]+)"`, string(text)) {
			require.Contains(t, string(readme), "`"+name+"`", file)
			names++
		}
	}
	require.Greater(t, names, 30)
}

// Of OpenTelemetry the package itself needs the API only.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "go.opentelemetry.io/otel/metric\n")
	require.NotContains(t, string(out), "go.opentelemetry.io/otel/sdk")
	require.NotContains(t, string(out), "prometheus")
}
