package riverwait_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/internal/scripted"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// The benchmarks take the figures of the README, in ten minutes.

func BenchmarkSnooze(b *testing.B) {
	for _, every := range []time.Duration{time.Second, 100 * time.Millisecond} {
		for _, pause := range []time.Duration{time.Second, 8 * time.Second} {
			b.Run(fmt.Sprintf("FetchPollInterval=%s/pause=%s", every, pause), func(b *testing.B) {
				for range b.N {
					polls, took := endless(b, postgresDatabase(b), 1, pause, every, 33*time.Second)
					b.ReportMetric(took.Seconds()/float64(polls-1), "s/snooze")
				}
			})
		}
	}
}

func BenchmarkPolls(b *testing.B) {
	b.Run("PostgreSQL", func(b *testing.B) { benchmarkPolls(b, postgresDatabase(b)) })
	b.Run("SQLite", func(b *testing.B) {
		db := sqliteDatabase(b)
		db.query(`PRAGMA synchronous = FULL`)
		benchmarkPolls(b, db)
	})
}

func benchmarkPolls[TTx any](b *testing.B, db database[TTx]) {
	for range b.N {
		polls, took := endless(b, db, 2000, time.Second, 100*time.Millisecond, 15*time.Second)
		b.ReportMetric(float64(polls)/took.Seconds(), "polls/s")
	}
}

func BenchmarkTable(b *testing.B) {
	for _, table := range []struct{ name, set string }{
		{"as it comes", `ALTER TABLE river_job RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)`},
		{"with TableSettings", riverwait.TableSettings},
		{"and no index", `DROP INDEX river_job_metadata_index`}, // with the settings
	} {
		b.Run(table.name, func(b *testing.B) {
			for range b.N {
				db := postgresDatabase(b)
				require.NoError(b, db.inTx(b.Context(), func(tx pgx.Tx) error { return db.exec(b.Context(), tx, table.set) }))
				endless(b, db, 2000, 0, 500*time.Millisecond, 140*time.Second)
				size, err := strconv.ParseFloat(db.query(`SELECT pg_total_relation_size('river_job')::text`)[0][0], 64)
				require.NoError(b, err)
				b.ReportMetric(size/1e6, "MB")
			}
		})
	}
}

// endless awaits jobs that do not end, with one client, and returns the polls and the time from the
// first to the last. A pause of 0 is the default schedule.
func endless[TTx any](t testing.TB, db database[TTx], jobs int, pause, every, lasting time.Duration) (polls int64, took time.Duration) {
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
		return poller.Reply{Job: status.Job{ID: id, Type: "bind_ldap", Status: status.Running, SubJobs: scripted.Running.SubJobs}}, nil
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
