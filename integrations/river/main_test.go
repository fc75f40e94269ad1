package riverwait_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(workerURL); url != "" {
		crashWorker(url, os.Getenv(workerEndpoint))
		return
	}
	flag.Parse()
	flag.Set("test.parallel", "14") // the tests wait more than they compute
	goleak.VerifyTestMain(postgresAround{m})
}

type postgresAround struct{ m *testing.M }

func (a postgresAround) Run() int {
	defer cluster.stop()
	return a.m.Run()
}

// database is where a test's River jobs are, and what the tests write beside them.
type database[TTx any] struct {
	driver func() riverdriver.Driver[TTx] // a new one for each client
	inTx   func(ctx context.Context, do func(tx TTx) error) error
	exec   func(ctx context.Context, tx TTx, statement string, args ...any) error
	query  func(statement string, args ...any) [][]string
}

// tables are what callbacks write. There is no unique index: a change that is written twice shows.
const tables = `CREATE TABLE told (job_id text, sub_job text, from_status text, to_status text);
CREATE TABLE ended (job_id text, outcome text, river_id bigint)`

func sqliteDatabase(t testing.TB) database[*sql.Tx] {
	return sqliteAt(t, filepath.Join(t.TempDir(), "jobs.sqlite"))
}

func sqliteAt(t testing.TB, path string) database[*sql.Tx] {
	db, err := openSQLite(path)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	migrate(t, riversqlite.New(db))
	_, err = db.Exec(tables)
	require.NoError(t, err)
	return onSQLite(t, db)
}

// openSQLite does not wait for the disk at each commit, as programs do: a kill does not lose those.
func openSQLite(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func onSQLite(t testing.TB, db *sql.DB) database[*sql.Tx] {
	return database[*sql.Tx]{
		driver: func() riverdriver.Driver[*sql.Tx] { return riversqlite.New(db) },
		inTx:   riverwait.SQL(db),
		exec: func(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
			_, err := tx.ExecContext(ctx, statement, args...)
			return err
		},
		query: func(statement string, args ...any) [][]string {
			rows, err := db.Query(statement, args...)
			require.NoError(t, err)
			defer rows.Close()
			columns, err := rows.Columns()
			require.NoError(t, err)
			var all [][]string
			for rows.Next() {
				row, into := make([]string, len(columns)), make([]any, len(columns))
				for i := range row {
					into[i] = &row[i]
				}
				require.NoError(t, rows.Scan(into...))
				all = append(all, row)
			}
			require.NoError(t, rows.Err())
			return all
		},
	}
}

func postgresDatabase(t testing.TB) database[pgx.Tx] { return postgresAt(t, cluster.database(t)) }

func postgresAt(t testing.TB, url string) database[pgx.Tx] {
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	migrate(t, riverpgxv5.New(pool))
	_, err = pool.Exec(t.Context(), riverwait.TableSettings)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), tables)
	require.NoError(t, err)
	return onPostgres(t, pool)
}

func onPostgres(t testing.TB, pool *pgxpool.Pool) database[pgx.Tx] {
	return database[pgx.Tx]{
		driver: func() riverdriver.Driver[pgx.Tx] { return riverpgxv5.New(pool) },
		inTx:   func(ctx context.Context, do func(pgx.Tx) error) error { return pgx.BeginFunc(ctx, pool, do) },
		exec: func(ctx context.Context, tx pgx.Tx, statement string, args ...any) error {
			_, err := tx.Exec(ctx, statement, args...)
			return err
		},
		query: func(statement string, args ...any) [][]string {
			rows, err := pool.Query(context.Background(), statement, args...)
			require.NoError(t, err)
			all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
				values, err := row.Values()
				var texts []string
				for _, v := range values {
					texts = append(texts, fmt.Sprint(v))
				}
				return texts, err
			})
			require.NoError(t, err)
			return all
		},
	}
}

