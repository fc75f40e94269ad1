package tracker

import (
	"container/list"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/internal/wait"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
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
	byKey       map[string]*job
	jobs        []*job // by number; nil where the number is free
	free        []schedule.Job
	waits       map[*job][]*waiting
	finished    list.List // of *job, in the order of their ends
	undelivered []*job    // in the order of their polls
	readers     map[*reader]struct{}
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
		config: *wait.Of(w), options: o, byKey: make(map[string]*job), waits: make(map[*job][]*waiting),
		readers: make(map[*reader]struct{}), kick: make(chan struct{}, 1),
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
	return t, t.load()
}

// rank returns how urgent a due job is. t.mu is held.
func (t *Tracker) rank(n schedule.Job, now time.Time) float64 {
	j := t.jobs[n]
	return j.Odds(j.tried, now)
}

// Track begins to follow jobs: a [status.Job] with an ID alone, or a checkpoint to go on from, of
// which what it shows is not delivered again. A job that is tracked already, by its id with or
// without dashes, stays as it is. With a journal, what Track has returned for is not forgotten by a
// crash.
//
// An id that cannot be polled is an error, and then none of the jobs is tracked. After an error of
// the journal some may be: call Track again with the same jobs.
func (t *Tracker) Track(jobs ...status.Job) error {
	var wrong []error
	for i, j := range jobs {
		if err := poller.CheckID(j.ID); err != nil && len(wrong) < 3 {
			wrong = append(wrong, fmt.Errorf("job %d of %d: %w", i+1, len(jobs), err))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("tracker: Track: nothing is tracked: %w", errors.Join(wrong...))
	}
	for chunk := range slices.Chunk(jobs, 10_000) {
		if err := t.track(chunk, nil); err != nil {
			return fmt.Errorf("tracker: Track: %w", err)
		}
	}
	return nil
}

// track tracks jobs, and has w, unless it is nil, wait for each.
func (t *Tracker) track(jobs []status.Job, w *waiting) error {
	for len(jobs) > 0 {
		var err error
		if jobs, err = t.trackAbsent(jobs, w); err != nil {
			return err
		}
	}
	return nil
}

// trackAbsent tracks jobs that are not tracked yet. It returns which of them are still not: those
// that another call was about to track when its journal failed.
func (t *Tracker) trackAbsent(jobs []status.Job, w *waiting) (again []status.Job, err error) {
	t.mu.Lock()
	absent := slices.DeleteFunc(slices.Clone(jobs), func(j status.Job) bool { return t.byKey[key(j.ID)] != nil })
	t.mu.Unlock()
	var made, own []*job
	var records [][]byte
	for _, checkpoint := range absent {
		j, err := t.follow(checkpoint)
		if err != nil {
			return nil, err
		}
		made = append(made, j)
		records = append(records, t.encode(&j.State, time.Until(j.due)))
	}

	t.mu.Lock()
	for i, j := range made {
		if t.insert(j) {
			own = append(own, j)
			t.journal.add(j, records[i])
		} else {
			defer j.Abandon()
		}
	}
	t.mu.Unlock()
	if err = t.journal.flush(); err != nil {
		err = fmt.Errorf("the journal: %w. Fix that, then track the same jobs again: those that are tracked stay as they are", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		for _, j := range own {
			if j.state == reserved {
				t.remove(j)
				defer j.abandon()
			}
		}
		return nil, err
	}
	for _, checkpoint := range jobs {
		switch j := t.byKey[key(checkpoint.ID)]; {
		case j == nil:
			again = append(again, checkpoint)
		case j.state == reserved:
			t.await(j, w)
			t.begin(j)
		default:
			t.await(j, w)
		}
	}
	return again, nil
}

// follow returns a job that is not tracked yet.
func (t *Tracker) follow(checkpoint status.Job) (*job, error) {
	f, err := wait.New(&t.config)
	if err != nil {
		return nil, err
	}
	f.Once = true
	if err := f.Begin(checkpoint.Clone()); err != nil {
		return nil, err
	}
	j := &job{Follower: f, due: f.State.Started}
	if f.Outcome() == nil { // the checkpoint does not show it
		if delay := f.Start(); delay > 0 {
			j.due = j.due.Add(delay)
			f.State.Planned(j.due)
		}
	}
	return j, nil
}

// insert gives j a number, unless its id is tracked already. t.mu is held.
func (t *Tracker) insert(j *job) bool {
	k := key(j.State.Job.ID)
	if t.byKey[k] != nil {
		return false
	}
	t.byKey[k] = j
	if n := len(t.free); n > 0 {
		j.number, t.free = t.free[n-1], t.free[:n-1]
		t.jobs[j.number] = j
	} else {
		j.number = schedule.Job(len(t.jobs)) //nolint:gosec // two billion jobs do not fit in memory
		t.jobs = append(t.jobs, j)
	}
	return true
}

// begin has a job that was inserted polled, unless it has ended. t.mu is held.
func (t *Tracker) begin(j *job) {
	if j.State.End != follow.Open {
		t.finish(j, time.Now())
		return
	}
	j.state = followed
	t.add(j, j.due)
}

// Forget stops following jobs, whatever they are doing: a poll in flight is not waited for, and
// what it brings is not delivered; a transition that is being delivered is the last one. A call of
// [Tracker.Wait] for such a job returns [ErrForgotten]. Ids that are not tracked are ignored.
func (t *Tracker) Forget(jobIDs ...string) {
	var idle []*job
	t.mu.Lock()
	for _, id := range jobIDs {
		if j := t.byKey[key(id)]; j != nil {
			if t.remove(j); j.flight == nil {
				idle = append(idle, j)
			}
		}
	}
	t.mu.Unlock()
	for _, j := range idle {
		j.abandon()
	}
	_ = t.journal.flush() // the next commit has the same error
}

// remove forgets a job. t.mu is held.
func (t *Tracker) remove(j *job) {
	delete(t.byKey, key(j.State.Job.ID))
	t.journal.remove(j)
	if j.place != nil {
		t.finished.Remove(j.place)
	}
	if j.state != finished {
		j.state = forgotten
	}
	t.schedule.Remove(j.number)
	t.wake(j)
	if j.flight == nil {
		t.release(j)
	}
}

// release frees a job's number. t.mu is held.
func (t *Tracker) release(j *job) {
	t.jobs[j.number] = nil
	t.free = append(t.free, j.number)
}

// ErrForgotten is in the error of [Tracker.Wait] for a job that [Tracker.Forget] was called for.
var ErrForgotten = errors.New("the tracker has forgotten it (Tracker.Forget)")

// key is the same for ids that name the same job: see status.SameID.
func key(jobID string) string { return strings.ToLower(strings.ReplaceAll(jobID, "-", "")) }
