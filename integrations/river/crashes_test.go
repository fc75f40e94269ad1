package riverwait_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// dies makes River take its first call of Work for one that never returned.
type dies struct {
	river.HookDefaults
	died atomic.Bool
}

func (d *dies) WorkEnd(_ context.Context, job *rivertype.JobRow, err error) error {
	if job.Kind == (riverwait.AwaitArgs{}).Kind() && d.died.CompareAndSwap(false, true) {
		return errors.New("Stuck job rescued by JobRescuer") //nolint:staticcheck // as River writes it
	}
	return err
}

func diesAtTheEnd[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Refused(http.StatusUnauthorized), scripted.Succeeded)
	client := startWith(t, db, recorder(db, newWaiter(t, p)), func(c *river.Config) { c.Hooks = []rivertype.Hook{&dies{}} })
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	assert.Equal(t, 2, row.Attempt)
	assert.Equal(t, "unauthorized", output(t, row).Outcome)
	require.Len(t, row.Errors, 2)
	assert.Contains(t, row.Errors[1].Error, output(t, row).Error)
	assert.Equal(t, 1, p.Polls(), "the end is stored: there is nothing to poll")
	assert.Equal(t, []string{"unauthorized"}, ends(db))
	assert.Equal(t, 1, verifications(db))
}

func diesAfterSuccess[TTx any](t *testing.T, db database[TTx]) {
	client := startWith(t, db, recorder(db, newWaiter(t, scripted.New(scripted.Succeeded))), func(c *river.Config) { c.Hooks = []rivertype.Hook{&dies{}} })
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 1, row.Attempt)
	assert.Empty(t, row.Errors)
	assert.Equal(t, []string{"success"}, ends(db))
}

func givenUp[TTx any](t *testing.T, db database[TTx]) {
	var polls atomic.Int32
	w, err := waiter.New(poller.Func(func(ctx context.Context, jobID string) (poller.Reply, error) {
		reply := poller.Reply{Job: status.Job{ID: jobID, Status: status.Running}}
		switch polls.Add(1) {
		case 1: // River rescues this attempt, although it runs, and starts another one
			err := db.inTx(ctx, func(tx TTx) error {
				return db.exec(ctx, tx, `UPDATE river_job SET state = 'available', attempt = 0 WHERE kind = 'sfsturbo_await'`)
			})
			for err == nil && ctx.Err() == nil && len(told(db)) == 0 {
				time.Sleep(5 * time.Millisecond)
			}
			return reply, err
		case 2:
			return reply, nil
		}
		reply.Job.Status = status.Success
		return reply, nil
	}))
	require.NoError(t, err)
	client := start(t, db, recorder(db, w))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, []string{":->running", ":running->success"}, told(db))
	assert.Equal(t, []string{"success"}, ends(db))
	assert.Equal(t, 2, output(t, row).Progress.Polls, "what the first attempt saw is not stored")
}

func retried[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Refused(http.StatusUnauthorized), scripted.Succeeded)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	inserted := insert(t, client, riverwait.AwaitArgs{JobID: "j"})
	row := final(t, client, inserted.Job.ID)
	assert.Equal(t, "unauthorized", output(t, row).Outcome)
	_, err := client.JobRetry(context.Background(), row.ID)
	require.NoError(t, err)
	row = final(t, client, row.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.ElementsMatch(t, whole, told(db))
	assert.Equal(t, []string{"unauthorized", "success"}, ends(db))
}

func retriedFailure[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Failed)
	client := start(t, db, recorder(db, newWaiter(t, p)))
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	polls := p.Polls()
	_, err := client.JobRetry(context.Background(), row.ID)
	require.NoError(t, err)
	row = final(t, client, row.ID)
	assert.Equal(t, rivertype.JobStateCancelled, row.State)
	assert.Len(t, row.Errors, 2)
	assert.Equal(t, polls, p.Polls())
	assert.Equal(t, []string{"failed"}, ends(db))
	assert.Len(t, told(db), 3)
}

func stopped[TTx any](t *testing.T, db database[TTx]) {
	p := scripted.New(scripted.Running, scripted.Succeeded)
	w := newWaiter(t, p)
	c := config(t)
	river.AddWorker(c.Workers, recorder(db, w))
	first, err := river.NewClient(db.driver(), c)
	require.NoError(t, err)
	require.NoError(t, first.Start(context.Background()))
	inserted := insert(t, first, riverwait.AwaitArgs{JobID: "j"})
	require.Eventually(t, func() bool { return len(told(db)) == 2 }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, first.StopAndCancel(context.Background()))
	row := final(t, start(t, db, recorder(db, w)), inserted.Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 1, row.Attempt)
	assert.Len(t, told(db), 4)
	assert.Equal(t, p.Polls(), output(t, row).Progress.Polls)
}

func cut[TTx any](t *testing.T, db database[TTx]) {
	polls := 0
	w := newWaiter(t, poller.Func(func(ctx context.Context, jobID string) (poller.Reply, error) {
		if polls++; polls == 1 {
			<-ctx.Done()
			return poller.Reply{}, ctx.Err()
		}
		return poller.Reply{Job: status.Job{ID: jobID, Status: status.Success}}, nil
	}))
	client := startWith(t, db, recorder(db, w), func(c *river.Config) { c.JobTimeout = 300 * time.Millisecond })
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Empty(t, row.Errors)
	assert.Equal(t, map[string]int{"timeout": 1}, output(t, row).Progress.Failures)
}

// queue is a limiter that lets the first poll wait for longer than its attempt may take.
type queue struct{ asked int }

func (q *queue) Wait(ctx context.Context) error {
	if q.asked++; q.asked == 1 {
		<-ctx.Done()
	}
	return ctx.Err()
}

func queued[TTx any](t *testing.T, db database[TTx]) {
	w := newWaiter(t, scripted.New(scripted.Succeeded), waiter.WithLimiter(&queue{}))
	client := startWith(t, db, recorder(db, w), func(c *river.Config) { c.JobTimeout = 300 * time.Millisecond })
	row := final(t, client, insert(t, client, riverwait.AwaitArgs{JobID: "j"}).Job.ID)
	assert.Equal(t, rivertype.JobStateCompleted, row.State)
	assert.Equal(t, 1, row.Attempt)
	assert.Empty(t, row.Errors)
	assert.Equal(t, 1, output(t, row).Progress.Polls)
}
