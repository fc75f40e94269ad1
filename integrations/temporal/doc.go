// Package temporalwait awaits jobs of SFS Turbo in workflows of Temporal (go.temporal.io/sdk): a
// wait outlives the process that began it.
//
// [Activity] is an activity that a worker registers. Each attempt polls once
// ([waiter.Waiter.Step]), or a few times if the polls are close together, and records as its
// heartbeat where the wait stands. Then it fails with an error that says when to retry it: Temporal
// keeps what it has recorded, and no worker, goroutine or event of the history is used until then.
//
// [Await] is what a workflow calls. It returns what Wait returns: the job as last seen, and an
// error that is waiter.ErrJobFailed, waiter.ErrStalled and so on. With [OnTransition] the workflow
// sees each change of the job, once, also when it is replayed.
//
// The package is not named temporal like its folder, because its users import
// go.temporal.io/sdk/temporal as well.
package temporalwait
