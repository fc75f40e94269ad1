package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/status"
)

// A service has jobs that run for ever. Its responses are as those of a decoder: no two share a
// string. It keeps nothing.
type service struct{ polls atomic.Int64 }

func (s *service) Poll(_ context.Context, id string) (poller.Reply, error) {
	s.polls.Add(1)
	j := running(strings.Clone(id), "bind_ldap")
	j.SubJobs = make([]status.Job, 3)
	for i := range j.SubJobs {
		j.SubJobs[i] = running(id[:35]+strconv.Itoa(i), "check_ldap")
	}
	return poller.Reply{Job: j}, nil
}

func running(id, kind string) status.Job {
	return status.Job{
		ID: id, Type: strings.Clone(kind), Status: status.Status(strings.Clone("running")),
		BeginTime: status.Timestamp(strings.Clone("2026-01-02 03:04:05")),
	}
}

// await returns after n polls.
func (s *service) await(n int64) {
	for s.polls.Load() < n {
		time.Sleep(10 * time.Millisecond)
	}
}

func jobID(n int) string { return fmt.Sprintf("26f6b565-1111-2222-3333-%012d", n) }

var errGoesOn = errors.New("the job goes on")

// interval is the one of all jobs, until the next poll of each.
var interval atomic.Int64

// schedule has the memory of the default one.
type schedule struct{ backoff.ExponentialBackOff }

func newSchedule() backoff.BackOff { return &schedule{*backoff.NewExponentialBackOff()} }

func (*schedule) NextBackOff() time.Duration { return time.Duration(interval.Load()) }
