package tracker

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is what [Tracker.Run] panics with, on the goroutine that called it, after something
// that it called has panicked on another one.
type PanicError struct {
	Recovered any    // what it panicked with
	Stack     []byte // of the goroutine on which it did
}

// Error includes the stack.
func (p *PanicError) Error() string {
	return fmt.Sprintf("tracker: a callback, hook, Poller, limiter or Journal panicked: %v\n\n%s", p.Recovered, p.Stack)
}

// Unwrap returns Recovered if it is an error, and nil otherwise.
func (p *PanicError) Unwrap() error {
	err, _ := p.Recovered.(error)
	return err
}

var errGoexit = errors.New("a callback, hook, Poller, limiter or Journal ended its goroutine (runtime.Goexit)")

// guard calls f for a job. If f panics, or ends the goroutine, so does the run, and the job is
// polled again: what was not delivered yet shows then.
func (r *run) guard(j *job, f func()) {
	r.protect(f, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if j.flight == nil { // it has landed
			return
		}
		if j.flight.began.IsZero() {
			j.reopen(j.flight.delivered)
		} else {
			j.State = j.flight.view
		}
		r.land(j, outcome{})
	})
}

// protect calls f. If f panics, or ends the goroutine, the run ends, and undo is called.
func (r *run) protect(f, undo func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			r.fail(&PanicError{v, debug.Stack()})
		} else {
			r.fail(errGoexit)
		}
		undo()
	}()
	f()
	returned = true
}
