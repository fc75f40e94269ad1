package tracker

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller/pace"
)

// Option changes how a [Tracker] behaves. [New] checks it, and its error names the option. The last
// one of a name counts.
type Option func(*options) error

type options struct {
	rate        rate.Limit // 0: none
	burst       int
	concurrency int
	history     *pace.History // nil: none
	journal     Journal       // nil: none
	keepFor     time.Duration
	keep        int
}

// WithRate sets how many polls a second begin at most, for all jobs together, and how many of them
// at the same moment after a pause; there is no limit unless set. When the service refuses a poll
// because there are too many (429), the rate falls to 0.7 of what it is, and rises by 3 % a second,
// up to perSecond.
func WithRate(perSecond rate.Limit, burst int) Option {
	return func(o *options) error {
		switch {
		case !(perSecond > 0): // a NaN too
			return fmt.Errorf("WithRate: %v polls a second; leave the option out for no limit", float64(perSecond))
		case burst < 1:
			return fmt.Errorf("WithRate: a burst of %d allows no poll at all; use 1 or more", burst)
		}
		o.rate, o.burst = min(perSecond, rate.Inf), burst
		return nil
	}
}

// WithConcurrency sets how many polls are in flight at most; 64 unless set, which is how many
// connections a poller.Client has. Last looks before the deadline of a [Tracker.Wait] come on top.
func WithConcurrency(n int) Option {
	return func(o *options) error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d polls in flight; use 1 or more", n)
		}
		o.concurrency = n
		return nil
	}
}

// WithHistory has h schedule the polls, in place of the Waiter's WithBackOff, and learn from them.
// If more jobs are due than the rate allows to poll, the job whose end is most overdue, by what h
// has learned, comes first. Without it, the job that has been due for longest comes first.
func WithHistory(h *pace.History) Option {
	return func(o *options) error {
		if h == nil {
			return errors.New("WithHistory: the History is nil: did its constructor return an error?")
		}
		o.history = h
		return nil
	}
}

// WithJournal stores in j which jobs are tracked and what was delivered of each, so that a process
// that dies goes on where it was. [New] reads it. Without a journal, all is forgotten at the end of
// the process.
func WithJournal(j Journal) Option {
	return func(o *options) error {
		if wait.IsNil(j) {
			return errors.New("WithJournal: the Journal is nil: did its constructor return an error?")
		}
		o.journal = j
		return nil
	}
}

// WithRetention sets for how long after its end a job stays tracked, and how many such jobs there
// are at most; 1 h and 100,000 unless set. Zero of either means that a job leaves when it has
// ended. So does a job that the service does not know. A job whose end was not seen for another
// reason, such as a rejected credential, stays until [Tracker.Track] follows it again, or
// [Tracker.Forget]. A job that has left is as if it had never been tracked.
func WithRetention(d time.Duration, jobs int) Option {
	return func(o *options) error {
		if d < 0 || jobs < 0 {
			return fmt.Errorf("WithRetention: %v, %d jobs: neither may be negative", d, jobs)
		}
		o.keepFor, o.keep = d, jobs
		return nil
	}
}
