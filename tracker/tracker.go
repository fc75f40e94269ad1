package tracker

import (
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/internal/wait"
)

// Tracker awaits many jobs under one request budget. [New] makes one, and [Tracker.Run] is what
// polls: without it, jobs can be tracked and asked for, but nothing happens to them. It is safe for
// concurrent use, also from within its callbacks.
type Tracker struct {
	config  wait.Config // each job is followed by it
	options options
	journal *commits // nil: none

	mu          sync.Mutex // guards the rest, and what a job says it does
	schedule    *schedule.Schedule
	byID        map[id]*job
	jobs        []*job // by number; nil where the number is free
	free        []schedule.Job
	waits       map[*job][]*waiting
	finished    list.List // of *job, in the order of their ends
	unseen      list.List // of *job, whose wait has ended, and whose own end was not seen
	undelivered []*job    // in the order of their polls
	readers     map[*reader]struct{}
	took        time.Duration            // by responses lately: a maximum that decays
	contexts    map[*job]context.Context // what the WaitStart hooks returned, for as long as the wait's end is not reported; nil without hooks
	polls       uint64
	throttled   uint64

	running    bool
	delivering int       // goroutines
	armed      time.Time // when Run wakes by itself; zero if it does not
	kick       chan struct{}
}

// New returns a Tracker that follows each job as w would: with its Poller, callbacks, checkpoints,
// hooks, limiter, and all else that w was given. With [WithJournal] it tracks what the journal
// says. The error names the option that is wrong, or says what is wrong with the journal.
func New(w *waiter.Waiter, opts ...Option) (*Tracker, error) {
	if w == nil {
		return nil, errors.New("tracker: the Waiter is nil: did its constructor return an error?")
	}
	o := options{concurrency: 64, keepFor: time.Hour, keep: 100_000}
	for i, option := range opts {
		if option == nil {
			return nil, fmt.Errorf("tracker: option %d is nil", i+1)
		}
		if err := option(&o); err != nil {
			return nil, fmt.Errorf("tracker: %w", err)
		}
	}
	t := &Tracker{
		config: *wait.Of(w), options: o, byID: make(map[id]*job), waits: make(map[*job][]*waiting),
		readers: make(map[*reader]struct{}), kick: make(chan struct{}, 1),
	}
	if len(t.config.Hooks) > 0 {
		t.contexts = make(map[*job]context.Context)
	}
	limits := schedule.Config{Rate: o.rate, Burst: o.burst, Concurrency: o.concurrency}
	if o.history != nil {
		t.config.Schedules[follow.Progress] = o.history.BackOff
		limits.Rank = t.rank
	}
	t.schedule = schedule.New(limits, time.Now())
	if o.journal == nil {
		return t, nil
	}
	t.journal = newCommits(o.journal)
	if err := t.load(); err != nil {
		return nil, fmt.Errorf("tracker: the journal: %w", err)
	}
	return t, nil
}

// rank returns how urgent a due job is. t.mu is held.
func (t *Tracker) rank(n schedule.Job, now time.Time) float64 {
	j := t.jobs[n]
	return j.Odds(j.tried, now)
}

// An id stands for all spellings of a job's id, in half the memory of one.
type id [16]byte

func idOf(jobID string) id {
	sum := sha256.Sum256([]byte(key(jobID)))
	return id(sum[:len(id{})])
}

// key is the same for ids that name the same job: see status.SameID.
func key(jobID string) string { return strings.Map(folded, jobID) }

// folded returns one letter for all that strings.EqualFold takes for the same; of a dash nothing.
func folded(letter rune) rune {
	if letter == '-' {
		return -1
	}
	least := letter
	for r := unicode.SimpleFold(letter); r != letter; r = unicode.SimpleFold(r) {
		least = min(least, r)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
