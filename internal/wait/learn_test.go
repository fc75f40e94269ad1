package wait

import (
	"errors"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/sfsturbo/waiter/internal/follow"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/pace"
	"github.com/sfsturbo/waiter/status"
)

// noting is a schedule that learns and notes how it is called.
type noting struct {
	calls    []string
	observed []pace.Observation
}

func (n *noting) Reset() { n.calls = append(n.calls, "reset") }

func (n *noting) NextBackOff() time.Duration {
	n.calls = append(n.calls, "next")
	return time.Second
}

func (n *noting) Start(j status.Job, _ time.Duration) time.Duration {
	n.calls = append(n.calls, "start "+string(j.Status))
	spoil(j)
	return 0
}

func (n *noting) Observe(o pace.Observation) {
	n.observed = append(n.observed, pace.Observation{Job: o.Job.Clone(), ServerTime: o.ServerTime, Changed: o.Changed, Abandoned: o.Abandoned})
	spoil(o.Job)
}

func spoil(j status.Job) {
	for i := range j.SubJobs {
		j.SubJobs[i].Status = "changed"
	}
}

func TestStartIsCalledBeforeTheReplay(t *testing.T) {
	n := &noting{}
	c := Defaults(replies("running"))
	c.Schedules[follow.Progress] = func() backoff.BackOff { return n }
	f := begin(t, &c)
	for range 2 { // the first poll shows a new status, and resets the schedule
		_, end := f.Poll(t.Context())
		require.Nil(t, end)
	}
	state := f.State
	n.calls = nil
	f = begin(t, &c)
	f.State = state
	require.Zero(t, f.Start())
	require.Equal(t, []string{"reset", "start running", "next", "next"}, n.calls)
}

var errReset = errors.New("connection reset")

func replyAt(j status.Job, served time.Time) poller.Reply {
	return poller.Reply{Job: j, ServerTime: served}
}

func TestObserve(t *testing.T) {
	n := &noting{}
	served := time.Date(2023, 7, 26, 9, 34, 40, 0, time.UTC)
	running := job("running", sub("b", "running"))
	reply := replyAt(running, served)
	c := Defaults(script(reply, reply, errReset, replyAt(job("success", sub("b", "success")), served)))
	for which := range c.Schedules {
		c.Schedules[which] = func() backoff.BackOff { return n }
	}
	f := begin(t, &c)
	for {
		if _, end := f.Poll(t.Context()); end != nil {
			break
		}
		f.Abandon()
	}
	f.Abandon()
	gone := pace.Observation{Job: running, Abandoned: true}
	require.Equal(t, []pace.Observation{
		{Job: running, ServerTime: served, Changed: true}, gone,
		{Job: running, ServerTime: served}, gone,
		gone, // nothing to learn from a failure
		{Job: job("success", sub("b", "success")), ServerTime: served, Changed: true},
	}, n.observed)
}
