package waiter_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
)

func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	readme := string(text)

	t.Run("has code that compiles", func(t *testing.T) {
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme, -1)
		require.NotEmpty(t, blocks)
		root, err := os.Getwd()
		require.NoError(t, err)
		overlay := struct{ Replace map[string]string }{map[string]string{}}
		build := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
		for i, block := range blocks {
			file := filepath.Join(t.TempDir(), "readme.go")
			require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
			dir := fmt.Sprintf("readme%d", i) // only the overlay has it
			overlay.Replace[filepath.Join(root, dir, "readme.go")] = file
			build = append(build, "./"+dir)
		}
		files, err := json.Marshal(overlay)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(build[2], files, 0o600))
		out, err := exec.Command("go", build...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})

	t.Run("shows errors as they are printed", func(t *testing.T) {
		golden, err := os.ReadFile("testdata/errors.golden")
		require.NoError(t, err)
		lines := regexp.MustCompile(`(?m)^bind_ldap job .*$`).FindAllString(readme, -1)
		require.NotEmpty(t, lines)
		for _, line := range lines {
			require.Contains(t, string(golden), "\n"+line+"\n")
		}
	})

	t.Run("shows the default schedule", func(t *testing.T) {
		schedule := pace.Exponential().(*backoff.ExponentialBackOff)
		schedule.RandomizationFactor = 0
		age, strip := time.Duration(0), "0s"
		for {
			next := schedule.NextBackOff()
			age += next
			shown := age.Round(time.Second)
			if age < 10*time.Second {
				shown = age.Round(100 * time.Millisecond)
			}
			strip += " " + shown.String()
			if math.Round(next.Seconds()) == 15 && next == schedule.MaxInterval {
				break
			}
		}
		require.Contains(t, readme, strip+", then every 15s")
	})
}
