package tracker

import (
	"errors"
	"slices"
)

// ErrForgotten is in the error of [Tracker.Wait] for a job that [Tracker.Forget] was called for.
var ErrForgotten = errors.New("the tracker has forgotten it (Tracker.Forget)")

// Forget stops following jobs, whatever they are doing: a poll in flight is not waited for, and
// what it brings is not delivered; a transition that is being delivered is the last one. Forget
// does not wait for its callbacks either: if the job is tracked again before they return, they may
// run at the same time as those of its next transition. A call of [Tracker.Wait] for such a job
// returns [ErrForgotten]. Ids that are not tracked are ignored. Forget waits for the journal: if
// that fails, a crash may bring the jobs back.
func (t *Tracker) Forget(jobIDs ...string) {
	for chunk := range slices.Chunk(jobIDs, 1000) { // polls go on between two of them
		for _, call := range t.forget(chunk) {
			call()
		}
	}
	_ = t.journal.flush() // the next commit has the same error
}

// forget returns what to call without the mutex.
func (t *Tracker) forget(jobIDs []string) (calls []func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range jobIDs {
		if j := t.byID[idOf(id)]; j != nil {
			if t.remove(j); j.flight == nil {
				calls = append(calls, t.abandon(j))
			}
		}
	}
	return calls
}

// remove forgets a job, and so does the journal. t.mu is held.
func (t *Tracker) remove(j *job) {
	t.journal.remove(j)
	t.drop(j)
}

// drop forgets a job. t.mu is held.
func (t *Tracker) drop(j *job) {
	delete(t.byID, idOf(j.seen().Job.ID))
	if j.place != nil {
		t.finished.Remove(j.place)
		t.unseen.Remove(j.place)
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
