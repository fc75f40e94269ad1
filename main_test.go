package waiter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/internal/environ/environtest"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
	"github.com/sfsturbo/waiter/tracker"
)

var update = flag.Bool("update", false, "write the files testdata/*.golden")

// TestMain fails if a goroutine outlives the tests, or if a Waiter of newWaiter logs a secret.
func TestMain(m *testing.M) {
	environtest.Unset()
	goleak.VerifyTestMain(checked{m})
}

type checked struct{ *testing.M }

func (c checked) Run() int {
	code := c.M.Run()
	if found := wholeRun.found.String(); found != "" {
		fmt.Fprintln(os.Stderr, "a secret was logged:\n"+found)
		return 1
	}
	return code
}

// A search is a log's sink that looks for secrets.
type search struct {
	mu    sync.Mutex
	lines int
	found strings.Builder
}

var wholeRun search

func (s *search) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines++
	if bytes.Contains(line, []byte("planted-")) { // every secret of these tests begins with that
		s.found.Write(line[:min(len(line), 300)])
	}
	return len(line), nil
}

// logTo returns a logger that writes every line to w, as JSON.
func logTo(w io.Writer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zap.DebugLevel))
}

// logLines returns a logger that writes to w what people read.
func logLines(w io.Writer) *zap.Logger {
	encoder := zapcore.NewConsoleEncoder(zapcore.EncoderConfig{
		LevelKey: "level", MessageKey: "message", EncodeLevel: zapcore.LowercaseLevelEncoder, EncodeDuration: zapcore.StringDurationEncoder,
		ConsoleSeparator: " ",
	})
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(w), zap.InfoLevel))
}

func newWaiter(t *testing.T, p poller.Poller, opts ...waiter.Option) *waiter.Waiter {
	t.Helper()
	w, err := waiter.New(p, append([]waiter.Option{waiter.WithLogger(logTo(&wholeRun))}, opts...)...)
	require.NoError(t, err)
	return w
}

// A driver is one way to wait for one job. Its fields say in what it differs from the others.
type driver struct {
	name     string
	drive    func(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts []waiter.Option) outcome
	blocks   bool // sleeps between polls by itself: plans the first poll too, and looks once more before the deadline
	resumes  bool // goes on from a checkpoint
	inline   bool // polls on the caller's goroutine
	neighbor bool // waits for a second job at the same time
	shared   bool // others may wait for the same job, which goes on: polls, hooks and callbacks see neither the call's context nor its goroutine
}

// An outcome is what the caller gets from a wait.
type outcome struct {
	delivered []status.Transition
	job       status.Job
	err       error
}

// lines returns the delivered transitions, "a running->success" for one of the sub-job a.
func (o outcome) lines() []string {
	lines := []string{}
	for _, t := range o.delivered {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s->%s", t.SubJob, t.From, t.To)))
	}
	return lines
}

var drivers = []driver{
	{name: "Wait", drive: wait, blocks: true, resumes: true, inline: true},
	{name: "Watch", drive: watch, blocks: true, resumes: true, inline: true},
	{name: "Step through JSON", drive: step, resumes: true, inline: true},
	{name: "Run", drive: run, blocks: true, inline: true},
	{name: "WaitAll", drive: all(id), blocks: true},
	{name: "WaitAll with a second job", drive: all(neighborID, id), blocks: true, neighbor: true},
	{name: "Tracker", drive: track, blocks: true, resumes: true, shared: true},
}

// What a behavior may need of a driver.
func blocking(d driver) bool { return d.blocks }
func resuming(d driver) bool { return d.resumes }
func inline(d driver) bool   { return d.inline }
func alone(d driver) bool    { return !d.neighbor }
func own(d driver) bool      { return !d.shared }

// specify runs a behavior over every driver that has all it needs, in virtual time.
func specify(t *testing.T, behavior string, test func(t *testing.T, d driver), needs ...func(driver) bool) {
	t.Helper()
	t.Run(behavior, func(t *testing.T) {
		for _, d := range drivers {
			if slices.ContainsFunc(needs, func(need func(driver) bool) bool { return !need(d) }) {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, d) })
			})
		}
	})
}

// bubble runs a subtest in virtual time.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// wait waits for the job id with a Waiter of its own.
func (d driver) wait(ctx context.Context, t *testing.T, p poller.Poller, opts ...waiter.Option) outcome {
	t.Helper()
	return d.drive(ctx, t, p, status.Job{}, opts)
}

// resume goes on from a checkpoint.
func (d driver) resume(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts ...waiter.Option) outcome {
	t.Helper()
	return d.drive(ctx, t, p, from, opts)
}

func (o *outcome) collect() waiter.Option {
	return waiter.OnTransition(func(t status.Transition) {
		if t.JobID != neighborID {
			o.delivered = append(o.delivered, t)
		}
	})
}

