package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

const benchmarks = "../../docs/benchmarks.md"

// A row is what one way to follow jobs costs.
type row struct {
	What     string
	Jobs     int
	Heap     float64       // bytes a job, live, when all jobs sleep
	Stack    float64       // bytes a job, then
	Resident float64       // bytes a job: the most that the process had in memory, garbage included
	Start    time.Duration // until all jobs are tracked, or all goroutines started
	First    float64       // polls a second until there are as many as jobs, and their four transitions each are delivered
	Polls    float64       // polls a second after that, as fast as they go
	CPU      time.Duration // of both cores together, a poll, then
	Pauses   int           // of the garbage collector, from the start to the last poll
	Paused   time.Duration // in all of them
	Longest  time.Duration // in one
}

const (
	byTracker = "tracker"
	byWaiter  = "waiter"
	byBackOff = "backoff"
)

var names = map[string]string{
	byTracker: "**`tracker.Tracker`**",
	byWaiter:  "a goroutine each, `Waiter.Wait`",
	byBackOff: "a goroutine each, `backoff.Retry` alone",
}

// table returns Markdown.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| | jobs | heap a job | stack a job | resident a job | started in | first polls/s | polls/s | CPU a poll | GC pauses: longest | total |\n")
	b.WriteString("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s B | %s B | %s B | %.1f s | %s | %s | %.1f µs | %.1f ms | %.0f ms in %d |\n",
			names[r.What], grouped(r.Jobs), grouped(r.Heap), grouped(r.Stack), grouped(r.Resident), r.Start.Seconds(),
			grouped(r.First), grouped(r.Polls), float64(r.CPU)/1e3, float64(r.Longest)/1e6, float64(r.Paused)/1e6, r.Pauses)
	}
	return b.String()
}

// grouped returns n with commas.
func grouped[N int | float64](n N) string {
	text := fmt.Sprintf("%.0f", float64(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// misses compares a tenth of the jobs and all of them with what they may cost. The time that ten
// times the jobs take is CPU time, because two processes do not get the same share of a busy
// machine.
func misses(few, many row) (errs []error) {
	memory := (many.Heap + many.Stack) * float64(many.Jobs) / ((few.Heap + few.Stack) * float64(few.Jobs))
	slower := float64(many.CPU) / float64(few.CPU)
	if many.Heap > 1536 {
		errs = append(errs, fmt.Errorf("%.0f bytes of heap a job are more than 1.5 KiB", many.Heap))
	}
	if many.Polls < 50_000 {
		errs = append(errs, fmt.Errorf("%.0f polls a second are less than 50,000; the process got %.2f of two cores",
			many.Polls, many.Polls*many.CPU.Seconds()/2))
	}
	if !(memory <= 12) { // a NaN too
		errs = append(errs, fmt.Errorf("ten times the jobs take %.1f times the memory, more than 12", memory))
	}
	if !(slower <= 1.5) {
		errs = append(errs, fmt.Errorf("with ten times the jobs a poll takes %.2f times as long, more than 1.5", slower))
	}
	return errs
}

// write writes the table into the benchmarks.
func write(table string) error {
	const begin, end = "<!-- scale -->\n", "<!-- end of scale -->"
	text, err := os.ReadFile(benchmarks)
	if err != nil {
		return err
	}
	before, rest, opened := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		return fmt.Errorf("%s has no place for the table: %q", benchmarks, begin)
	}
	return os.WriteFile(benchmarks, []byte(before+begin+"\n"+table+"\n"+end+after), 0o644)
}
