// Package kubernetes follows a job of SFS Turbo from a controller: each Reconcile makes at most one
// poll, and everything that has to survive a restart is in the custom resource's status.
//
// A custom resource implements [Object]: its status holds a [Record] and conditions.
// [Reconciler.Reconcile] submits the job that the resource asks for, at most once for an
// [Operation.Intent], polls it when the next poll is due, sets the conditions Ready, Progressing
// and Failed, and emits an Event for each transition.
//
// # What is written, and when
//
// Before a submit, the intent is written, with the resourceVersion that was read: of two processes,
// or of a process that reads an old copy, only one submits. After it, the job's id is written. A
// process that dies in between leaves an intent without an id. Such a submit is never repeated on a
// guess: see [Operation.Check].
//
// After a poll, the status is written first. Then the Events that this write recorded are created,
// under names that are derived from it, so that creating them again changes nothing. An Event is
// emitted exactly once if the process that wrote the status lives, or another one reads it within
// 50 minutes. An Event that is created later than that could be a second one, because the API
// server has forgotten the first after an hour. So it is left out; the conditions still say how the
// job ended.
package kubernetes
