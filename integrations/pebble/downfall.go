package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A downfall is the logger of a database, because that is how Pebble says that it cannot go on: it
// calls Fatalf, on any goroutine and with any lock held, and expects the process to end. Here that
// goroutine stays where it is for the rest of the process, and the database is not touched any
// more.
type downfall struct {
	once sync.Once
	down chan struct{}
	err  error // set before down is closed
}

func newDownfall() *downfall { return &downfall{down: make(chan struct{})} }

func (d *downfall) Infof(string, ...any)  {}
func (d *downfall) Errorf(string, ...any) {}

func (d *downfall) Fatalf(format string, args ...any) {
	d.fail(fmt.Errorf(strings.ReplaceAll(format, "%v", "%w"), args...))
	select {} // to end it would run Pebble's own deferred calls, which panic
}

// fail ends the use of the database.
func (d *downfall) fail(err error) {
	d.once.Do(func() {
		d.err = fatalError{err}
		close(d.down)
	})
}

// guard calls f on a goroutine that Fatalf may stop, and returns what f does, or why the database
// cannot go on.
func (d *downfall) guard(f func() error) error {
	select {
	case <-d.down:
		return d.err
	default:
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("pebble has panicked: %v", v)
				d.fail(err)
			}
			done <- err
		}()
		err = f()
	}()
	select {
	case err := <-done:
		return err
	case <-d.down:
		return d.err
	}
}

// fatalError is why a database cannot go on.
type fatalError struct{ error }

func (e fatalError) Unwrap() error { return e.error }

// usable reports whether there is a database in dir, and what is wrong with dir before Pebble
// writes into it.
func usable(dir string, fs vfs.FS) (exists bool, err error) {
	if dir == "" {
		return false, errors.New("the directory's name is empty")
	}
	if info, err := fs.Stat(dir); err == nil && !info.IsDir() {
		return false, errors.New("it is a file: give a directory that is empty, or does not exist")
	}
	names, err := fs.List(dir)
	if err != nil || len(names) == 0 { // a directory that does not exist is made
		return false, nil //nolint:nilerr // Pebble says what is wrong with it
	}
	found, err := pebble.Peek(dir, fs)
	if err != nil || found.Exists {
		return err == nil, err
	}
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, ".sst"), strings.HasSuffix(name, ".log"), strings.HasPrefix(name, "MANIFEST-"):
			return false, errors.New("it is damaged: files of it are missing. " + restore)
		case name == "LOCK", strings.HasPrefix(name, "marker."), strings.HasPrefix(name, "OPTIONS-"): // of a first Open that died
		default:
			return false, fmt.Errorf("it holds other files, such as %q: give a directory that is empty, or does not exist", name)
		}
	}
	return false, nil
}

const restore = "Restore a copy, or move it away and track the jobs again"

// advised is an error in one line, with what to do.
type advised struct {
	text string
	error
}

func (l advised) Error() string { return l.text }
func (l advised) Unwrap() error { return l.error }

// explained adds what to do.
func explained(err error) error {
	says, _, _ := strings.Cut(err.Error(), "\n")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(says, word) })
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		says = "the disk is full: " + says + ". Make room, then restart the process"
	case has("it is damaged"):
	case pebble.IsCorruptionError(err), has("corrupt", "size mismatch", "pristine", "could not open manifest", "object", "file does not exist", "no such file"):
		says = "it is damaged: " + says + ". " + restore
	case errors.Is(err, syscall.EAGAIN), has("lock held by current process"):
		says = "another Journal has it open, in this process or another one: close that first: " + says
	case errors.Is(err, fs.ErrPermission):
		says += ": give this user the right to write there"
	case has("format major version"):
		says = "it was written by another version: " + says + ": use the program that wrote it"
	case errors.As(err, new(fatalError)):
		says = "it could not be written: " + says + ". Fix that, then restart the process"
	}
	return advised{says, err}
}
