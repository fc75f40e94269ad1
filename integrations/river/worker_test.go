package riverwait_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/status"
)

// The same specification holds on both databases.

func TestSQLite(t *testing.T)   { t.Parallel(); specification(t, sqliteDatabase) }
func TestPostgres(t *testing.T) { t.Parallel(); specification(t, postgresDatabase) }

func specification[TTx any](t *testing.T, open func(testing.TB) database[TTx]) {
	for _, s := range []struct {
		sentence string
		test     func(*testing.T, database[TTx])
	}{
		{"a job that succeeds completes the River job, with each change written once", succeeds[TTx]},
		{"a job that fails cancels the River job with its reason", fails[TTx]},
		{"a reason of 3 MB ends the wait like any other", failsAtLength[TTx]},
		{"an error that is permanent cancels the River job", permanent[TTx]},
		{"throttling and outages snooze, and use up no attempt", outage[TTx]},
		{"inserting a job twice is one wait, also after its end", twice[TTx]},
		{"a checkpoint in the arguments is not delivered again", checkpoint[TTx]},
		{"a callback that fails rolls back, and is called again", callbackFails[TTx]},
		{"an end that cannot be written is not lost", endFails[TTx]},
		{"an attempt that dies between the end and River's note of it returns the same end", diesAtTheEnd[TTx]},
		{"a success is River's in the transaction that stores it", diesAfterSuccess[TTx]},
		{"an attempt that was given up delivers nothing", givenUp[TTx]},
		{"JobRetry goes on with a wait that ended for another reason than the job", retried[TTx]},
		{"JobRetry of a job that has failed delivers nothing again", retriedFailure[TTx]},
		{"a wait that is canceled ends without a call", canceled[TTx]},
		{"a poll that the attempt's timeout cuts is remembered", cut[TTx]},
		{"a limiter's queue that is too long uses up no attempt", queued[TTx]},
		{"a client that stops leaves the wait to the next one", stopped[TTx]},
	} {
		t.Run(s.sentence, func(t *testing.T) {
			t.Parallel()
			s.test(t, open(t))
		})
	}
}

func insert[TTx any](t *testing.T, client *river.Client[TTx], args riverwait.AwaitArgs) *rivertype.JobInsertResult {
	inserted, err := client.Insert(context.Background(), args, nil)
	require.NoError(t, err)
	return inserted
}

// told is every change that was written, in no order.
func told[TTx any](db database[TTx]) []string {
	all := []string{}
	for _, row := range db.query(`SELECT sub_job, from_status, to_status FROM told`) {
		all = append(all, row[0]+":"+row[1]+"->"+row[2])
	}
	return all
}

func ends[TTx any](db database[TTx]) []string {
	all := []string{}
	for _, row := range db.query(`SELECT outcome FROM ended`) {
		all = append(all, row[0])
	}
	return all
}

func verifications[TTx any](db database[TTx]) int {
	return len(db.query(`SELECT kind FROM river_job WHERE kind = 'verify'`))
}

func succeeds[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Running, scripted.Succeeded)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 1, row.Attempt, "a snooze costs no attempt")
	o := output(t, row)
	assert.Equal(t, "success", o.Outcome)
	assert.Empty(t, o.Error)
	assert.Empty(t, o.Progress.Transitions)
	assert.Equal(t, "bind_ldap", o.Progress.Job.Type)
	assert.Equal(t, status.Success, o.Progress.Job.SubJobs[0].Status)
	assert.Equal(t, p.Polls(), o.Progress.Polls)
	var metadata struct{ Snoozes int }
	require.NoError(t, json.Unmarshal(row.Metadata, &metadata))
	assert.Equal(t, p.Polls()-1, metadata.Snoozes, "one attempt a poll")
	assert.ElementsMatch(t, whole, told(db))
	assert.Equal(t, []string{"success"}, ends(db))
	assert.Equal(t, 1, verifications(db))
}

func fails[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Failed)
	w := newWaiter(t, p)
	client := start(t, db, recorder(db, w))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	require.Len(t, row.Errors, 1)
	assert.Contains(t, row.Errors[0].Error, "SFS.TURBO.0100: LDAP server unreachable")
	o := output(t, row)
	assert.Equal(t, "failed", o.Outcome)
	assert.Contains(t, row.Errors[0].Error, o.Error)
	_, err := w.Step(t.Context(), o.Progress)
	var failed *waiter.FailedError
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Has("SFS.TURBO.0100"))
	assert.ElementsMatch(t, []string{":->running", "s1:->running", ":running->failed"}, told(db))
	assert.Equal(t, []string{"failed"}, ends(db))
	assert.Equal(t, 1, verifications(db))
}

