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
// A service that has loops with their own backoffs collapses when there are more of them than its
// requests allow: each call that is refused comes again, later and together with others. A Tracker
// has one budget, [WithRate], for all jobs. When it does not suffice for all jobs that are due, they
// wait in one place, and the job comes first that is most likely to have ended ([WithHistory]) or
// that has been due for longest. When the service refuses polls, the budget falls for all at once.
//
// # Concurrency
//
// All methods may be called from any goroutine, also from callbacks; but a callback must not call
// Wait: 64 that do hold up all deliveries, and Run's end. Run is the only one that starts goroutines, and they have ended
// when it returns: at most one for each poll in flight ([WithConcurrency]), 64 that deliver
// transitions, and one that commits to the journal. There is no goroutine and no timer for a job.
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
