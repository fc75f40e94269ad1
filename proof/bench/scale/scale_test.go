package main

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test's program measure a row, as the command does in a process of its own.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-measure") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	const jobs = 2000
	for _, what := range []string{byTracker, byWaiter, byBackOff} {
		t.Run(what, func(t *testing.T) {
			r, err := inProcess(what, jobs, pace{time.Second, 100 * time.Millisecond})
			require.NoError(t, err)
			require.Equal(t, what, r.What)
			require.Equal(t, jobs, r.Jobs)
			require.Positive(t, r.Start)
			require.Positive(t, r.First)
			require.Positive(t, r.Polls)
			require.Positive(t, r.CPU)
			require.Positive(t, r.Pauses)
			require.Positive(t, r.Paused)
			require.Positive(t, r.Longest)
			require.Greater(t, r.Heap, 100.) // a schedule, at least
			require.Greater(t, r.Resident, r.Heap)
			require.Equal(t, what != byTracker, r.Stack > 1024, "%v bytes of stack a job", r.Stack)
		})
	}

	t.Run("what is unknown", func(t *testing.T) {
		_, err := measure("", jobs, pace{})
		require.EqualError(t, err, `unknown: ""`)
	})
}

func TestTable(t *testing.T) {
	const head = "| | jobs | heap a job | stack a job | resident a job | started in | first polls/s | polls/s | CPU a poll | GC pauses: longest | total |\n" +
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
	require.Equal(t, head+"| **`tracker.Tracker`** | 1,000,000 | 1,500 B | 0 B | 4,000 B | 4.5 s | 100 | 123,457 | 8.8 µs | 1.2 ms | 35 ms in 18 |\n",
		table([]row{{
			What: byTracker, Jobs: 1_000_000, Heap: 1500, Stack: 0.3, Resident: 4000, Start: 4500 * time.Millisecond,
			First: 100, Polls: 123_456.7, CPU: 8790, Pauses: 18, Paused: 35 * time.Millisecond, Longest: 1180 * time.Microsecond,
		}}))
}

func TestMisses(t *testing.T) {
	few := row{Jobs: 100, Heap: 1400, CPU: 8 * time.Microsecond}
	good := row{Jobs: 1000, Heap: 1536, Polls: 50_000, CPU: 12 * time.Microsecond}
	require.Empty(t, misses(few, good))
	for want, change := range map[string]func(few, many *row){
		"1537 bytes of heap a job are more than 1.5 KiB":                               func(_, many *row) { many.Heap = 1537 },
		"49999 polls a second are less than 50,000; the process got 0.30 of two cores": func(_, many *row) { many.Polls = 49_999 },
		"ten times the jobs take 12.8 times the memory, more than 12":                  func(few, _ *row) { few.Heap = 1200 },
		"with ten times the jobs a poll takes 1.51 times as long, more than 1.5":       func(_, many *row) { many.CPU = 12_080 },
		"ten times the jobs take +Inf times the memory, more than 12":                  func(few, _ *row) { few.Heap = 0 },
		"with ten times the jobs a poll takes NaN times as long, more than 1.5":        func(few, many *row) { few.CPU, many.CPU = 0, 0 },
	} {
		few, many := few, good
		change(&few, &many)
		require.EqualError(t, errors.Join(misses(few, many)...), want)
	}
}
