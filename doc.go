// Package waiter awaits the asynchronous jobs of Huawei Cloud SFS Turbo.
//
// Calls such as bind_ldap return a job id, and the caller must ask for that job again and again. A
// [Waiter] does: it polls with exponential backoff until the job is done, delivers each change of
// the job and of every sub-job exactly once, and when it ends, says exactly why.
//
//	client, err := poller.New(poller.Endpoint("cn-north-4"), projectID,
//		poller.WithCredential(credential.Token(token)))
//	...
//	w, err := waiter.New(client)
//	...
//	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
//	defer cancel()
//	job, err := w.Wait(ctx, jobID)
//
// # Which call
//
// [Waiter.Wait] waits for a job whose id is known. [Waiter.Run] submits the job too, and is the
// safest after a call that starts one: if the waiting fails, its error holds the id. [Waiter.Watch]
// is Wait as an iterator over the transitions. [Waiter.WaitAll] waits for several jobs.
// [Waiter.Step] is a single poll with its state as plain JSON, for reconcilers and workflow engines
// that cannot block.
//
// # Concurrency
//
// A Waiter is safe for concurrent use and holds no goroutine. A wait runs on the goroutine that
// calls it, and so do its callbacks: one at a time, in the order of the transitions, and never
// after the call has returned. The same callback may run in several waits at once if it was given
// to [New]; within WaitAll it never does. A callback that blocks delays its own wait only; within
// WaitAll it also delays the deliveries of the other waits.
//
// # Cancellation
//
// The context is the only limit of a wait; none is built in. A wait ends at its deadline, never
// earlier: one last look shortly before it sees a job that ended in the schedule's last sleep. It
// never ends later either, as long as the Poller and the limiter return when their context ends,
// because a wait has no goroutine to leave a call behind in. An SDK whose calls take no context
// needs a timeout of its own. Canceling stops the waiting, not the job: [UnfinishedError] has the
// id, and the last snapshot to go on [From].
//
// # Failures
//
// A poll that fails is not a job that failed. Failures that pass (a gateway's 502, a reset
// connection, a hang, throttling) are polled through. Failures that cannot pass (no permission, a
// wrong address) end the wait: at once if the job was never seen; otherwise only when a second poll
// confirms them, because a proxy in reload answers anything for a moment. [poller.Classify] is the
// table, and [WithClassifier] overrules it. A job that is not found has a short grace while it may
// be too new to be known.
//
// A wait ends in one of three ways: success; [FailedError], the job's own failure with code, reason
// and sub-jobs; or [UnfinishedError], a report of a wait that did not see the end. Their texts are
// one line each, made to be acted on. [Outcome] turns them into a word for metrics.
//
// # Restarts
//
// [WithCheckpoints] stores what was delivered, and [From] goes on from there in the next process.
// Step's [Progress] survives a restart as JSON.
//
// # Schedules
//
// [pace.Exponential] is the default, and any backoff.BackOff will do ([WithBackOff]). A
// [pace.History] that waits share learns how long the jobs of each type take, and plans the polls
// by that: fewest calls, least delay.
//
// # Testing
//
// Package [github.com/sfsturbo/waiter/poller/pollertest] is the job service, with scripted jobs and
// faults, on a port or in memory; in memory it also works inside a testing/synctest bubble, where
// an hour of waiting takes no time. Anything else that can be asked for a job is a [poller.Func].
// The errors are plain data: a test can build one.
package waiter
