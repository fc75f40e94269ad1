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
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
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
		"200 waits at a time for 4s", "0 of them wrongly", "of 26 kinds", "No wait wrong, no goroutine left. It takes a whole soak",
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
	assert.NoError(t, report(io.Discard, settings{length: 3 * time.Minute}, samples, &load{}, served{}), "stopped: waits may still begin")
	assert.ErrorContains(t, report(io.Discard, settings{}, samples[:7], l, served{}), "7 samples are too few")
}

func TestFlags(t *testing.T) {
	s, err := parse(nil)
	require.NoError(t, err)
	assert.Equal(t, settings{10_000, 2 * time.Minute, 0.05, "soak.csv", "soak.svg"}, s)
	for _, args := range [][]string{
		{"-waits=1", "-for=1s", "-faults=0"}, {"-for=24h", "-faults=1"}, {"-csv=/dev/null", "-plot=/dev/null"},
	} {
		_, err := parse(args)
		assert.NoError(t, err, args)
	}
	for _, args := range [][]string{
		{"-waits=0"}, {"-waits=-1"}, {"-for=10ms"}, {"-for=0"}, {"-for=-1m"}, {"-for=24h1ns"}, {"-for=2562047h"},
		{"-faults=1.1"}, {"-faults=-1"}, {"-faults=NaN"}, {"-faults=Inf"}, {"-faults=-Inf"},
	} {
		_, err := parse(args)
		assert.ErrorContains(t, err, "-waits is 1 or more, -for from 1s to 24h, -faults from 0 to 1", args)
	}
	for _, args := range [][]string{{"5"}, {"-for=NaN"}, {"-csv=a", "-plot=./a"}} {
		_, err := parse(args)
		assert.Error(t, err, args)
	}
}

// A file that can't be written is known at once, and nothing was written.
func TestFilesThatCannotBeWritten(t *testing.T) {
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

// Where most polls fail, a job may get its one 404 before anything else, and late.
func TestA404EndsNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, lost := time.Now(), false
		p := poller.Func(func(context.Context, string) (status.Job, error) {
			switch {
			case time.Since(began) < time.Minute:
				return status.Job{}, io.EOF
			case !lost:
				lost = true
				return status.Job{}, &poller.Error{StatusCode: 404}
			}
			return status.Job{Status: status.Success}, nil
		})
		w, err := waiter.New(p, settings{length: 2 * time.Minute}.options()...)
		require.NoError(t, err)
		_, err = w.Wait(t.Context(), "job")
		assert.NoError(t, err)
		assert.True(t, lost)
	})
}

// What stops a soak is said, beside what it has shown until then, and leaves neither a
// process nor a goroutine.
func TestAnInterruptedSoak(t *testing.T) {
	dir := t.TempDir()
	s := settings{waits: 20, faults: 0.5, csv: filepath.Join(dir, "a.csv"), plot: filepath.Join(dir, "a.svg")}
	for length, shows := range map[time.Duration]bool{3 * time.Second: true, time.Hour: false} {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		s.length = length
		var out bytes.Buffer
		err := soak(ctx, s, &out)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "stopped after 1.")
		if !shows {
			assert.ErrorContains(t, err, "1 samples are too few")
			continue
		}
		assert.NotContains(t, err.Error(), "\n", "that is all that is wrong")
		assert.Contains(t, out.String(), "No wait wrong, no goroutine left. It takes a whole soak")
		text, err := os.ReadFile(s.csv)
		require.NoError(t, err)
		assert.Greater(t, bytes.Count(text, []byte("\n")), 8)
		plot, err := os.ReadFile(s.plot)
		require.NoError(t, err)
		assert.Positive(t, lines(t, plot))
	}
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
