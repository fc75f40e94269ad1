package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"sync"
	"time"

	"github.com/sfsturbo/waiter/poller/pollertest"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
	"github.com/sfsturbo/waiter/status"
)

// served is what the service reports at its end.
type served struct {
	Polls  int
	Faults map[string]int // by name
}

// child is the service in its process.
type child struct {
	endpoint string
	process  *exec.Cmd
	in       io.Closer
	out      *bufio.Reader

	over   chan struct{} // closed when the service has reported, or died
	served *served       // nil: it died of err
	err    error
}

var errDied = errors.New("the service has died")

// startService starts the service, and calls died with errDied as soon as it ends.
func startService(s settings, died context.CancelCauseFunc) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{
		process: exec.Command(self, "serve", fmt.Sprint("-faults=", s.faults), fmt.Sprint("-longest=", s.longestJob())),
		over:    make(chan struct{}),
	}
	c.process.Stderr = os.Stderr
	in, err := c.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	c.in, c.out = in, bufio.NewReader(out)
	if err := c.read(&c.endpoint); err != nil {
		return nil, errors.Join(err, in.Close(), c.process.Wait())
	}
	go func() {
		defer close(c.over)
		c.err = c.read(&c.served)
		died(errDied) // too late to matter if it was stopped
	}()
	return c, nil
}

func (c *child) read(v any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the service reports nothing: %w", err)
	}
	return json.Unmarshal(line, v)
}

func (c *child) stop() (*served, error) {
	err := c.in.Close()
	<-c.over
	return c.served, errors.Join(err, c.err, c.process.Wait())
}

// parseService reads the flags of the service's process.
func parseService(args []string) (share float64, longest time.Duration, err error) {
	flags := flag.NewFlagSet("soak serve", flag.ContinueOnError)
	flags.Float64Var(&share, "faults", 0, "the share of polls that go wrong")
	flags.DurationVar(&longest, "longest", time.Minute, "how long a job lasts at most")
	switch err := flags.Parse(args); {
	case err != nil:
		return 0, 0, err
	case flags.NArg() > 0:
		return 0, 0, fmt.Errorf("serve: what is %q? There are only flags: see -help", flags.Arg(0))
	case longest < 2, !(share >= 0 && share <= 1):
		return 0, 0, errors.New("serve: -longest is 2ns or more, -faults from 0 to 1")
	}
	return share, longest, nil
}

// serve is the service's process. It serves until in ends, as it does when its parent dies. It
// writes to out its endpoint at first, and what it has served at last.
func serve(share float64, longest time.Duration, in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newService(share, longest)
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()

	encoder := json.NewEncoder(out)
	if err := encoder.Encode("http://" + listener.Addr().String()); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, in)
	s.close()
	_ = server.Close()
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return encoder.Encode(s.served)
}

// service is the job service, with faults in front of it. A job begins when it is first polled, and
// goes as its id says.
type service struct {
	share   float64
	longest time.Duration
	jobs    *pollertest.Server
	faulty  []*pollertest.Server // by fault: each only responds with that fault

	mu     sync.Mutex
	seldom map[string]bool // of each job that has begun: whether it had its one seldom fault
	served served
}

func newService(share float64, longest time.Duration) *service {
	s := &service{
		share: share, longest: longest, jobs: pollertest.New(),
		seldom: make(map[string]bool), served: served{Faults: make(map[string]int)},
	}
	for _, f := range faults {
		server := pollertest.New()
		server.Fail(f.Rule)
		s.faulty = append(s.faulty, server)
	}
	s.jobs.Fail(pollertest.Rule{Call: pollertest.Poll, Edit: s.edit})
	return s
}

func (s *service) close() {
	s.jobs.Close()
	for _, server := range s.faulty {
		server.Close() // ends what hangs
	}
}

// ServeHTTP draws whether this poll meets a fault, and which. The draws cannot be repeated, because
// the order of the polls cannot.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.choose(path.Base(r.URL.Path)).ServeHTTP(w, r)
}

func (s *service) choose(id string) *pollertest.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served.Polls++
	if _, begun := s.seldom[id]; !begun {
		s.seldom[id] = false
		s.jobs.Add(truth.Draw(id, s.longest).Script)
	}
	n := s.draw()
	if n < 0 || n >= len(faults) || faults[n].seldom && s.seldom[id] {
		return s.jobs
	}
	if faults[n].seldom {
		s.seldom[id] = true
	}
	s.served.Faults[faults[n].name]++
	return s.faulty[n]
}

// edit spoils a response, if it is its turn.
func (s *service) edit(job *status.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.draw() - len(faults); n >= 0 {
		edits[n].edit(job)
		s.served.Faults[edits[n].name]++
	}
}

// draw returns the index of a fault or edit; -1 for none.
func (s *service) draw() int {
	if rand.Float64() >= s.share {
		return -1
	}
	return rand.IntN(len(faults) + len(edits))
}