// checkpoint is From, unless there is none.
func checkpoint(from status.Job) (opts []waiter.Option) {
	if from.ID != "" || from.Status != "" {
		opts = append(opts, waiter.From(from))
	}
	return opts
}

func wait(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts []waiter.Option) (o outcome) {
	o.job, o.err = newWaiter(t, p, append(opts, o.collect())...).Wait(ctx, id, checkpoint(from)...)
	return o
}

func watch(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts []waiter.Option) outcome {
	o := outcome{job: from}
	for transition, err := range newWaiter(t, p, opts...).Watch(ctx, id, checkpoint(from)...) {
		if o.err = err; err == nil {
			o.delivered = append(o.delivered, transition)
			o.job = status.Apply(o.job, transition) // Watch returns no job
		}
	}
	return o
}

// step has each Progress survive a restart.
func step(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts []waiter.Option) (o outcome) {
	w, progress := newWaiter(t, p, opts...), waiter.Progress{JobID: id, Job: from}
	for {
		var err error
		ended := ctx.Err() != nil
		progress, err = w.Step(ctx, restart(t, progress))
		o.delivered, o.job, o.err = append(o.delivered, progress.Transitions...), progress.Job, err
		if err != nil || progress.Done {
			return o
		}
		require.False(t, ended, "a Step whose context has ended goes on")
		select {
		case <-ctx.Done():
		case <-time.After(progress.Next):
		}
	}
}

// restart returns what is left of p after it was stored and read again.
func restart(t *testing.T, p waiter.Progress) (read waiter.Progress) {
	t.Helper()
	stored, err := json.Marshal(p)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(stored, &read))
	return read
}

func run(ctx context.Context, t *testing.T, p poller.Poller, _ status.Job, opts []waiter.Option) (o outcome) {
	o.job, o.err = newWaiter(t, p, append(opts, o.collect())...).Run(ctx, submits(id, nil))
	return o
}

func submits(jobID string, err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return jobID, err }
}

// all waits for these jobs at once. The neighbor, if it is one of them, fails in its first poll,
// which must not change anything for the other.
func all(ids ...string) func(context.Context, *testing.T, poller.Poller, status.Job, []waiter.Option) outcome {
	return func(ctx context.Context, t *testing.T, p poller.Poller, _ status.Job, opts []waiter.Option) (o outcome) {
		both := fn(func(ctx context.Context, jobID string) (poller.Reply, error) {
			if jobID == neighborID {
				return poller.Reply{Job: status.Job{Type: "neighbor", Status: status.Failed}}, nil
			}
			return p.Poll(ctx, jobID)
		})
		results, _ := newWaiter(t, both, opts...).WaitAll(ctx, ids, o.collect())
		last := results[len(results)-1]
		o.job, o.err = last.Job, last.Err
		return o
	}
}

func track(ctx context.Context, t *testing.T, p poller.Poller, from status.Job, opts []waiter.Option) (o outcome) {
	tracked, err := tracker.New(newWaiter(t, p, append(opts, o.collect())...))
	require.NoError(t, err)
	if len(checkpoint(from)) > 0 {
		from.ID = id
		require.NoError(t, tracked.Track(from))
	}
	running, stop := context.WithCancel(t.Context())
	var waits sync.WaitGroup
	waits.Go(func() {
		defer stop()
		o.job, o.err = tracked.Wait(ctx, id)
	})
	synctest.Wait()
	defer func() { //nolint:contextcheck // Forget takes none
		tracked.Forget(id) // if Run has panicked, there is no other end
		waits.Wait()
		if p, ok := recover().(*tracker.PanicError); ok {
			panic(p.Recovered)
		}
	}()
	require.NoError(t, tracked.Run(running)) //nolint:contextcheck // ctx is the wait's
	waits.Wait()
	return o
}

// traced is a Trace with these hooks.
func traced(t waiter.Trace) waiter.Option { return waiter.WithTrace(&t) }

// fn is a Poller.
type fn func(ctx context.Context, jobID string) (poller.Reply, error)

func (f fn) Poll(ctx context.Context, jobID string) (poller.Reply, error) { return f(ctx, jobID) }

// A service responds to polls in virtual time and records when they arrived.
type service struct {
	respond func(poll int, age time.Duration) (poller.Reply, error) // polls count from 0
	took    time.Duration                                           // for each response
	began   time.Time                                               // age 0; the first poll unless set
	polls   []time.Duration                                         // ages at which polls arrived
}

func (s *service) Poll(ctx context.Context, _ string) (poller.Reply, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	s.polls = append(s.polls, time.Since(s.began))
	n := len(s.polls) - 1
	if n > 20_000 { // two days by the default schedule are 11,600 polls
		panic("the wait polls without end")
	}
	if s.took > 0 {
		select {
		case <-time.After(s.took):
		case <-ctx.Done():
			return poller.Reply{}, ctx.Err()
		}
	}
	return s.respond(n, time.Since(s.began))
}

