package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/sfsturbo/waiter"
	temporalwait "github.com/sfsturbo/waiter/integrations/temporal"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/status"
)

// The test binary is also the server, and a worker, that are killed.
const serverFile, serverPort, workerQueue, workerEndpoint = "TEMPORALWAIT_FILE", "TEMPORALWAIT_PORT", "TEMPORALWAIT_QUEUE", "TEMPORALWAIT_ENDPOINT"

func TestMain(m *testing.M) {
	port, _ := strconv.Atoi(os.Getenv(serverPort))
	switch {
	case os.Getenv(serverFile) != "":
		check(run(context.Background(), os.Getenv(serverFile), port))
	case os.Getenv(workerQueue) != "":
		work(port, os.Getenv(workerQueue), os.Getenv(workerEndpoint))
	}
	flag.Parse()
	check(flag.Set("test.parallel", "14")) // the tests wait more than they compute
	os.Exit(m.Run())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work is a worker process: it works until it is killed.
func work(port int, queue, endpoint string) {
	p, err := poller.New(endpoint, "a-project", poller.WithCredential(credential.Token("a-token")))
	check(err)
	c, err := client.Dial(clientOptions(port))
	check(err)
	w := worker.New(c, queue, worker.Options{
		MaxHeartbeatThrottleInterval: time.Second, MaxConcurrentActivityTaskPollers: 10, MaxConcurrentWorkflowTaskPollers: 10,
	})
	check(register(w, p))
	check(w.Run(nil))
}

func register(w worker.Registry, p poller.Poller, opts ...waiter.Option) error {
	awaits, err := waiter.New(p, opts...)
	if err != nil {
		return err
	}
	w.RegisterActivity(&temporalwait.Activity{Waiter: awaits})
	w.RegisterWorkflow(recorded)
	w.RegisterWorkflow(returned)
	w.RegisterWorkflow(renewed)
	w.RegisterWorkflow(thrice)
	return nil
}

func clientOptions(port int) client.Options {
	return client.Options{
		HostPort: fmt.Sprintf("%s:%d", host, port),
		Identity: "test",
		Logger:   log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	}
}

// input and output are of the workflow under test, which awaits a job and returns what it has seen.
type input struct {
	JobID       string
	Transitions bool
	Timeout     time.Duration
	Progress    waiter.Progress
}

type output struct {
	Job      status.Job
	Polls    int
	Told     []string
	Outcome  string
	TimedOut time.Duration
}

func options(in *input, out *output) []temporalwait.Option {
	opts := []temporalwait.Option{
		temporalwait.WithProgress(&in.Progress), temporalwait.WithPollTimeout(2 * time.Second),
	}
	if in.Timeout > 0 {
		opts = append(opts, temporalwait.WithTimeout(in.Timeout))
	}
	if in.Transitions {
		opts = append(opts, temporalwait.OnTransition(func(_ workflow.Context, t status.Transition) {
			out.Told = append(out.Told, t.SubJob+":"+string(t.From)+"->"+string(t.To))
		}))
	}
	return opts
}

func recorded(ctx workflow.Context, in input) (output, error) {
	var out output
	if err := workflow.SetQueryHandler(ctx, "told", func() ([]string, error) { return out.Told, nil }); err != nil {
		return out, err
	}
	began := workflow.Now(ctx)
	job, err := temporalwait.Await(ctx, in.JobID, options(&in, &out)...)
	out.Job, out.Outcome, out.Polls = job, waiter.Outcome(err), in.Progress.Polls
	out.TimedOut = workflow.Now(ctx).Sub(began)
	return out, nil
}

func returned(ctx workflow.Context, in input) (status.Job, error) {
	return temporalwait.Await(ctx, in.JobID, options(&in, new(output))...)
}

// renewed continues as new after each change.
func renewed(ctx workflow.Context, in input, told []string) ([]string, error) {
	out := output{Told: told}
	ctx, cancel := workflow.WithCancel(ctx)
	in.Transitions = true
	opts := append(options(&in, &out), temporalwait.OnTransition(func(_ workflow.Context, t status.Transition) {
		out.Told = append(out.Told, t.SubJob+":"+string(t.From)+"->"+string(t.To))
		cancel()
	}))
	if _, err := temporalwait.Await(ctx, in.JobID, opts...); err == nil {
		return out.Told, nil
	}
	return nil, workflow.NewContinueAsNewError(ctx, renewed, in, out.Told)
}

// thrice awaits a job twice at once, cancels that, and awaits it again.
func thrice(ctx workflow.Context, in input) (outcomes []string, err error) {
	if err := workflow.SetQueryHandler(ctx, "outcomes", func() ([]string, error) { return outcomes, nil }); err != nil {
		return nil, err
	}
	both, cancel := workflow.WithCancel(ctx)
	await := func(ctx workflow.Context) {
		_, err := temporalwait.Await(ctx, in.JobID, temporalwait.WithTimeout(time.Duration(math.MaxInt64)))
		outcomes = append(outcomes, waiter.Outcome(err))
	}
	group := workflow.NewWaitGroup(ctx)
	for range 2 {
		group.Add(1)
		workflow.Go(both, func(ctx workflow.Context) {
			defer group.Done()
			await(ctx)
		})
	}
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	cancel()
	group.Wait(ctx)
	await(ctx)
	return outcomes, nil
}

// process is a process of the test binary that a test kills.
type process struct {
	t   *testing.T
	env []string
	cmd *exec.Cmd
}

func start(t *testing.T, env ...string) *process {
	p := &process{t: t, env: append(os.Environ(), env...)}
	p.start()
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) start() {
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env, p.cmd.Stderr = p.env, os.Stderr
	require.NoError(p.t, p.cmd.Start())
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// restart kills the process with SIGKILL, and starts another one.
func (p *process) restart() {
	p.kill()
	p.start()
}

// temporalServer is a server process, and a client of it.
type temporalServer struct {
	*process
	client.Client

	port int
	file string
}

func startServer(t *testing.T) *temporalServer {
	ports, err := freePorts(1)
	require.NoError(t, err)
	s := &temporalServer{port: ports[0], file: filepath.Join(t.TempDir(), "temporal.sqlite")}
	s.process = start(t, serverFile+"="+s.file, serverPort+"="+strconv.Itoa(s.port))
	for deadline := time.Now().Add(time.Minute); ; {
		if s.Client, err = client.Dial(clientOptions(s.port)); err == nil {
			break
		}
		require.True(t, time.Now().Before(deadline), "no server: %v", err)
		time.Sleep(100 * time.Millisecond)
	}
	t.Cleanup(s.Close)
	return s
}

func (s *temporalServer) worker(t *testing.T, queue, endpoint string) *process {
	return start(t, serverPort+"="+strconv.Itoa(s.port), workerQueue+"="+queue, workerEndpoint+"="+endpoint)
}

func newService(t *testing.T) *pollertest.Server {
	service := pollertest.New()
	t.Cleanup(service.Close)
	return service
}
