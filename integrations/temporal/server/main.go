// Command server is a development server of Temporal in one process: it keeps workflows in a
// SQLite file. It has no web page, no authentication, and listens on this machine only.
//
//	go run . -file temporal.sqlite      # on 127.0.0.1:7233, where the SDK looks by default
//
// It is a module of its own, because Temporal's server takes minutes to compile.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	file := flag.String("file", "", "where to keep the workflows; required")
	port := flag.Int("port", 7233, "the port of the frontend")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills
	if err := run(ctx, *file, *port); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, file string, port int) error {
	s, err := newServer(file, port)
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	fmt.Printf("Temporal is at 127.0.0.1:%d\n", port)
	<-ctx.Done()
	return s.Stop()
}
