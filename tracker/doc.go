// Package tracker awaits many jobs under one request budget: thousands or a million of them in one
// process, each followed as a [waiter.Waiter] follows one.
//
//	w, err := waiter.New(client, waiter.OnTransition(func(t status.Transition) { ... }))
//	...
//	t, err := tracker.New(w, tracker.WithRate(50, 10), tracker.WithHistory(history))
//	...
//	go t.Run(ctx) // polls until ctx ends
//	...
//	err = t.Track(status.Job{ID: id}) // returns at once
//	job, err := t.Wait(ctx, id)       // or Events, or callbacks of the Waiter, or Jobs
//
// # One budget
//
// If each job has a loop with its own backoff, and there are more loops than the service's limit
// allows, refused calls come again, later and together with others, until most calls are refused. A
// Tracker has one budget for all jobs, [WithRate]. If more jobs are due than the budget allows to
// poll, they wait in one place. With [WithHistory], the job whose end is most overdue comes first;
// without it, the job that has been due for longest. When the service refuses polls, the budget
// falls for all jobs at once.
//
// # Concurrency
//
// All methods may be called from any goroutine, and from callbacks, except that a callback must not
// call Wait: when 64 callbacks wait, nothing is delivered, and Run does not end. Only Run starts
// goroutines, and they have ended when it returns: at most one for each poll in flight
// ([WithConcurrency]), 64 that deliver transitions, and one that commits to the journal. There is
// no goroutine and no timer for a job.
//
// Transitions of one job are delivered one at a time, in order, and the job is not polled
// meanwhile; those of different jobs are delivered at the same time.
//
// # What a crash costs
//
// Without a journal, everything. With one ([WithJournal]), a job for which Track has returned is
// tracked by the next process, from where it was. A transition counts as delivered when its
// callbacks have returned and that is committed; commits happen in the background, many records at
// a time, so the transitions whose callbacks returned shortly before a crash are delivered again. A
// receiver that must not see one twice can recognize it: a [status.Transition] with the same JobID,
// SubJob, From and To.
package tracker
