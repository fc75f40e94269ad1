package tracker

import "errors"

// ErrForgotten is in the error of [Tracker.Wait] for a job that [Tracker.Forget] was called for.
var ErrForgotten = errors.New("the tracker has forgotten it (Tracker.Forget)")

// Forget stops following jobs, whatever they are doing: a poll in flight is not waited for, and
// what it brings is not delivered; a transition that is being delivered is the last one. A call of
// [Tracker.Wait] for such a job returns [ErrForgotten]. Ids that are not tracked are ignored. It
// waits for the journal: if that fails, a crash may bring the jobs back.
func (t *Tracker) Forget(jobIDs ...string) {
	var calls []func()
	t.mu.Lock()
	for _, id := range jobIDs {
		if j := t.byID[idOf(id)]; j != nil {
			if t.remove(j); j.flight == nil {
				calls = append(calls, t.abandon(j))
			}
		}
	}
	t.mu.Unlock()
	for _, call := range calls {
		call()
	}
	_ = t.journal.flush() // the next commit has the same error
}

// remove forgets a job. t.mu is held.
func (t *Tracker) remove(j *job) {
	delete(t.byID, idOf(j.seen().Job.ID))
	t.journal.remove(j)
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
