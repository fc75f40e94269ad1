package riverwait_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter"
	riverwait "github.com/sfsturbo/waiter/integrations/river"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

var crashJobs = flag.Int("jobs", 2000, "how many jobs TestCrashes awaits")

const workerURL, workerEndpoint = "RIVERWAIT_WORKER_URL", "RIVERWAIT_WORKER_ENDPOINT"

// crashWorker is a worker process: it works until it is killed.
func crashWorker(url, endpoint string) {
	client, err := poller.New(endpoint, "a-project", poller.WithCredential(credential.Token("a-token")))
	check(err)
	w, err := waiter.New(client)
	check(err)
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		db, err := openSQLite(path)
		check(err)
		crashClient(onSQLite(nil, db), w)
	}
	pool, err := pgxpool.New(context.Background(), url)
	check(err)
	crashClient(onPostgres(nil, pool), w)
}

func crashClient[TTx any](db database[TTx], w *waiter.Waiter) {
	workers := river.NewWorkers()
	river.AddWorker(workers, verifyWorker{})
	river.AddWorker(workers, recorder(db, w))
	c, err := river.NewClient(db.driver(), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 30}}, Workers: workers,
		JobTimeout: 5 * time.Second, RescueStuckJobsAfter: 6 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
	check(err)
	check(c.Start(context.Background()))
	select {}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process keeps a worker process alive: it is killed at random moments, and started again.
func process(t *testing.T, url, endpoint string, kill <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), workerURL+"="+url, workerEndpoint+"="+endpoint)
		cmd.Stderr = os.Stderr
		if !assert.NoError(t, cmd.Start()) {
			return
		}
		_, again := <-kill
		cmd.Process.Kill()
		cmd.Wait()
		if !again {
			return
		}
	}
}

// Two processes await many jobs. Each is killed twice, and between that the database crashes; a
// SQLite file has no server that could.
func TestCrashes(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := cluster.database(t)
		db := postgresAt(t, url)
		crashes(t, db, url, *crashJobs, cluster.restart)
		t.Logf("river_job has %s", db.query(`SELECT pg_size_pretty(pg_total_relation_size('river_job'))`)[0][0])
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "jobs.sqlite")
		crashes(t, sqliteAt(t, path), "sqlite:"+path, max(*crashJobs/5, 1), func() error { return nil })
	})
}

func crashes[TTx any](t *testing.T, db database[TTx], url string, jobs int, restart func() error) {
	begun := time.Now()
	service := newService(t)
	service.Fail(pollertest.Rule{Delay: 100 * time.Millisecond}) // so that a kill finds polls in flight
	endpoint := service.Start()
	insertOnly, err := river.NewClient(db.driver(), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	var many []river.InsertManyParams
	added := time.Now()
	for n := range jobs {
		many = append(many, river.InsertManyParams{Args: riverwait.AwaitArgs{JobID: service.Add(crashScript(n))}})
	}
	_, err = insertOnly.InsertMany(t.Context(), many)
	require.NoError(t, err)

	kills := []chan struct{}{make(chan struct{}), make(chan struct{})}
	ended := []chan struct{}{make(chan struct{}), make(chan struct{})}
	for i := range kills {
		go process(t, url, endpoint, kills[i], ended[i])
	}
	for _, event := range []struct {
		after time.Duration
		do    func()
	}{
		{5 * time.Second, func() { kills[0] <- struct{}{} }},
		{2 * time.Second, func() { kills[1] <- struct{}{} }},
		{3 * time.Second, func() { assert.NoError(t, restart()) }},
		{3 * time.Second, func() { kills[1] <- struct{}{} }},
		{2 * time.Second, func() { kills[0] <- struct{}{} }},
	} {
		time.Sleep(event.after/2 + rand.N(event.after))
		event.do()
	}

	waiting := func() int {
		n, err := strconv.Atoi(db.query(`SELECT count(*) FROM river_job WHERE finalized_at IS NULL`)[0][0])
		require.NoError(t, err)
		return n
	}
	for deadline := time.Now().Add(150 * time.Second); waiting() > 0; time.Sleep(200 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "%d River jobs have not ended: %s", waiting(),
			db.query(`SELECT kind, state, count(*) FROM river_job GROUP BY 1, 2`))
	}
	took := time.Since(begun)
	for i := range kills {
		close(kills[i])
		<-ended[i]
	}

	rescued := db.query(`SELECT count(*) FROM river_job WHERE attempt > 1`)[0][0]
	t.Logf("%d jobs in %s, %d polls; %s River jobs had more than one attempt", jobs, took.Round(time.Second), len(service.Requests()), rescued)
	assert.NotEqual(t, "0", rescued, "the kills have hit nothing")
	crashOutcomes(t, db, service, many, added)
}

