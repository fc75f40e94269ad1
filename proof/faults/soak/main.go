// Command soak keeps ten thousand waits on one Waiter going for minutes of real time, while one in
// twenty polls meets a fault. It reports whether heap and goroutines stay flat, and whether every
// wait ends as its job did.
//
//	go run ./soak                                  # 10,000 waits, two minutes, 5 %
//	go run ./soak -waits 1000 -for 30s -faults 0.2 # something shorter
//
// The job service runs in a second process, which the command starts from its own binary as "soak
// serve": the service remembers each request, and only the waiter's memory matters here. Polls go
// over TCP on the loopback.
//
// Each second becomes a line of the CSV file, and the plot shows them all. Ctrl-C ends the soak
// early: it draws and reports what there is by then, except whether it is flat. The exit status is
// 1 if the soak was stopped, a wait ended wrongly, something was not flat, the polls died down, or
// a goroutine was left. It is 2 if a flag is invalid.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		signal.Ignore(os.Interrupt, syscall.SIGTERM) // the parent handles them
		share, longest, err := parseService(os.Args[2:])
		exitOn(err, 2)
		exitOn(serve(share, longest, os.Stdin, os.Stdout), 1)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process
	s, err := parse(os.Args[1:])
	exitOn(err, 2)
	exitOn(soak(ctx, s, os.Stdout), 1)
}

// exitOn exits with code, or with 0 if err is flag.ErrHelp.
func exitOn(err error, code int) {
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	default:
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(code)
	}
}

type settings struct {
	waits     int
	length    time.Duration
	faults    float64 // of all polls, from 0 to 1
	csv, plot string  // files
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.IntVar(&s.waits, "waits", 10_000, "how many at a time")
	flags.DurationVar(&s.length, "for", 2*time.Minute, "how long")
	flags.Float64Var(&s.faults, "faults", 0.05, "the share of polls that go wrong")
	flags.StringVar(&s.csv, "csv", "soak.csv", "file to write a line per second to")
	flags.StringVar(&s.plot, "plot", "soak.svg", "file to draw the plot to")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("what is %q? There are only flags: see -help", flags.Arg(0))
	case s.waits < 1, s.length < time.Second, s.length > 24*time.Hour, !(s.faults >= 0 && s.faults <= 1): // NaN is neither
		return s, errors.New("-waits is 1 or more, -for from 1s to 24h, -faults from 0 to 1")
	case s.csv == "", s.plot == "":
		return s, errors.New("-csv or -plot is empty: it is the name of a file")
	case sameFile(s.csv, s.plot) && s.csv != os.DevNull:
		return s, fmt.Errorf("-csv and -plot are the same file: %s", s.csv)
	}
	return s, nil
}

// sameFile reports whether writing one file would destroy the other.
func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	if errA == nil && errB == nil && absA == absB {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// writable returns why a file cannot be written later. It changes nothing.
func writable(file string) error {
	_, missing := os.Lstat(file)
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666) // os.Create without O_TRUNC
	if err != nil {
		return err
	}
	err = f.Close()
	if errors.Is(missing, os.ErrNotExist) {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// soak runs everything, and reports to out. The error says what was wrong.
func soak(ctx context.Context, s settings, out io.Writer) error {
	if err := errors.Join(writable(s.csv), writable(s.plot)); err != nil {
		return err
	}
	ctx, died := context.WithCancelCause(ctx)
	defer died(nil)
	service, err := startService(s, died)
	if err != nil {
		return err
	}
	samples, load, stopped := run(ctx, s, service.endpoint)
	served, err := service.stop()
	if len(samples) > 1 {
		err = errors.Join(err, drawTo(s.plot, samples))
	}
	return errors.Join(stopped, err, report(out, s, samples, load, served))
}
