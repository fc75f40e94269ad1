package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/sfsturbo/waiter"
	"github.com/sfsturbo/waiter/poller"
	"github.com/sfsturbo/waiter/poller/credential"
	"github.com/sfsturbo/waiter/proof/faults/internal/truth"
	"github.com/sfsturbo/waiter/status"
)

// All durations scale with the length of the soak, so that a short one goes through the same
// phases. The comments name the durations of two minutes. A longer soak has these too, and so is
// the same load for longer.
func (s settings) scale() time.Duration { return min(s.length, 2*time.Minute) }

// longestJob is 48 s: by the second half the ages of the running jobs are as mixed as they will
// ever be.
func (s settings) longestJob() time.Duration { return s.scale() * 2 / 5 }

// longestSleep is 30 s.
func (s settings) longestSleep() time.Duration { return s.scale() / 4 }

// pollTimeout is 2 s and not the default 15 s, because each poll that hangs takes one of the
// Client's 64 connections from the other waits for that long.
func (s settings) pollTimeout() time.Duration { return max(s.scale()/60, time.Second) }

// longestSilence is how long a wait may go without the end of a poll: the longest sleep, a poll,
// and some time for a busy machine. A wait may also go on that long after its job's end if no poll
// fails. These limits hold whatever share of the polls fails; a limit of the lag alone would not.
func (s settings) longestSilence() time.Duration {
	return s.longestSleep()*3/2 + s.pollTimeout() + 5*time.Second
}

// options returns the options of the Waiter. The schedules are the default ones, except for the
// first interval: 4 s instead of 1 s, which two cores can handle.
func (s settings) options() []waiter.Option {
	schedule := func(first time.Duration, factor float64, most time.Duration, spread float64) func() backoff.BackOff {
		return func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMultiplier(factor),
				backoff.WithMaxInterval(most), backoff.WithRandomizationFactor(spread), backoff.WithMaxElapsedTime(0))
		}
	}
	return []waiter.Option{
		waiter.WithBackOff(schedule(s.scale()/30, 1.25, s.scale()/8, 0.2)),
		waiter.WithFailureBackOff(schedule(s.scale()/120, 2, s.longestSleep(), 0.5)),
		waiter.WithPollTimeout(s.pollTimeout()),
		waiter.WithNotFoundGrace(s.length), // the service knows every job: its 404s are faults
	}
}

// load is the state of the waits.
type load struct {
	began       time.Time
	polls       atomic.Int64
	failedPolls atomic.Int64
	waits       atomic.Int64 // in progress
	succeeded   atomic.Int64
	failed      atomic.Int64
	unfinished  atomic.Int64
	wrong       atomic.Int64
	left        int           // goroutines that were not there before
	silence     time.Duration // the longest time that a wait may go without a poll

	mu     sync.Mutex
	lag    time.Duration // the greatest between a job's end and its wait's
	wrongs []error       // the first few
}

var errOver = errors.New("the soak is over")

// run keeps s.waits going until s.length is over or ctx ends, then ends them all. It returns what
// it has seen even with an error.
func run(ctx context.Context, s settings, endpoint string) ([]sample, *load, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	before := runtime.NumGoroutine()
	l := &load{began: time.Now(), silence: s.longestSilence()}
	// The token of a function may be tried again when it is rejected.
	token := credential.TokenFunc(func(context.Context) (string, error) { return "a-token", nil })
	client, err := poller.New(endpoint, "a-project", poller.WithCredential(token))
	if err != nil {
		return nil, l, err
	}
	w, err := waiter.New(client, append(s.options(), waiter.WithTrace(&waiter.Trace{PollEnd: l.polled}))...)
	if err != nil {
		return nil, l, err
	}

	var ids atomic.Int64
	var all sync.WaitGroup
	for range s.waits {
		all.Go(func() {
			pause(ctx, rand.N(s.scale()/20)) // otherwise all would poll at once for long
			for ctx.Err() == nil {
				l.wait(ctx, w, truth.Draw("soak-"+strconv.FormatInt(ids.Add(1), 10), s.longestJob()))
			}
		})
	}
	samples, err := l.record(ctx, s)
	stop(errOver)
	all.Wait()
	client.CloseIdleConnections()
	l.left = leftover(before)
	return samples, l, err
}

func (l *load) polled(_ context.Context, e waiter.PollEnd) {
	l.polls.Add(1)
	if e.Err != nil {
		l.failedPolls.Add(1)
	}
}

// wait waits for one job, and judges the wait.
func (l *load) wait(ctx context.Context, w *waiter.Waiter, job truth.Job) {
	l.waits.Add(1)
	defer l.waits.Add(-1)
	witness := truth.NewWitness(job)
	ctx, cancel := witness.Context(ctx)
	defer cancel()
	last, silence := time.Now(), time.Duration(0)
	failed := last // when the last poll that failed did
	heard := func(err error) {
		now := time.Now()
		silence, last = max(silence, now.Sub(last)), now
		if err != nil {
			failed = now
		}
	}
	got, err := w.Wait(ctx, job.Script.ID, waiter.OnTransition(witness.Observe), waiter.WithTrace(&waiter.Trace{
		PollEnd: func(_ context.Context, e waiter.PollEnd) { heard(e.Err) },
	}))
	heard(nil)
	wrong := witness.Judge(ctx, last, got, err)
	blind := min(witness.Lag(last), last.Sub(failed))
	switch {
	case silence > l.silence:
		wrong = errors.Join(wrong, fmt.Errorf("%s: no poll for %v", job.Script.ID, silence.Round(time.Second/10)))
	case job.Patience == 0 && blind > l.silence:
		wrong = errors.Join(wrong, fmt.Errorf("%s: its end was not seen for %v, though no poll failed", job.Script.ID, blind.Round(time.Second/10)))
	}
	if !l.judged(job, witness.Lag(last), wrong) {
		return
	}
	switch got.Status {
	case status.Success:
		l.succeeded.Add(1)
	case status.Failed:
		l.failed.Add(1)
	default:
		l.unfinished.Add(1)
	}
}

// judged notes what was wrong with a wait, and reports whether nothing was.
func (l *load) judged(job truth.Job, lag time.Duration, wrong error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if job.Patience == 0 {
		l.lag = max(l.lag, lag)
	}
	if wrong == nil {
		return true
	}
	l.wrong.Add(1)
	if len(l.wrongs) < 10 {
		l.wrongs = append(l.wrongs, fmt.Errorf("after %v: %w", time.Since(l.began), wrong))
	}
	return false
}

// leftover returns how many more goroutines there are than before, after some time for those that
// are about to end.
func leftover(before int) int {
	for range 50 {
		if runtime.NumGoroutine() <= before {
			return 0
		}
		time.Sleep(100 * time.Millisecond)
	}
	return runtime.NumGoroutine() - before
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
