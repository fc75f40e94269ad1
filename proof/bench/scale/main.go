// Command scale measures what many live jobs cost in one process: followed by a Tracker, by a
// goroutine each with a Waiter, and by a goroutine each with backoff/v4 alone. Each row of the
// table that it prints is measured in a process of its own, on two cores. It fails if the Tracker
// misses its bounds.
//
//	cd proof/bench && go run ./scale # takes about three minutes and 8 GB of memory
//
// With -update it also writes the table into docs/benchmarks.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strconv"
	"time"
)

func main() {
	child := flag.String("measure", "", "measure one row, and print it as JSON: "+byTracker+", "+byWaiter+" or "+byBackOff)
	jobs := flag.Int("jobs", 1_000_000, "live jobs of the first row; the others have a tenth")
	p := pace{settles: 10 * time.Second, window: 10 * time.Second}
	flag.DurationVar(&p.settles, "settles", p.settles, "how long the first polls of all jobs may take")
	flag.DurationVar(&p.window, "window", p.window, "how long polls are counted")
	rounds := flag.Int("rounds", 1, "how often each row is measured; the one with the fastest polls counts")
	update := flag.Bool("update", false, "write the table into "+benchmarks)
	flag.Parse()
	log.SetFlags(0)
	if *child != "" {
		r, err := measure(*child, *jobs, p)
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(r)
		}
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := run(*jobs, *rounds, p, *update, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(jobs, rounds int, p pace, update bool, out io.Writer) error {
	rows := []row{{What: byTracker, Jobs: jobs}}
	for _, what := range []string{byTracker, byWaiter, byBackOff} { // a million goroutines may take minutes to settle
		rows = append(rows, row{What: what, Jobs: jobs / 10})
	}
	for range rounds { // alternately, because other programs may take the machine for a while
		for i, fastest := range rows {
			r, err := inProcess(fastest.What, fastest.Jobs, p)
			if err != nil {
				return err
			}
			if r.Polls > fastest.Polls {
				rows[i] = r
			}
		}
	}
	text := table(rows)
	fmt.Fprint(out, text)
	if update {
		if err := write(text); err != nil {
			return err
		}
	}
	return errors.Join(misses(rows[1], rows[0])...)
}

// inProcess measures a row in a new process.
func inProcess(what string, jobs int, p pace) (r row, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	c := exec.Command(self, "-measure", what, "-jobs", strconv.Itoa(jobs),
		"-settles", p.settles.String(), "-window", p.window.String())
	c.Env = append(os.Environ(), "GOMAXPROCS=2")
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return r, fmt.Errorf("%s, %d jobs: %w", what, jobs, err)
	}
	return r, json.Unmarshal(text, &r)
}
