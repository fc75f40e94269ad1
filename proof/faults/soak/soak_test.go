package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The command starts its own binary again, which here is the test's.
func TestMain(m *testing.M) {
	if after, err := time.ParseDuration(os.Getenv("SERVICE_DIES_AFTER")); err == nil {
		time.AfterFunc(after, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	}
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Getenv("MAIN") != "") {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestSoak(t *testing.T) {
	dir := t.TempDir()
	s := settings{
		waits: 200, length: 4 * time.Second, faults: 0.1,
		csv: filepath.Join(dir, "soak.csv"), plot: filepath.Join(dir, "soak.svg"),
	}
	var out bytes.Buffer
	require.NoError(t, soak(t.Context(), s, &out), out.String())
	t.Log(out.String())
	for _, says := range []string{
		"200 waits at a time for ", "0 of them wrongly", "the greatest lag between a job's end and its wait's: ", "No wait wrong, no goroutine left. It takes a whole soak",
	} {
		assert.Contains(t, out.String(), says)
	}
	assert.Regexp(t, "of 2[0-6] kinds", out.String(), "one may not come up")
	assert.NotContains(t, out.String(), "% a minute", "no trend where there is none")

	file, err := os.Open(s.csv)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, columns, rows[0])
	last := map[string]float64{}
	for i, text := range rows[len(rows)-1] {
		last[columns[i]], err = strconv.ParseFloat(text, 64)
		require.NoError(t, err)
	}
	assert.GreaterOrEqual(t, last["seconds"], 4.0)
	assert.EqualValues(t, 0, last["wrong"])
	for _, column := range []string{"succeeded", "failed", "unfinished", "failed_polls", "polls_per_second"} {
		assert.Positive(t, last[column], column)
	}
	assert.InDelta(t, 200, last["waits"], 20)
	assert.Greater(t, last["goroutines"], last["waits"])
	assert.Greater(t, last["polls"], 5*last["failed_polls"])
	assert.Less(t, last["live_heap_bytes"], 50e6)

	plot, err := os.ReadFile(s.plot)
	require.NoError(t, err)
	assert.Positive(t, lines(t, plot))
}

// A file that cannot be written is reported at once, and nothing is written.
func TestSoakRefusesFilesThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	before, missing := filepath.Join(dir, "before"), filepath.Join(dir, "none", "a")
	require.NoError(t, os.WriteFile(before, []byte("another soak's"), 0o600))
	for name, s := range map[string]settings{
		"no folder for the plot": {csv: before, plot: missing},
		"no folder for the CSV":  {csv: missing, plot: before},
		"the plot is a folder":   {csv: before, plot: dir},
		"neither was there":      {csv: filepath.Join(dir, "new"), plot: missing},
	} {
		t.Run(name, func(t *testing.T) {
			s.waits, s.length = 10, 4*time.Second
			began := time.Now()
			_, isPath := errors.AsType[*os.PathError](soak(t.Context(), s, io.Discard))
			assert.True(t, isPath)
			assert.Less(t, time.Since(began), s.length)
			text, err := os.ReadFile(before)
			require.NoError(t, err)
			assert.Equal(t, "another soak's", string(text))
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Len(t, files, 1)
		})
	}
}

// A soak that is stopped says why, reports what it has shown until then, and leaves neither a
// process nor a goroutine.
func TestSoakInterrupted(t *testing.T) {
	for name, test := range map[string]struct {
		length time.Duration
		rows   int // of the CSV, when it is stopped
		says   string
	}{
		"half way": {10 * time.Second, 12, ""},
		"at once":  {time.Hour, 2, "[1-7] samples are too few"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := settings{waits: 20, length: test.length, faults: 0.5, csv: filepath.Join(dir, "a.csv"), plot: filepath.Join(dir, "a.svg")}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for ctx.Err() == nil {
					if text, _ := os.ReadFile(s.csv); bytes.Count(text, []byte("\n")) >= test.rows {
						cancel()
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
			var out bytes.Buffer
			err := soak(ctx, s, &out)
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorContains(t, err, "stopped after ")
			if test.says != "" {
				assert.Regexp(t, test.says, err.Error())
				return
			}
			assert.NotContains(t, err.Error(), "\n", "that is all that is wrong")
			assert.Contains(t, out.String(), "No wait wrong, no goroutine left. It takes a whole soak")
			plot, err := os.ReadFile(s.plot)
			require.NoError(t, err)
			assert.Positive(t, lines(t, plot))
		})
	}
}

// Without its service a soak shows nothing more: it ends at once, and says why.
func TestSoakWhoseServiceIsKilled(t *testing.T) {
	t.Setenv("SERVICE_DIES_AFTER", "1500ms")
	dir := t.TempDir()
	s := settings{waits: 20, length: 6 * time.Second, faults: 0.5, csv: filepath.Join(dir, "a.csv"), plot: filepath.Join(dir, "a.svg")}
	var out bytes.Buffer
	err := soak(t.Context(), s, &out)
	assert.ErrorIs(t, err, errDied)
	assert.ErrorContains(t, err, "signal: killed")
	assert.Contains(t, out.String(), "20 waits at a time")
	assert.NotContains(t, out.String(), "the service gave", "the service could not report")
	assert.NotContains(t, err.Error(), "no poll met a fault")
}

// lines counts the paths of an SVG.
func lines(t *testing.T, svg []byte) (paths int) {
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return paths
		}
		require.NoError(t, err)
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "path" {
			paths++
		}
	}
}
