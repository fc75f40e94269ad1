package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A downfall is the logger of a database, because that is how Pebble says that it cannot go on: it
// calls Fatalf, on any goroutine and with any lock held, and expects the process to end. Here only
// the goroutine does, and the database is not touched any more.
type downfall struct {
	once sync.Once
	down chan struct{}
	err  error // set before down is closed
}

func newDownfall() *downfall { return &downfall{down: make(chan struct{})} }

func (d *downfall) Infof(string, ...any)  {}
func (d *downfall) Errorf(string, ...any) {}

func (d *downfall) Fatalf(format string, args ...any) {
	d.once.Do(func() {
		d.err = fatalError{fmt.Errorf(strings.ReplaceAll(format, "%v", "%w"), args...)}
		close(d.down)
	})
	runtime.Goexit()
}

// guard calls f on a goroutine that Fatalf may end, and returns what f does, or why the database
// cannot go on.
func (d *downfall) guard(f func() error) error {
	select {
	case <-d.down:
		return d.err
	default:
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-d.down:
		return d.err
	}
}

// fatalError is what Fatalf was called with.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// usable reports what is wrong with dir before Pebble writes into it.
func usable(dir string, fs vfs.FS) error {
	if dir == "" {
		return errors.New("the directory's name is empty")
	}
	if info, err := fs.Stat(dir); err == nil && !info.IsDir() {
		return errors.New("it is a file: give a directory that is empty, or does not exist")
	}
	names, err := fs.List(dir)
	if err != nil || len(names) == 0 { // a directory that does not exist is made
		return nil //nolint:nilerr // Pebble says what is wrong with it
	}
	for _, name := range names {
		if name == "LOCK" || strings.HasPrefix(name, "marker.") || strings.HasPrefix(name, "MANIFEST-") {
			return nil
		}
	}
	return fmt.Errorf("it holds other files, such as %q: give a directory that is empty, or does not exist", names[0])
}

// explained adds what to do.
func explained(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: %w. Make room, then restart the process", err)
	case errors.As(err, new(fatalError)):
		return fmt.Errorf("it could not be written: %w. Fix that, then restart the process", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: give this user the right to write there", err)
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES), strings.Contains(err.Error(), "lock held by current process"):
		return fmt.Errorf("another Journal has it open, in this process or another one: close that first: %w", err)
	case pebble.IsCorruptionError(err), strings.Contains(err.Error(), "corrupt"):
		return fmt.Errorf("it is damaged: %w. Restore a copy, or move it away and track the jobs again", err)
	case strings.Contains(err.Error(), "format major version"):
		return fmt.Errorf("it was written by another version: %w: use the program that wrote it", err)
	}
	return err
}
