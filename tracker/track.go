package tracker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/internal/schedule"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// Track begins to follow jobs. Each is a [status.Job] with an ID alone, or a checkpoint to go on
// from: what a checkpoint shows is not delivered again. A job that is tracked already stays as it
// is; an id with and without dashes, in either case, is the same job. A job whose end was not seen,
// because something such as a rejected credential ended the wait for it, is followed again from
// where it was. With a journal, the jobs survive a crash once Track has returned nil.
//
// An id that cannot be polled is an error, and then none of the jobs is tracked. After an error of
// the journal some may be: call Track again with the same jobs.
func (t *Tracker) Track(jobs ...status.Job) error {
	var wrong []error
	for i, j := range jobs {
		if err := poller.CheckID(j.ID); err != nil {
			wrong = append(wrong, fmt.Errorf("job %d of %d: %w", i+1, len(jobs), err))
		}
	}
	if n := len(wrong); n > 3 {
		wrong = append(wrong[:3], fmt.Errorf("and %d more", n-3))
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

// track tracks jobs, and has w, unless it is nil, wait for each: then they are committed later. It
// tries again and again, because another call that was about to track one of them may fail.
func (t *Tracker) track(jobs []status.Job, w *waiting) error {
	for len(jobs) > 0 {
		list, held, err := t.makeAbsent(jobs, w)
		if err != nil {
			return err
		}
		own := t.insertAll(list, held)
		if w == nil { // a wait must not outlast its context because of a commit
			if err := t.commit(own); err != nil {
				return fmt.Errorf("the journal: %w. Fix that, then track the same jobs again: those that are tracked stay as they are", err)
			}
		}
		jobs = t.beginAll(jobs, w, held)
	}
	return nil
}

// made is a job that is not tracked yet, with its record.
type made struct {
	*job
	record []byte
	again  bool // it was tracked before
}

// makeAbsent returns those of the jobs that are not tracked, and unless w is to wait for them also
// those that may go on; and which ones another call is about to track.
func (t *Tracker) makeAbsent(jobs []status.Job, w *waiting) (list []made, held map[id]bool, err error) {
	held = make(map[id]bool)
	type absence struct {
		checkpoint status.Job
		again      bool
		carried    string
	}
	var absent []absence
	t.mu.Lock()
	for _, checkpoint := range jobs {
		j := t.byID[idOf(checkpoint.ID)]
		if j != nil && !(w == nil && j.mayGoOn()) {
			if j.state == reserved {
				held[idOf(checkpoint.ID)] = true
			}
			continue
		}
		a := absence{checkpoint: checkpoint, again: j != nil}
		if a.again {
			if a.carried = j.Carried; checkpoint.Status == "" {
				a.checkpoint = j.State.Job
			}
		}
		absent = append(absent, a)
	}
	t.mu.Unlock()
	list = make([]made, 0, len(absent))
	for _, a := range absent {
		j, err := t.follow(a.checkpoint)
		if err != nil {
			return nil, nil, err
		}
		if j.Carried = a.carried; w != nil {
			j.Carry(w.ctx)
		}
		list = append(list, made{j, t.encode(j, &j.State, j.due), a.again})
	}
	return list, held, nil
}

// insertAll returns those that were not tracked before, and are not by another call meanwhile.
// Those that are followed again go on at once, because the journal has them.
func (t *Tracker) insertAll(list []made, held map[id]bool) (own []*job) {
	var not []*job
	t.mu.Lock()
	for _, m := range list {
		if !t.insert(m.job) {
			not = append(not, m.job)
			held[idOf(m.State.Job.ID)] = true
			continue
		}
		t.journal.add(m.job, m.record)
		if m.again {
			t.begin(m.job)
			continue
		}
		own = append(own, m.job)
	}
	t.mu.Unlock()
	for _, j := range not {
		j.Abandon()
	}
	return own
}

// commit commits what was inserted. If the journal fails, or panics, own are given up.
func (t *Tracker) commit(own []*job) error {
	committed := false
	defer func() {
		if !committed {
			t.giveUp(own)
		}
	}()
	err := t.journal.flush()
	committed = err == nil
	return err
}

// giveUp forgets jobs that the journal does not have, unless another call has committed them.
func (t *Tracker) giveUp(own []*job) {
	t.mu.Lock()
	for _, j := range own {
		if j.state == reserved {
			t.remove(j)
			defer j.Abandon()
		}
	}
	t.mu.Unlock()
}

// beginAll has jobs polled that were inserted, by whichever call. It returns those that are not,
// because the call that held them has failed; others have ended and left since, unless w has to
// wait for them.
func (t *Tracker) beginAll(jobs []status.Job, w *waiting, held map[id]bool) (absent []status.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, checkpoint := range jobs {
		j := t.byID[idOf(checkpoint.ID)]
		if j == nil {
			if w != nil || held[idOf(checkpoint.ID)] {
				absent = append(absent, checkpoint)
			}
			continue
		}
		t.await(j, w)
		if j.state == reserved {
			t.begin(j)
		}
	}
	return absent
}

// follow returns a job that is not tracked yet.
func (t *Tracker) follow(checkpoint status.Job) (*job, error) {
	j := new(job)
	if err := j.Init(&t.config, idle); err != nil {
		return nil, err
	}
	if err := j.Begin(checkpoint.Clone()); err != nil {
		return nil, err
	}
	if j.Outcome() == nil { // the checkpoint does not show it
		if j.due = j.Start(); j.due > 0 {
			j.State.Planned(j.State.Started.Add(j.due))
		}
	}
	return j, nil
}

// insert gives j a number, unless its id is tracked already. t.mu is held.
func (t *Tracker) insert(j *job) bool {
	k := idOf(j.State.Job.ID)
	if old := t.byID[k]; old != nil {
		if !old.mayGoOn() {
			return false
		}
		t.drop(old) // in the journal, j's record replaces it
	}
	t.byID[k] = j
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
	t.add(j, j.State.Started.Add(j.due))
}