func migrate[TTx any](t testing.TB, driver riverdriver.Driver[TTx]) {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
}

// verify is the River job that comes after a wait.
type verify struct {
	JobID string `json:"job_id"`
}

func (verify) Kind() string { return "verify" }

type verifyWorker struct{ river.WorkerDefaults[verify] }

func (verifyWorker) Work(context.Context, *river.Job[verify]) error { return nil }

// recorder is a Worker that writes what it is given, and inserts a verify job at the end.
func recorder[TTx any](db database[TTx], w *waiter.Waiter) *riverwait.Worker[TTx] {
	return &riverwait.Worker[TTx]{
		Waiter: w, InTx: db.inTx,
		OnTransition: func(ctx context.Context, tx TTx, job *river.Job[riverwait.AwaitArgs], t status.Transition) error {
			return db.exec(ctx, tx, `INSERT INTO told VALUES ($1, $2, $3, $4)`, t.JobID, t.SubJob, string(t.From), string(t.To))
		},
		OnEnd: func(ctx context.Context, tx TTx, job *river.Job[riverwait.AwaitArgs], end status.Job, err error) error {
			if e := db.exec(ctx, tx, `INSERT INTO ended VALUES ($1, $2, $3)`, end.ID, waiter.Outcome(err), job.ID); e != nil {
				return e
			}
			_, e := river.ClientFromContext[TTx](ctx).InsertTx(ctx, tx, verify{JobID: end.ID}, nil)
			return e
		},
	}
}

// config is a quick River client.
func config(t testing.TB) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, verifyWorker{})
	return &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 20}}, Workers: workers,
		FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
		JobTimeout: 5 * time.Second, RescueStuckJobsAfter: 5 * time.Second,
		Logger: slog.New(slog.NewTextHandler(&testLog{t: t}, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// testLog shows River's errors in the test's log, while the test goes on.
type testLog struct {
	mu sync.Mutex
	t  testing.TB
}

func (l *testLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.Is(context.Cause(l.t.Context()), context.Canceled) {
		l.t.Logf("%s", line)
	}
	return len(line), nil
}

// start starts a client that works w, until the test ends.
func start[TTx any](t *testing.T, db database[TTx], w *riverwait.Worker[TTx]) *river.Client[TTx] {
	return startWith(t, db, w, func(*river.Config) {})
}

func startWith[TTx any](t *testing.T, db database[TTx], w *riverwait.Worker[TTx], change func(*river.Config)) *river.Client[TTx] {
	c := config(t)
	change(c)
	river.AddWorker(c.Workers, w)
	client, err := river.NewClient(db.driver(), c)
	require.NoError(t, err)
	require.NoError(t, client.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, client.Stop(context.Background())) })
	return client
}

// final waits until River is done with a job.
func final[TTx any](t *testing.T, client *river.Client[TTx], id int64) *rivertype.JobRow {
	deadline := time.Now().Add(time.Minute)
	for {
		row, err := client.JobGet(context.Background(), id)
		require.NoError(t, err)
		if row.FinalizedAt != nil {
			return row
		}
		require.True(t, time.Now().Before(deadline), "River job %d is still %s: %s", id, row.State, row.Metadata)
		time.Sleep(20 * time.Millisecond)
	}
}

func newService(t testing.TB) *pollertest.Server {
	service := pollertest.New()
	t.Cleanup(service.Close)
	return service
}

// output returns what the wait has left.
func output(t *testing.T, row *rivertype.JobRow) riverwait.Output {
	o, err := riverwait.OutputOf(row)
	require.NoError(t, err)
	return o
}

func newWaiter(t testing.TB, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	w, err := waiter.New(p, opts...)
	require.NoError(t, err)
	return w
}

// whole is what a job tells that runs and succeeds, as scripted.Running and scripted.Succeeded do.
var whole = []string{":->running", "s1:->running", "s1:running->success", ":running->success"}
