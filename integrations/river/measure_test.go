package riverwait_test

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

var measure = flag.Bool("measure", false, "take the figures of the README, which takes ten minutes")

// TestMeasure takes the figures of the README.
func TestMeasure(t *testing.T) {
	if !*measure {
		t.Skip("without -measure")
	}
	for _, every := range []time.Duration{time.Second, 100 * time.Millisecond} {
		for _, pause := range []time.Duration{time.Second, 8 * time.Second} {
			polls, took := endless(t, postgresDatabase(t), 1, pause, every, 33*time.Second)
			t.Logf("FetchPollInterval %s: a snooze of %s takes %s", every, pause, (took / time.Duration(polls-1)).Round(10*time.Millisecond))
		}
	}
	polls, took := endless(t, postgresDatabase(t), 2000, time.Second, 100*time.Millisecond, 15*time.Second)
	t.Logf("PostgreSQL: %.0f polls/s", float64(polls)/took.Seconds())
	lite := sqliteDatabase(t)
	lite.query(`PRAGMA synchronous = FULL`)
	polls, took = endless(t, lite, 2000, time.Second, 100*time.Millisecond, 15*time.Second)
	t.Logf("SQLite: %.0f polls/s", float64(polls)/took.Seconds())
	for _, statement := range []string{
		`ALTER TABLE river_job RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)`,
		riverwait.TableSettings,
		`DROP INDEX river_job_metadata_index`, // with the settings
	} {
		db := postgresDatabase(t)
		require.NoError(t, db.inTx(t.Context(), func(tx pgx.Tx) error { return db.exec(t.Context(), tx, statement) }))
		endless(t, db, 2000, 0, 500*time.Millisecond, 140*time.Second)
		t.Logf("%.30s...: %v: total, heap, versions written", statement, db.query(`SELECT pg_size_pretty(pg_total_relation_size('river_job')),
			pg_size_pretty(pg_relation_size('river_job')), n_tup_upd FROM pg_stat_user_tables WHERE relname = 'river_job'`))
	}
}

// endless awaits jobs that do not end, with one client, and returns the polls and the time from the
// first to the last. A pause of 0 is the default schedule.
func endless[TTx any](t *testing.T, db database[TTx], jobs int, pause, every, lasting time.Duration) (polls int64, took time.Duration) {
	var n, first, last atomic.Int64
	opts := []waiter.Option{}
	if pause > 0 {
		opts = append(opts, waiter.WithBackOff(func() backoff.BackOff { return backoff.NewConstantBackOff(pause) }))
	}
	w := newWaiter(t, poller.Func(func(_ context.Context, id string) (poller.Reply, error) {
		now := time.Now().UnixNano()
		first.CompareAndSwap(0, now)
		last.Store(now)
		n.Add(1)
		return poller.Reply{Job: status.Job{ID: id, Type: "bind_ldap", Status: status.Running, SubJobs: running.SubJobs}}, nil
	}), opts...)
	c := config(t)
	c.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 50}}
	c.FetchPollInterval = every
	river.AddWorker(c.Workers, recorder(db, w))
	client, err := river.NewClient(db.driver(), c)
	require.NoError(t, err)
	var many []river.InsertManyParams
	for i := range jobs {
		many = append(many, river.InsertManyParams{Args: riverwait.AwaitArgs{JobID: fmt.Sprint("j", i)}})
	}
	_, err = client.InsertMany(t.Context(), many)
	require.NoError(t, err)
	require.NoError(t, client.Start(context.Background()))
	time.Sleep(lasting)
	require.NoError(t, client.StopAndCancel(context.Background()))
	return n.Load(), time.Duration(last.Load() - first.Load())
}