// crashScript is a job of 10 to 30 s; each fifth fails.
func crashScript(n int) pollertest.Script {
	last := status.Job{Status: status.Success}
	if n%5 == 0 {
		last = status.Job{Status: status.Failed, ErrorCode: "SFS.TURBO.0100", FailReason: "LDAP server unreachable"}
	}
	return pollertest.Script{Type: "bind_ldap", Steps: []pollertest.Step{
		{Job: status.Job{Status: status.Running, SubJobs: []status.Job{{ID: "s", Status: status.Running}}}},
		{After: crashDuration(n), Job: last},
	}}
}

func crashDuration(n int) time.Duration { return time.Duration(10000+n*7919%20000) * time.Millisecond }

// crashOutcomes checks what is left: every wait has ended as its job did, every change is written
// once, and every end has led to one verification.
func crashOutcomes[TTx any](t *testing.T, db database[TTx], service *pollertest.Server, jobs []river.InsertManyParams, added time.Time) {
	polls := map[string][]time.Time{}
	for _, r := range service.Requests() {
		polls[r.JobID] = append(polls[r.JobID], r.At)
	}
	group := func(statement string) map[string][]string {
		by := map[string][]string{}
		for _, row := range db.query(statement) {
			by[row[0]] = append(by[row[0]], row[1])
		}
		return by
	}
	changes := group(`SELECT job_id, sub_job || ':' || from_status || '->' || to_status FROM told ORDER BY 1`)
	outcomes := group(`SELECT job_id, outcome FROM ended`)
	stored := group(`SELECT args->>'job_id', CAST(state AS text) || ' ' || (metadata->'output'->>'outcome') || ' ' || (metadata->'output'->'progress'->'job'->>'status') FROM river_job WHERE kind = 'sfsturbo_await'`)
	next := group(`SELECT args->>'job_id', CAST(state AS text) FROM river_job WHERE kind = 'verify'`)
	attempts := group(`SELECT args->>'job_id', CAST(attempt AS text) FROM river_job WHERE kind = 'sfsturbo_await'`)
	for n, job := range jobs {
		id := job.Args.(riverwait.AwaitArgs).JobID
		end, state := "success", "completed success success"
		if n%5 == 0 {
			end, state = "failed", "cancelled failed failed"
		}
		want := []string{":->running", ":running->" + end, "s:->running"}
		attempt, err := strconv.Atoi(attempts[id][0])
		require.NoError(t, err)
		over := added.Add(crashDuration(n))
		before := len(slices.DeleteFunc(slices.Clone(polls[id]), func(at time.Time) bool { return !at.Before(over) }))
		if slices.Sort(changes[id]); before < attempt && len(changes[id]) == 1 {
			want = []string{":->" + end} // each attempt that died may have polled without being able to say so
		}
		require.Equal(t, want, changes[id], "%s, over at %v, polled at %v", id, over, polls[id])
		require.Equal(t, []string{end}, outcomes[id], id)
		require.Equal(t, []string{state}, stored[id], id)
		require.Equal(t, []string{"completed"}, next[id], id)
		// The schedule's bound: the k-th pause is at least 0.8 x 1.25^k s, but each attempt that died
		// may have polled, too.
		span := polls[id][len(polls[id])-1].Sub(polls[id][0])
		allowed := 1 + attempt
		for pause := 800 * time.Millisecond; span > 0; pause = min(pause*5/4, 12*time.Second) {
			span -= pause
			allowed++
		}
		require.LessOrEqual(t, len(polls[id]), allowed, id)
	}
}
