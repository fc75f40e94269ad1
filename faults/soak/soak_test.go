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
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The command starts its own binary again, which here is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		exitOn(serve(os.Args[2:], os.Stdin, os.Stdout))
		return
	}
	goleak.VerifyTestMain(m)
}

func TestAShortSoak(t *testing.T) {
	dir := t.TempDir()
	s := settings{
		waits: 200, length: 4 * time.Second, faults: 0.1,
		csv: filepath.Join(dir, "soak.csv"), plot: filepath.Join(dir, "soak.svg"),
	}
	var out bytes.Buffer
	require.NoError(t, soak(t.Context(), s, &out), out.String())
	t.Log(out.String())
	for _, says := range []string{
		"200 waits at a time for 4s", "0 of them wrongly", "of 26 kinds", "No wait wrong, no goroutine left. It takes a minute",
	} {
		assert.Contains(t, out.String(), says)
	}

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
	assert.InDelta(t, 200, last["waits"], 2)
	assert.Greater(t, last["goroutines"], last["waits"])
	assert.Greater(t, last["polls"], 10*last["failed_polls"]/2)
	assert.Less(t, last["live_heap_bytes"], 50e6)

	plot, err := os.ReadFile(s.plot)
	require.NoError(t, err)
	assert.Positive(t, lines(t, plot))
}

func TestAReportOfWhatWentWrong(t *testing.T) {
	var samples []sample
	for second := range 120 {
		growing := float64(second + 1)
		samples = append(samples, sample{at: time.Duration(growing) * time.Second, live: growing, stacks: 1, goroutines: growing})
	}
	l := &load{wrongs: []error{errors.New("job 7 was told twice")}, left: 3}
	l.wrong.Store(1)
	var out bytes.Buffer
	err := report(&out, settings{waits: 10, length: 2 * time.Minute}, samples, l, served{Polls: 200, Faults: map[string]int{"hang": 3, "cut": 7}})
	assert.Contains(t, out.String(), "1 waits ended, 1 of them wrongly")
	assert.Contains(t, out.String(), "200 answers, and 10 faults among them (5.0 %), of 2 kinds:\n      7 x cut\n      3 x hang\n")
	assert.NotContains(t, out.String(), "Flat")
	for _, says := range []string{"job 7 was told twice", "not flat: MB of heap", "not flat: goroutines", "3 goroutines were left"} {
		assert.ErrorContains(t, err, says)
	}
	assert.ErrorContains(t, report(io.Discard, settings{faults: 0.05}, samples, &load{}, served{}), "nothing is shown")
	assert.ErrorContains(t, report(io.Discard, settings{}, samples[:7], l, served{}), "7 samples are too few")
}

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	require.NoError(t, err)
	assert.Equal(t, settings{10_000, 2 * time.Minute, 0.05, "soak.csv", "soak.svg"}, s)
	for _, args := range [][]string{{"-waits=0"}, {"-for=10ms"}, {"-faults=1.1"}, {"-faults=-1"}, {"5"}} {
		_, err := parse(args)
		assert.Error(t, err, args)
	}
}

// What stops a soak half way is said, and leaves neither a process nor a goroutine.
func TestAnInterruptedSoak(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	s := settings{waits: 20, length: time.Minute, csv: filepath.Join(dir, "a.csv"), plot: filepath.Join(dir, "a.svg")}
	err := soak(ctx, s, io.Discard)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "stopped after")
	s.csv = filepath.Join(dir, "none", "a.csv")
	assert.ErrorIs(t, soak(t.Context(), s, io.Discard), os.ErrNotExist)
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
