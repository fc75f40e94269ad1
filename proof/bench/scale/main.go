// Command scale measures what many live jobs cost in one process: followed by a Tracker, by a
// goroutine each with a Waiter, and by a goroutine each with backoff/v4 alone. Each row of the table
// that it prints is measured in a process of its own. It fails if the Tracker misses its bounds.
//
//	cd proof/bench && go run ./scale # takes about three minutes and 8 GB of memory
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

func main() {
	child := flag.String("measure", "", "measure one row, and print it as JSON: tracker, waiter or backoff")
	jobs := flag.Int("jobs", 1_000_000, "live jobs of the largest rows")
	flag.Parse()
	log.SetFlags(0)
	if *child != "" {
		row, err := measure(*child, *jobs)
		if err != nil {
			log.Fatal(err)
		}
		if err := json.NewEncoder(os.Stdout).Encode(row); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(*jobs, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(jobs int, out io.Writer) error {
	var rows []row
	for _, r := range []struct {
		what string
		jobs int
	}{{"tracker", jobs / 10}, {"tracker", jobs}, {"waiter", jobs}, {"backoff", jobs}} {
		measured, err := inProcess(r.what, r.jobs)
		if err != nil {
			return err
		}
		rows = append(rows, measured)
	}
	fmt.Fprint(out, table(rows))
	return bounds(rows[0], rows[1])
}

func inProcess(what string, jobs int) (r row, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	c := exec.Command(self, "-measure", what, "-jobs", strconv.Itoa(jobs))
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return r, fmt.Errorf("%s, %d jobs: %w", what, jobs, err)
	}
	return r, json.Unmarshal(text, &r)
}

// A row is what one way to follow jobs costs.
type row struct {
	What     string
	Jobs     int
	Heap     float64       // bytes a job, live
	Stack    float64       // bytes a job
	Resident float64       // bytes a job: what the process has, garbage included
	Start    time.Duration // until all jobs are tracked, or all goroutines started
	First    float64       // polls a second until each job has been polled once; each has four transitions
	Polls    float64       // polls a second after that
	Pause    time.Duration // the longest of the garbage collector
}

var names = map[string]string{
	"tracker": "`tracker.Tracker`",
	"waiter":  "a goroutine each, with `Waiter.Wait`",
	"backoff": "a goroutine each, with `backoff.Retry` alone",
}

func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| | jobs | heap a job | stack a job | resident a job | started in | first polls/s | polls/s | longest pause |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %d | %.0f B | %.0f B | %.0f B | %.1f s | %.0f | %.0f | %.1f ms |\n",
			names[r.What], r.Jobs, r.Heap, r.Stack, r.Resident, r.Start.Seconds(), r.First, r.Polls, float64(r.Pause.Microseconds())/1000)
	}
	return b.String()
}

// bounds compares a tenth of the jobs and all of them with what they may cost.
func bounds(few, many row) error {
	memory := (many.Heap + many.Stack) * float64(many.Jobs) / ((few.Heap + few.Stack) * float64(few.Jobs))
	switch {
	case many.Heap > 1536:
		return fmt.Errorf("%.0f bytes of heap a job are more than 1.5 KiB", many.Heap)
	case many.Polls < 50_000:
		return fmt.Errorf("%.0f polls a second are less than 50,000", many.Polls)
	case memory > 12:
		return fmt.Errorf("ten times the jobs take %.1f times the memory, more than 12", memory)
	case few.Polls/many.Polls > 1.5:
		return fmt.Errorf("with ten times the jobs a poll takes %.2f times as long, more than 1.5", few.Polls/many.Polls)
	}
	return nil
}
