package waiter_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/poller/pace"
)

func readme(t *testing.T) string {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

func TestReadmeProgramsCompile(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.Len(t, blocks, 2)
	root, err := os.Getwd()
	require.NoError(t, err)
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	build := []string{"build", "-overlay", filepath.Join(t.TempDir(), "overlay.json")}
	for i, block := range blocks {
		file := filepath.Join(t.TempDir(), "readme.go")
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		dir := fmt.Sprintf("readme%d", i) // it exists only in the overlay
		overlay.Replace[filepath.Join(root, dir, "readme.go")] = file
		build = append(build, "./"+dir)
	}
	files, err := json.Marshal(overlay)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(build[2], files, 0o600))
	out, err := exec.Command("go", build...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// The errors in testdata/errors.golden are lines; the README wraps them.
func TestReadmeErrorsArePrinted(t *testing.T) {
	golden, err := os.ReadFile("testdata/errors.golden")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```text\n(.*?)\n```").FindAllStringSubmatch(readme(t), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		require.Contains(t, string(golden), "\n"+strings.ReplaceAll(block[1], "\n", " ")+"\n")
	}
}

func TestReadmeScheduleIsTheDefaultSchedule(t *testing.T) {
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
	require.Contains(t, readme(t), strip+", then every 15s")
}
