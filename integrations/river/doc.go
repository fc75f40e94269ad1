// Package riverwait awaits jobs of SFS Turbo as jobs of River (github.com/riverqueue/river), a
// queue in PostgreSQL or in a SQLite file: a wait outlives the process that began it.
//
// [Worker] is a worker for [AwaitArgs], which name the job. Each attempt is one poll
// ([waiter.Waiter.Step]): it stores where the wait stands as the River job's output ([Output]) and
// snoozes until the next poll is due. A snooze costs no attempt. When the job has succeeded, the
// River job is completed; when it has failed, or can no longer be awaited, the River job is
// canceled with the reason.
//
// What a poll shows is delivered in the transaction that stores it. So whatever the callbacks write
// in that transaction is written exactly once, whenever a process, a machine or the database dies;
// whatever else they do is done at least once. A River job that is inserted at the end, in the same
// transaction, is inserted exactly once, too.
//
// The package is not named river like its folder, because its users import River as well.
package riverwait