func (s *service) last() time.Duration { return s.polls[len(s.polls)-1] }

// responses makes a service that gives these in turn, the last one forever: a status.Job, a
// poller.Reply or an error each.
func responses(list ...any) *service {
	return &service{respond: func(n int, _ time.Duration) (poller.Reply, error) {
		switch r := list[min(n, len(list)-1)].(type) {
		case status.Job:
			return reply(r)
		case poller.Reply:
			return r, nil
		case error:
			return poller.Reply{}, r
		default:
			panic(fmt.Sprintf("%T", r))
		}
	}}
}

// byAge makes a service whose response depends on the age only.
func byAge(respond func(age time.Duration) (poller.Reply, error)) *service {
	return &service{respond: func(_ int, age time.Duration) (poller.Reply, error) { return respond(age) }}
}

// timeline makes a service whose job runs until the age end, and then succeeds.
func timeline(end, took time.Duration) *service {
	s := byAge(func(age time.Duration) (poller.Reply, error) {
		if age-took >= end { // as it was when the request arrived
			return reply(job("success"))
		}
		return reply(job("running"))
	})
	s.took = took
	return s
}

// hang never responds: it returns err at the end of the poll's context.
func hang(err error) fn {
	return func(ctx context.Context, _ string) (poller.Reply, error) {
		<-ctx.Done()
		return poller.Reply{}, err
	}
}

func reply(j status.Job) (poller.Reply, error) { return poller.Reply{Job: j}, nil }

func failure(err error) (poller.Reply, error) { return poller.Reply{}, err }

const (
	id         = "26f6b565-1111-2222-3333-03f0bd975433"
	neighborID = "9c0e1d2f-4444-5555-6666-7788990011aa"
)

func job(s status.Status, subs ...status.Job) status.Job {
	return status.Job{ID: id, Type: "bind_ldap", Status: s, SubJobs: subs}
}

func sub(id string, s status.Status) status.Job { return status.Job{ID: id, Status: s} }

func httpError(code int) error { return &poller.Error{StatusCode: code} }

func statusCode(t *testing.T, err error) int {
	t.Helper()
	e, ok := errors.AsType[*poller.Error](err)
	require.True(t, ok, "%v", err)
	return e.StatusCode
}

func unfinished(t *testing.T, err error) *waiter.UnfinishedError {
	t.Helper()
	e, ok := errors.AsType[*waiter.UnfinishedError](err)
	require.True(t, ok, "%v", err)
	return e
}

// goroutine is the id of the one that calls it.
func goroutine() string {
	stack := make([]byte, 64)
	return strings.Fields(string(stack[:runtime.Stack(stack, false)]))[1]
}

// limit is the time of a wait with withDeadline.
const limit = 10 * time.Minute

func withDeadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func seconds(list ...float64) []time.Duration {
	var ds []time.Duration
	for _, s := range list {
		ds = append(ds, time.Duration(s*float64(time.Second)))
	}
	return ds
}

func constant(d time.Duration) func() backoff.BackOff {
	return func() backoff.BackOff { return backoff.NewConstantBackOff(d) }
}

// every polls in this interval, whether or not polls fail.
func every(d time.Duration) []waiter.Option {
	return []waiter.Option{waiter.WithBackOff(constant(d)), waiter.WithFailureBackOff(constant(d))}
}

// counting is 1 s, 2 s, 3 s, ... from its last reset.
type counting struct{ n int }

func (c *counting) Reset() { c.n = 0 }

func (c *counting) NextBackOff() time.Duration {
	c.n++
	return time.Duration(c.n) * time.Second
}

func byCounting() backoff.BackOff { return &counting{} }

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// inMemory is the real client and service over connections in memory, for a synctest bubble.
func inMemory(t *testing.T, server *pollertest.Server) *poller.Client {
	t.Helper()
	endpoint, client := server.Memory()
	t.Cleanup(server.Close)
	c, err := poller.New(endpoint, "a-project", poller.WithHTTPClient(client), poller.WithCredential(credential.Token(plantedToken)))
	require.NoError(t, err)
	return c
}

func script(steps ...pollertest.Step) pollertest.Script {
	return pollertest.Script{ID: id, Type: "bind_ldap", Steps: steps}
}

func after(d time.Duration, j status.Job) pollertest.Step { return pollertest.Step{After: d, Job: j} }

// golden compares got with a file that is read as prose in review.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(got, "\n"))
}

var digits = regexp.MustCompile(`\d+`)

// seeds is how many random cases a test tries: n, or a tenth of that under the race detector.
func seeds(n uint64) uint64 {
	if underRace() {
		return n / 10
	}
	return n
}

// underRace reports whether the race detector runs, which dies of 8,128 goroutines.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