func failsAtLength[TTx any](t *testing.T, db database[TTx]) {
	long := scripted.Failed
	long.FailReason = strings.Repeat("LDAP server unreachable. ", 120_000)
	client := start(t, db, recorder(db, newWaiter(t, scripted.New(scripted.Running, long))))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	require.Len(t, row.Errors, 1)
	assert.Less(t, len(row.Errors[0].Error), 5000)
	assert.Equal(t, long.FailReason, output(t, row).Progress.Job.FailReason)
	assert.Equal(t, []string{"failed"}, ends(db))
}

func permanent[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Refused(http.StatusUnauthorized))
	client := start(t, db, recorder(db, newWaiter(t, p)))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	o := output(t, row)
	assert.Equal(t, "unauthorized", o.Outcome)
	assert.Equal(t, []string{"unauthorized"}, ends(db))
	assert.Equal(t, "j", o.Progress.JobID)
	assert.Contains(t, o.Error, "river.Client.JobRetry")
}

func outage[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Refused(http.StatusTooManyRequests), scripted.Running, scripted.Refused(http.StatusBadGateway), scripted.Succeeded)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 1, row.Attempt)
	assert.Empty(t, row.Errors)
	assert.Equal(t, map[string]int{"429": 1, "502": 1}, output(t, row).Progress.Failures)
}

func twice[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Failed)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	first := insert(t, client, riverwait.AwaitArgs{JobID: "j"})
	again := insert(t, client, riverwait.AwaitArgs{JobID: "j", Payload: []byte(`{"share":"x"}`)})
	assert.False(t, first.UniqueSkippedAsDuplicate)
	assert.True(t, again.UniqueSkippedAsDuplicate)
	assert.Equal(t, first.Job.ID, again.Job.ID)
	final(t, client, first.Job.ID)
	after := insert(t, client, riverwait.AwaitArgs{JobID: "j"})
	assert.True(t, after.UniqueSkippedAsDuplicate)
	assert.Equal(t, "failed", output(t, after.Job).Outcome)
	other := insert(t, client, riverwait.AwaitArgs{JobID: "other"})
	assert.False(t, other.UniqueSkippedAsDuplicate)
}

func checkpoint[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Succeeded)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	seen := scripted.Running
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j", Job: seen}).Job.ID)
	assert.Equal(t, "success", output(t, row).Outcome)
	assert.ElementsMatch(t, []string{"s1:running->success", ":running->success"}, told(db))
}

func callbackFails[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Running, scripted.Succeeded)
	worker := recorder(db, newWaiter(t, p))
	calls, record := 0, worker.OnTransition
	worker.OnTransition = func(ctx context.Context, tx TTx, job *river.Job[riverwait.AwaitArgs], change status.Transition) error {
		if err := record(ctx, tx, job, change); err != nil {
			return err
		}
		if calls++; calls == 2 { // the first change of this poll is written, this one too
			return errors.New("the inbox is full")
		}
		return nil
	}
	client := start(t, db, worker)
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	require.Len(t, row.Errors, 1)
	assert.Equal(t, "the inbox is full", row.Errors[0].Error)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 6, calls)
	assert.ElementsMatch(t, whole, told(db))
}

func endFails[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Failed)
	worker := recorder(db, newWaiter(t, p))
	calls, record := 0, worker.OnEnd
	worker.OnEnd = func(ctx context.Context, tx TTx, job *river.Job[riverwait.AwaitArgs], end status.Job, err error) error {
		if err := record(ctx, tx, job, end, err); err != nil {
			return err
		}
		switch calls++; calls {
		case 1:
			return errors.New("the inbox is full")
		case 2:
			panic("out of memory")
		}
		return nil
	}
	client := start(t, db, worker)
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	assert.Equal(t, 3, calls)
	assert.Equal(t, []string{"failed"}, ends(db))
	assert.Equal(t, 1, verifications(db))
}

func canceled[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(status.Job{Status: status.Running})
	client := start(t, db, recorder(db, newWaiter(t, p)))
	inserted := insert(t, client, riverwait.AwaitArgs{JobID: "j"})
	require.Eventually(t, func() bool { return len(told(db)) == 1 }, 10*time.Second, 10*time.Millisecond)
	_, err := client.JobCancel(context.Background(), inserted.Job.ID)
	require.NoError(t, err)
	row := final(t, client, inserted.Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	assert.Empty(t, ends(db))
	assert.Equal(t, status.Running, output(t, row).Progress.Job.Status)
}
